"""DirectoryTarget: desired objects as a folder tree, one JSON file for each, for programs that read files.

`Service/checkout` becomes `<root>/Service/checkout.json`; the inventory with the generations lies in `<root>/.homeostat`.

Invariants
* Only files of the inventory are ever overwritten or removed; a foreign file, link or folder in the way fails that object
  alone, with its path.
* Each file is old or new, never half; a full disk fails the objects that did not fit and leaves their old files.
* The fence is compared and moved under a lock, and is on disk before the first file changes.
* A file whose bytes are not what was written is drift, also when it would parse to the same.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from reconciler.adapters.targets.files import Files, content_digest
from reconciler.adapters.targets.ledger import Entry, Fence, Ledger, load, locked, save, settled
from reconciler.converge.diffing import make_plan
from reconciler.documents.installation_parts import DirectorySettings
from reconciler.errors import Permanent, Retryable
from reconciler.model.reasons import Reason
from reconciler.model.revisions import (
    ChangeSet,
    DesiredObject,
    Health,
    HealthState,
    Observed,
    Plan,
    Rendered,
    Step,
    StepResult,
    Verb,
)

# Exactly one slash, no dot at the start of a part: an id can name neither another folder nor the inventory.
OBJECT_ID = re.compile(r"(?P<kind>[A-Z][A-Za-z0-9]{0,62})/(?P<name>[a-z0-9][a-z0-9.-]{0,252})\Z")


class DirectoryTarget:
    """A Target whose real system is the file system."""

    at_once = 1

    def __init__(self, name: str, root: Path) -> None:
        self.name = name
        self._root = root
        self._files = Files(root)

    @classmethod
    def from_settings(cls, name: str, settings: DirectorySettings, home: Path) -> DirectoryTarget:
        """A relative path lies below the home folder."""
        return cls(name, home / settings.path)

    def observe(self, unit: str) -> Observed:
        ledger = self._load()
        mine, fence = ledger.of(unit), ledger.fence(unit)
        live = {i: self._live(i, e) for i, e in mine.items()}
        return Observed(unit, fence.generation, fence.revision, {i: d for i, d in live.items() if d}, _digests(mine))

    def inventory(self) -> Mapping[str, str]:
        return {i: e.unit for i, e in sorted(self._load().objects.items())}

    def plan(self, rendered: Rendered, revision: str, generation: int, *, shown: bool = True) -> Plan:
        return make_plan(rendered, self.observe(rendered.unit), self._body, revision, generation, shown=shown)

    def dry_run(self, plan: Plan) -> ChangeSet:
        ledger = self._load()
        if _stale(ledger, plan):
            return _answer(self.name, plan, (), Reason.STALE_PLAN)
        return _told(self.name, plan, [self._check(ledger, s) or _done(s) for s in plan.steps])

    def apply(self, plan: Plan) -> ChangeSet:
        try:
            with locked(self._root):
                return self._apply(plan)
        except OSError as error:
            raise Retryable(
                f"cannot write the inventory of {self._root}: {error.strerror}; the plan of unit {plan.unit} was not finished",
                next_step="look at free space and permissions",
            ) from error

    def health(self, unit: str) -> Sequence[Health]:
        return [Health(i, *self._state(i, e)) for i, e in self._load().of(unit).items()]

    def _apply(self, plan: Plan) -> ChangeSet:
        ledger = load(self._files, self._root)
        if _stale(ledger, plan):
            return _answer(self.name, plan, (), Reason.STALE_PLAN)
        before = ledger
        ledger = ledger.settle(lambda i: self._files.digest(*place(i))).with_fence(
            plan.unit, Fence(plan.generation, plan.revision)
        )
        refused = {s.id: r for s in plan.steps if (r := self._check(ledger, s))}
        wanted = {o.id: o for o in plan.objects}
        writes = [s for s in plan.steps if s.verb is not Verb.PRUNE and s.id not in refused]
        ledger = ledger.with_entries({s.id: _intent(ledger.objects.get(s.id), plan.unit, wanted[s.id]) for s in writes})
        if ledger != before:
            save(self._files, ledger)
        results = [refused.get(s.id) or self._do(ledger, plan.unit, s, wanted) for s in plan.steps]
        after = ledger.with_entries(_after(ledger, plan.unit, plan.steps, results))
        if after != ledger:
            save(self._files, after)
        return _told(self.name, plan, results)

    def _check(self, ledger: Ledger, step: Step) -> StepResult | None:
        """Why a step must not be done; None when nothing is in its way."""
        if not OBJECT_ID.match(step.id):
            return _failed(step, f"{step.id[:80]!r} is no object id")
        try:
            exists = bool(self._files.digest(*place(step.id)))
        except (Permanent, OSError) as error:
            return _failed(step, str(error))
        if exists and step.id not in ledger.objects and step.verb is not Verb.PRUNE:
            return _failed(step, f"{'/'.join(place(step.id))} exists and is not Homeostat's; it is left alone")
        return None

    def _do(self, ledger: Ledger, unit: str, step: Step, wanted: Mapping[str, DesiredObject]) -> StepResult:
        try:
            if step.verb is not Verb.PRUNE:
                self._files.write(*place(step.id), content(wanted[step.id]))
            elif step.id in ledger.objects and ledger.objects[step.id].unit == unit:
                self._files.remove(*place(step.id))
        except (Permanent, OSError) as error:
            why = error.strerror if isinstance(error, OSError) else str(error)
            return _failed(step, f"{'/'.join(place(step.id))}: {why}; it is as it was", Reason.ERROR)
        return _done(step)

    def _load(self) -> Ledger:
        try:
            return load(self._files, self._root)
        except OSError as error:
            raise Retryable(f"cannot read the inventory of {self._root}: {error.strerror}") from error

    def _live(self, object_id: str, entry: Entry) -> str:
        """The desired digest when the bytes are what was written, another one when not, "" when there is no file."""
        found = self._now(object_id)
        known = {entry.file: entry.digest, entry.next_file: entry.next_digest}
        return known.get(found, found) if found else ""

    def _now(self, object_id: str) -> str:
        """The digest of the file's bytes; of nothing when something that is no file is there: not what was applied."""
        try:
            return self._files.digest(*place(object_id))
        except (Permanent, OSError):
            return content_digest(b"")

    def _body(self, object_id: str) -> Mapping[str, Any]:
        """The live body, to show what would change; what cannot be read shows as empty."""
        try:
            manifest = json.loads(self._files.read(*place(object_id)) or b"{}")
        except (ValueError, Permanent, OSError, RecursionError):
            return {}
        body = manifest.get("spec") if isinstance(manifest, dict) else None
        return body if isinstance(body, dict) else {}

    def _state(self, object_id: str, entry: Entry) -> tuple[HealthState, str]:
        live = self._live(object_id, entry)
        if not live:
            return HealthState.MISSING, "the file is gone"
        if live != entry.digest:
            return HealthState.DEGRADED, "the file is not what was written"
        return HealthState.HEALTHY, ""


def place(object_id: str) -> tuple[str, str]:
    """Folder and file name of an object."""
    if not (found := OBJECT_ID.match(object_id)):
        raise Permanent(f"{object_id[:80]!r} is no object id")
    return found["kind"], found["name"] + ".json"


def content(desired: DesiredObject) -> bytes:
    """The file's bytes: the same object gives the same bytes."""
    kind, name = desired.id.split("/")
    manifest = {"kind": kind, "metadata": {"name": name}, "spec": desired.spec}
    return json.dumps(manifest, indent=2, sort_keys=True, ensure_ascii=False).encode() + b"\n"


def _digests(entries: Mapping[str, Entry]) -> Mapping[str, str]:
    return {i: e.digest for i, e in entries.items()}


def _stale(ledger: Ledger, plan: Plan) -> bool:
    held = ledger.fence(plan.unit)
    return plan.generation < held.generation or (plan.generation == held.generation and plan.revision != held.revision)


def _intent(held: Entry | None, unit: str, desired: DesiredObject) -> Entry:
    """What the file will be. An object that another unit held changes its owner here."""
    digest, file = (held.digest, held.file) if held else ("", "")
    return Entry(unit, digest, file, desired.digest, content_digest(content(desired)))


def _after(ledger: Ledger, unit: str, steps: Sequence[Step], results: Sequence[StepResult]) -> Mapping[str, Entry | None]:
    entries: dict[str, Entry | None] = {}
    for step, result in zip(steps, results, strict=True):
        held = ledger.objects.get(step.id)
        if held is None or held.unit != unit:
            continue
        if step.verb is Verb.PRUNE:
            entries[step.id] = None if result.ok else held
        elif held.next_file:
            entries[step.id] = settled(held, done=result.ok)
    return entries


def _done(step: Step) -> StepResult:
    return StepResult(step.id, step.verb, ok=True, reason=Reason.APPLIED.value)


def _failed(step: Step, detail: str, reason: Reason = Reason.INVALID) -> StepResult:
    return StepResult(step.id, step.verb, ok=False, reason=reason.value, detail=detail)


def _told(target: str, plan: Plan, results: Sequence[StepResult]) -> ChangeSet:
    return _answer(target, plan, results, Reason.APPLIED if all(r.ok for r in results) else Reason.INVALID)


def _answer(target: str, plan: Plan, results: Sequence[StepResult], reason: Reason) -> ChangeSet:
    return ChangeSet(plan.unit, target, plan.revision, plan.generation, tuple(results), reason.value)
