"""The steps of the loop: one module a step, each re-reads the truth, acts at most once, returns the next case.

`pipeline.py` lists them in order and alone commits what they return. A step never waits: it returns a case that is
due later. Running a step twice, after a crash or under a newer release, gives the same result or finds it done.
"""
