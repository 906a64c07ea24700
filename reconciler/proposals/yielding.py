"""Whose a contested field is, as a proposal: rules at the end of the unit's `apply.fields` that give it to who writes it.

homeostat.yaml is a file that only people change: the pull request waits for a person with the role `policy`, who says by
merging it that Git does not decide these fields, or closes it and takes the object over (`apply.adopt`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pydantic import ValidationError

from reconciler.documents.installation_apply import FieldOwner
from reconciler.edits import Edited, Unsafe, append_item
from reconciler.errors import Misconfigured
from reconciler.model.diagnosis import Cause
from reconciler.model.home import INSTALLATION
from reconciler.model.proposals import Edit, EditKind, Pointer, Scalar
from reconciler.model.reasons import Reason
from reconciler.proposals.places import Workspace
from reconciler.yamltext import Value, parse

MAX_FIELDS = 10  # of one object: who writes more of it had better have it, or give it up
_WILD = frozenset("*?[")


def yielded(workspace: Workspace, cause: Cause) -> Sequence[Edited] | Unsafe:
    """One rule a field, on top of the workspace."""
    fields = cause.contested
    if not fields:
        return Unsafe(Reason.UNSAFE_EDIT, "no target named a field that others write", f"{INSTALLATION}:1:1")
    if len(fields) > MAX_FIELDS:
        told = f"{len(fields)} fields of {cause.object} are written by others, at most {MAX_FIELDS} are given away: "
        return Unsafe(Reason.LIMIT, f"{told}take it over with apply.adopt, or out of the unit", f"{INSTALLATION}:1:1")
    place = _place(workspace, cause.unit)
    if isinstance(place, Unsafe):
        return place
    made: list[Edited] = []
    for path, manager in fields:
        result = _rule(workspace, cause, place, path, manager)
        if isinstance(result, Unsafe):
            return result
        if result is not None:
            workspace.edited[INSTALLATION] = result.after
            made.append(result)
    return made or Unsafe(Reason.NO_CHANGE, "these fields are given away already", f"{INSTALLATION}:1:1")


def _rule(workspace: Workspace, cause: Cause, place: Pointer, path: str, manager: str) -> Edited | Unsafe | None:
    """None: the rule is there."""
    data = workspace.read(INSTALLATION) or b""
    kind, _, rest = cause.object.partition("/")
    rule: dict[str, Scalar] = {
        "owner": "theirs", "kind": kind, "name": rest.rpartition("/")[2], "path": path, "manager": manager
    }  # fmt: skip
    edit = Edit(EditKind.APPEND, INSTALLATION, 0, place, None, None)
    try:
        FieldOwner.model_validate(rule)
    except ValidationError:
        return Unsafe(Reason.UNSAFE_EDIT, f"no rule can name {path or 'the whole object'} of {manager!r}", f"{INSTALLATION}:1:1")
    if not manager or _WILD & set(manager):
        return Unsafe(Reason.UNSAFE_EDIT, f"no rule can name the manager {manager!r} alone", f"{INSTALLATION}:1:1")
    node = parse(data, INSTALLATION)[0].node(place)
    if node is not None and isinstance(node.value, list) and rule in node.value:
        return None
    return append_item(data, edit, rule)


def _place(workspace: Workspace, unit: str) -> Pointer | Unsafe:
    """Where the rules of a unit stand in homeostat.yaml, whether there are any or not."""
    data = workspace.read(INSTALLATION)
    try:
        units = _units(parse(data or b"", INSTALLATION)[0].value) if data else []
    except Misconfigured as error:
        return Unsafe(Reason.UNSAFE_EDIT, error.message, error.where)
    for index, found in enumerate(units):
        if isinstance(found, Mapping) and found.get("name") == unit:
            return ("spec", "units", index, "apply", "fields")
    return Unsafe(Reason.UNSAFE_EDIT, f"{INSTALLATION} names no unit {unit}", f"{INSTALLATION}:1:1")


def _units(installation: Value) -> Sequence[Value]:
    spec = installation.get("spec") if isinstance(installation, dict) else None
    units = spec.get("units") if isinstance(spec, dict) else None
    return units if isinstance(units, list) else ()
