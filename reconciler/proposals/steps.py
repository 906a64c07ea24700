"""One step of a playbook to the edits it means here, or the reason why it means none.

A step that would change nothing anywhere is refused as a whole; where it means several places, those that already say
what it wants are left alone. Nothing is written: edits live in the workspace of one candidate.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from reconciler.documents.playbook import fraction
from reconciler.documents.playbook_parts import (
    WORKLOAD,
    Nothing,
    OperationStep,
    RestoreStep,
    RevertStep,
    ScaleStep,
    SetStep,
    Step,
    YieldStep,
)
from reconciler.edits import Edited, Unsafe, add_file, replace_file, scale, set_scalar
from reconciler.errors import Misconfigured
from reconciler.model.canonical import digest
from reconciler.model.diagnosis import Cause
from reconciler.model.proposals import Edit, EditKind, Irreversibility, Pointer, Scalar
from reconciler.model.reasons import Reason
from reconciler.proposals.operations import operation_file
from reconciler.proposals.places import Found, Workspace, identity, pointers
from reconciler.proposals.ready import Parameters
from reconciler.proposals.restoring import earlier
from reconciler.proposals.yielding import yielded
from reconciler.yamltext import parse

MAX_EDITS = 20  # of one candidate: more is no small repair


@dataclass(frozen=True, slots=True)
class Made:
    """One edit, and whose object it is."""

    edited: Edited
    component: str
    unit: str


@dataclass(frozen=True, slots=True)
class Scene:
    """What a step may look at."""

    workspace: Workspace
    cause: Cause
    playbook: str
    parameters: Parameters
    irreversibility: Irreversibility

    @property
    def token(self) -> str:
        """A fresh word of our own: the same for the same incident and revision, so that a repeated step is the same step."""
        situation = self.workspace.situation
        return "r" + digest([situation.incident.id, situation.revision, self.playbook]).removeprefix("sha256:")[:12]


Writer = Callable[[bytes, Edit], Edited | Unsafe]


def take(scene: Scene, step: Step) -> Sequence[Made] | Unsafe:
    """The edits of one step, already on top of the workspace."""
    if isinstance(step, Nothing):
        return ()
    if isinstance(step, RevertStep):
        return _timed(step, _revert(scene))
    if isinstance(step, OperationStep):
        return _timed(step, _operation(scene, step))
    if isinstance(step, YieldStep):
        return _timed(step, _yielded(scene))
    return _timed(step, _places(scene, step))


def _timed(step: Step, made: Sequence[Made] | Unsafe) -> Sequence[Made] | Unsafe:
    if isinstance(made, Unsafe):
        return made
    limit = step.timeout_seconds * 1_000
    return [replace(m, edited=replace(m.edited, edit=replace(m.edited.edit, timeout_ms=limit))) for m in made]


def _places(scene: Scene, step: SetStep | ScaleStep | RestoreStep) -> Sequence[Made] | Unsafe:
    made: list[Made] = []
    problem: Unsafe | None = None
    for found, pointer in _meant(scene, step):
        if isinstance(found, Unsafe):
            return found
        result = _write(scene, step, found, pointer)
        if isinstance(result, Unsafe) and result.reason is not Reason.NO_CHANGE:
            return result
        if isinstance(result, Unsafe):
            problem = result
            continue
        scene.workspace.edited[found.path] = result.after
        made.append(Made(result, found.name, found.unit))
    if len(made) > MAX_EDITS:
        return Unsafe(Reason.LIMIT, f"{len(made)} edits, at most {MAX_EDITS} are one repair", made[0].edited.edit.path + ":1:1")
    nothing = Unsafe(Reason.NO_CHANGE, f"no {step.object} here has this field", f"{scene.cause.component}:1:1")
    return made or problem or nothing


def _meant(scene: Scene, step: SetStep | ScaleStep | RestoreStep) -> Iterator[tuple[Found | Unsafe, Pointer]]:
    component = scene.cause.component
    owners = (component,) if step.on == "component" else scene.workspace.situation.topology.callers(component)
    for owner in owners:
        found = scene.workspace.find(step.object, owner, scene.cause)
        if isinstance(found, Unsafe):
            yield found, ()
            return
        for pointer in pointers(found.value, step.field, scene.cause):
            yield found, pointer


def _write(scene: Scene, step: SetStep | ScaleStep | RestoreStep, found: Found, pointer: Pointer) -> Edited | Unsafe:
    data = scene.workspace.read(found.path)
    if data is None:
        return Unsafe(Reason.UNSAFE_EDIT, "the file is gone", f"{found.path}:1:1")
    blank = Edit(EditKind.SET, found.path, found.document, pointer, None, None)
    if isinstance(step, ScaleStep):
        return scale(data, blank, fraction(scene.parameters[step.by]), step.min, step.max)
    if isinstance(step, RestoreStep):
        before = earlier(scene.workspace.repo, scene.workspace.situation.revision, found, pointer, scene.cause.commit)
        if isinstance(before, Unsafe):
            return before
        return set_scalar(data, replace(blank, kind=EditKind.RESTORE, after=before.value, commit=before.commit))
    return _set(scene, step, data, blank)


def _set(scene: Scene, step: SetStep, data: bytes, blank: Edit) -> Edited | Unsafe:
    value: Scalar = step.value
    if step.parameter:
        value = int(scene.parameters[step.parameter])
    elif step.generate:
        value = scene.token
    made = set_scalar(data, replace(blank, after=value), insert=step.insert)
    if isinstance(made, Unsafe) or step.only == "always":
        return made
    before, after = made.edit.before, made.edit.after
    if before is None and step.insert:
        return made
    further = isinstance(before, int) and isinstance(after, int) and ((after < before) == (step.only == "lower"))
    return made if further else Unsafe(Reason.NO_CHANGE, f"the value there is already beyond {after}", f"{blank.path}:1:1")


def _revert(scene: Scene) -> Sequence[Made] | Unsafe:
    workspace, commit = scene.workspace, scene.cause.commit
    if not commit:
        return Unsafe(Reason.UNSAFE_EDIT, "no commit is suspected", "history:1:1")
    undone = workspace.repo.revert(commit, workspace.situation.revision)
    if undone is None:
        return Unsafe(Reason.UNSAFE_EDIT, f"{commit[:12]} does not revert cleanly any more", f"{commit[:12]}:1:1")
    made: list[Made] = []
    for path, after in sorted(undone.items()):
        unit = workspace.tree.unit_of(path)
        if not unit:  # policies, playbooks and trust are never the machine's to turn back
            return Unsafe(Reason.UNSAFE_EDIT, f"{commit[:12]} touched more than desired state", f"{path}:1:1")
        edited = replace_file(path, workspace.read(path), after, commit)
        if isinstance(edited, Unsafe):
            return edited
        workspace.edited[path] = after
        made += [Made(edited, name, unit) for name in _names(path, edited)]
    return made or Unsafe(Reason.NO_CHANGE, f"{commit[:12]} is undone already", f"{commit[:12]}:1:1")


def _yielded(scene: Scene) -> Sequence[Made] | Unsafe:
    edited = yielded(scene.workspace, scene.cause)
    return edited if isinstance(edited, Unsafe) else [Made(item, scene.cause.component, scene.cause.unit) for item in edited]


def _names(path: str, edited: Edited) -> Sequence[str]:
    """The objects of a whole file, before and after; the file's own name where it does not read."""
    names: set[str] = set()
    for data in (edited.before, edited.after):
        try:
            names |= {identity(document.value)[1] for document in parse(data or b"", path)}
        except Misconfigured:
            names.add(path.rsplit("/", 1)[-1].rsplit(".", 1)[0])
    return sorted(names - {""}) or [path.rsplit("/", 1)[-1].rsplit(".", 1)[0]]


def _operation(scene: Scene, step: OperationStep) -> Sequence[Made] | Unsafe:
    cause, situation = scene.cause, scene.workspace.situation
    kinds = (WORKLOAD,) if cause.object else ("Service", "Database")
    found = next((f for k in kinds if not isinstance(f := scene.workspace.find(k, cause.component, cause), Unsafe)), None)
    if found is None:
        return Unsafe(Reason.UNSAFE_EDIT, "an Operation needs an object of a unit to act on", "operations:1:1")
    path, data = operation_file(
        name=f"{step.action}-{scene.token}",
        action=step.action,
        unit=found.unit,
        component=cause.object.lower() or cause.component,
        expires_ms=situation.now_ms + step.expires_seconds * 1_000,
        irreversibility=scene.irreversibility,
    )
    edited = add_file(path, scene.workspace.read(path), data)
    if isinstance(edited, Unsafe):
        return edited
    scene.workspace.edited[path] = edited.after
    return [Made(edited, cause.component, found.unit)]
