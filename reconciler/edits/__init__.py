"""Edits that keep the user's bytes: a replica count is one line of a diff, comments and order stay where they are.

In: the bytes of one file, a place in it (document and pointer) and a typed value. Out: `Edited` with the new bytes and
the exact inverse, or `Unsafe` with the reason and the place, when the edit cannot be made without touching anything else.

Invariants
* Edit then inverse gives back the identical bytes; an inverse applied to other bytes than it was made for is refused.
* Only the span of one scalar (or a new line, or one more item of a list) is written, in the style that was there: quoted
  stays quoted, and text that some reader would retype gets quotes.
* After every edit the file is parsed again: exactly the one pointer has the new value, or the edit does not exist.
* What was no plain or quoted scalar on one line is not edited: block scalars, collections, fractions, other types.

Which value to write is left to `proposals`; whether it may be merged to the judges.
"""

from reconciler.edits.appending import append_item
from reconciler.edits.files import add_file, replace_file
from reconciler.edits.scalars import scale, set_scalar
from reconciler.edits.splice import Edited, Splice, Unsafe, Whole

__all__ = ["Edited", "Splice", "Unsafe", "Whole", "add_file", "append_item", "replace_file", "scale", "set_scalar"]
