"""The words of the loop as frozen values: standard library only, one canonical encoder, no floats in what is signed.

Each module holds the words of one arrow of the loop; `cases` holds the row that travels along all of them.
Time is integer milliseconds under the Clock everywhere; measured numbers are decimal text (`canonical.number`).
"""
