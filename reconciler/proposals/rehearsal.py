"""`homeostat playbook test`: runs a playbook's cases through the real stage, on a history and telemetry held in memory.

In: a loaded Playbook and its PlaybookCases. Out: one result for each case, with what was expected and what was found in
the same words, so that a failing case can be repaired by reading it.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from reconciler.documents.loader import Loaded
from reconciler.documents.playbook import Playbook
from reconciler.documents.playbook_cases import ExpectedAnswer, GivenTrouble, PlaybookCases
from reconciler.errors import Misconfigured
from reconciler.model.diagnosis import Cause, Diagnosis
from reconciler.model.proposals import Refusal
from reconciler.model.revisions import CommitInfo
from reconciler.model.signals import Incident
from reconciler.model.telemetry import Series, Topology
from reconciler.proposals.assembly import memory
from reconciler.proposals.propose import propose
from reconciler.proposals.ready import Ready, ready
from reconciler.proposals.situation import Candidate, Proposed, Situation

BEFORE, AFTER, NOW_MS = (0, 300_000), (300_000, 600_000), 600_000


@dataclass(frozen=True, slots=True)
class CaseResult:
    """One case: passed when what was found is what was expected."""

    name: str
    where: str
    expected: str
    found: str

    @property
    def passed(self) -> bool:
        return self.expected == self.found


def run_cases(playbook: Loaded[Playbook], cases: Loaded[PlaybookCases]) -> tuple[CaseResult, ...]:
    """Every case of a playbook; Misconfigured when the cases are another playbook's."""
    spec = cases.document.spec
    if spec.playbook != playbook.name:
        raise Misconfigured(f"these cases test {spec.playbook!r}, not {playbook.name!r}", where=cases.locate("spec", "playbook"))
    made = ready(playbook)
    return tuple(
        CaseResult(case.name, cases.at("spec", "cases", index), *_answers(made, case.given, case.expect))
        for index, case in enumerate(spec.cases)
    )


def _answers(made: Ready, given: GivenTrouble, expect: ExpectedAnswer) -> tuple[str, str]:
    repo = Rehearsed((*given.history, given.files), machine=given.machine)
    telemetry = Measured(given)
    situation = _situation(made, given, repo)
    proposed = propose(situation, [made], repo, telemetry)
    if given.reverted:
        situation = replace(situation, remembered=frozenset(memory(proposed.best.proposal)))
        proposed = propose(situation, [made], repo, telemetry)
    for _ in range(given.judges_refuse):
        situation = replace(situation, refused=situation.refused | {proposed.best.proposal.patch})
        proposed = propose(situation, [made], repo, telemetry)
    return _expected(expect), _found(made, proposed, expect)


def _situation(made: Ready, given: GivenTrouble, repo: Rehearsed) -> Situation:
    cause = Cause(
        given.cause, given.component, given.confidence, repo.tip if given.suspect else "", (),
        given.trouble.value if given.trouble else "", given.object, given.container, given.unit if given.object else "",
        tuple((field.path, field.manager) for field in given.contested),
    )  # fmt: skip
    folders = {path.rsplit("/", 1)[0] for path in given.files if "/" in path}
    components = {given.component, *(name for call in given.calls for name in call)}
    return Situation(
        incident=Incident("case", "group", "rehearsal", "lab", NOW_MS, given.severity, (given.component,), ()),
        diagnosis=Diagnosis("case", NOW_MS, repo.tip, (cause,), BEFORE, AFTER, "a case", given.prediction),
        revision=repo.tip,
        units={folder.rsplit("/", 1)[-1]: folder for folder in sorted(folders)},
        topology=Topology(tuple(sorted(components)), tuple(sorted(given.calls))),
        now_ms=NOW_MS,
        cooling={(made.name, given.component): NOW_MS + 60_000} if given.cooling_down else {},
    )


def _expected(expect: ExpectedAnswer) -> str:
    if expect.diff:
        return "\n".join(expect.diff)
    if expect.refused is not None:
        return _refused(expect.refused.value, expect.says)
    return "pages a person" if expect.pages else "does not fire"


def _found(made: Ready, proposed: Proposed, expect: ExpectedAnswer) -> str:
    best = proposed.best
    if best.files:
        return "\n".join(diff(best))
    if made.spec.pages_only:
        return "does not fire" if proposed.refusals else "pages a person"
    judged = [refusal for refusal in proposed.refusals if refusal.playbook == made.name]
    return _said(judged[0], expect) if judged else "does not fire"


def _said(refusal: Refusal, expect: ExpectedAnswer) -> str:
    return _refused(
        refusal.reason, expect.says if expect.says and expect.says in refusal.detail else refusal.detail * bool(expect.says)
    )


def _refused(reason: str, says: str) -> str:
    return f"refused: {reason}" + (f" ({says})" if says else "")


def diff(candidate: Candidate) -> list[str]:
    """The lines that go and come, file by file, without context."""
    lines: list[str] = []
    for path in sorted(candidate.files):
        before, after = (_lines(side.get(path)) for side in (candidate.inverse, candidate.files))
        found = difflib.unified_diff(before, after, lineterm="", n=0)
        lines += [line for line in found if line[:1] in "+-" and not line.startswith(("+++", "---"))]
    return lines


def _lines(data: bytes | None) -> list[str]:
    return [] if data is None else data.decode().splitlines()


class Rehearsed:
    """A linear history of file states, as `proposals` reads it. Commits have the ids 1, 2, 3 ... in hex."""

    def __init__(self, states: Sequence[Mapping[str, str]], *, machine: bool) -> None:
        self._states = [{path: text.encode() for path, text in state.items()} for state in states]
        self._machine = machine

    @property
    def tip(self) -> str:
        return self._id(len(self._states) - 1)

    @staticmethod
    def _id(index: int) -> str:
        return f"{index + 1:040x}"

    def _at(self, commit: str) -> int:
        return int(commit, 16) - 1

    def commit(self, commit: str) -> CommitInfo | None:
        index = self._at(commit)
        if not 0 <= index < len(self._states):
            return None
        parents = (self._id(index - 1),) if index else ()
        machine = self._machine and index == len(self._states) - 1
        message = "A repair\n\nHomeostat-Playbook: any\n" if machine else "An edit\n"
        return CommitInfo(commit, parents, "", "someone", "someone@example.org", "someone@example.org", index, message)

    def read(self, commit: str, path: str) -> bytes | None:
        return self._states[self._at(commit)].get(path)

    def files(self, commit: str, under: str = "") -> Mapping[str, str]:
        return {path: path for path in self._states[self._at(commit)] if path.startswith(under)}

    def history(self, commit: str, *, limit: int = 50, path: str = "") -> Sequence[CommitInfo]:
        newest_first = range(self._at(commit), -1, -1)
        infos = [self.commit(self._id(index)) for index in newest_first if not path or self._touched(index, path)]
        return [info for info in infos if info is not None][:limit]

    def revert(self, commit: str, onto: str) -> Mapping[str, bytes | None] | None:
        index = self._at(commit)
        new, old = self._states[index], self._states[index - 1] if index else {}
        touched = {path for path in {*new, *old} if new.get(path) != old.get(path)}
        if any(self.read(onto, path) != new.get(path) for path in touched):
            return None
        return {path: old.get(path) for path in sorted(touched)}

    def _touched(self, index: int, path: str) -> bool:
        before = self._states[index - 1].get(path) if index else None
        return self._states[index].get(path) != before


class Measured:
    """Telemetry of one component: one value in each window."""

    def __init__(self, given: GivenTrouble) -> None:
        self._given = given

    def metrics(self, component: str) -> Sequence[str]:
        return sorted({*self._given.before, *self._given.now}) if component == self._given.component else ()

    def series(self, component: str, metric: str, start_ms: int, end_ms: int) -> Series:
        values = self._given.before if (start_ms, end_ms) == BEFORE else self._given.now
        known = component == self._given.component and metric in values
        return Series(component, metric, (end_ms - 1,) if known else (), (values[metric],) if known else ())

    def topology(self) -> Topology:
        return Topology((self._given.component,), ())

    def newest_ms(self) -> int:
        return NOW_MS
