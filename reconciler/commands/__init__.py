"""What people do: review, brake, hold, panic, revert. CLI and page call the same functions, so both mean the same.

Each acts on the truth (Git refs and the signed log) by compare-and-swap, works with or without a running loop, asks
Trust whether this person may, and leaves a record before it says that it is done.
"""
