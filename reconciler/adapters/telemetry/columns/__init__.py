"""The files of the telemetry store: a journal of the newest rows, and sealed blocks of columns (`block`, `values`).

The only home of numpy in this family besides `gridding`: importing it costs what numpy costs, so the store is opened when
it is first asked, and a command that reads no telemetry does not pay.
"""
