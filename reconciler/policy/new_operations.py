"""What is wrong with Operation files that a revision brings, as far as it can be known before they are merged.

In: the tree's files, the Operation files of the revision before, the time, what each kind of target can do. Out: problems
with their places. Only what is new is looked at: an old file has run or has not, and may name a unit that is gone.

1. A file that was there before is not edited: it runs at most once.
2. Its name is that of its document.
3. It is in time.
4. Its unit is in homeostat.yaml, and its unit's target can do the act, where that is known without asking the target.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterator, Mapping

from reconciler.documents import Problem, load_one
from reconciler.documents.installation import Installation
from reconciler.documents.loader import Loaded
from reconciler.documents.operation import Operation
from reconciler.model.home import INSTALLATION

Acts = Callable[[str], Collection[str] | None]  # of a kind of target; None: only the target itself knows


def check_new_operations(files: Mapping[str, bytes], before: Mapping[str, str], now_ms: int, acts: Acts) -> tuple[Problem, ...]:
    """`files` have no problem of their own; `before` has Git's blob ids. `now_ms` is the time that Operations expire by."""
    problems = list[Problem]()
    spec = load_one(files[INSTALLATION], INSTALLATION, Installation).document.spec
    kinds = {target.name: target.kind for target in spec.targets}
    units = {unit.name: kinds.get(unit.target, "") for unit in spec.units}
    for path in sorted(path for path in files if path.startswith("operations/") and path.endswith(".yaml")):
        blob = before.get(path)
        if blob is None:
            problems += _new(load_one(files[path], path, Operation), units, now_ms, acts)
        elif blob != _blob_id(files[path], blob):  # 1
            problems.append(Problem(f"{path}:1:1", "it was edited; an Operation runs at most once", "add a file with a new name"))
    return tuple(problems)


def _new(loaded: Loaded[Operation], units: Mapping[str, str], now_ms: int, acts: Acts) -> Iterator[Problem]:
    spec, stem = loaded.document.spec, loaded.path.removeprefix("operations/").removesuffix(".yaml")
    if loaded.name != stem:  # 2
        said = f"the name is {loaded.name!r}, the file's is {stem!r}; they have to agree"
        yield Problem(loaded.locate("metadata", "name"), said, f"name it {stem}")
    if spec.expires_ms <= now_ms:  # 3
        yield Problem(loaded.locate("spec", "expiresMs"), "it has expired and would not run", "give a time to come, in ms")
    if spec.unit not in units:  # 4
        known = ", ".join(sorted(units)) or "none"
        yield Problem(loaded.locate("spec", "unit"), f"there is no unit {spec.unit}", f"units are: {known}")
        return
    can = acts(units[spec.unit])
    if can is not None and spec.action not in can:
        told = f"it can do {', '.join(sorted(can))}" if can else "it can do no one-shot acts"
        yield Problem(loaded.locate("spec", "action"), f"the target of unit {spec.unit} cannot do {spec.action}", told)


def _blob_id(data: bytes, like: str) -> str:
    """The id that Git gives these bytes, in the hash that `like` is made with."""
    make = hashlib.sha256 if len(like) == 64 else hashlib.sha1
    return make(b"blob %d\0" % len(data) + data).hexdigest()
