"""The explanation of an incident for its page: the newest that its records hold, with its drawings as inline SVG, and apart
from it what a second look has seen since.

A drawing is made anew from the values of the record, every text in it escaped, so it may stand in a page as it is.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from markupsafe import Markup

from reconciler.analysis.drawings import inline
from reconciler.console.timeline import Table
from reconciler.errors import Permanent
from reconciler.model.canonical import decode
from reconciler.model.diagnosis import Diagnosis
from reconciler.model.explanations import Explanation, call_in_words, in_words, shares_in_words
from reconciler.model.looks import SecondLook
from reconciler.model.records import LoggedRecord, RecordKind


@dataclass(frozen=True, slots=True)
class Explained:
    """`drawings` are safe to show as they are; everything else is text."""

    told: Explanation
    drawings: tuple[Markup, ...]

    @property
    def evidence(self) -> Table:
        rows = tuple((f"{float(row.confidence):.2f}", row.kind, row.text, row.detector) for row in self.told.evidence)
        return Table("Evidence, by kind and confidence", ("confidence", "kind", "what", "detector"), rows)

    @property
    def lists(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """Title and lines of what else there is to say; some are empty."""
        told = self.told
        return (
            (f"Metrics that speak most for {told.cause}", shares_in_words(told)),
            ("Calls in trouble", tuple(map(call_in_words, told.calls))),
            ("Moves with what users see", tuple(f"{metric} of {who}: {alike[:4]}" for who, metric, alike in told.health)),
            ("Longest ways", tuple(in_words(path) for path in told.paths)),
            (f"Falls when {told.cause} falls", told.falls),
            ("Confirmed if", told.confirm),
            ("Refuted if", told.refute),
        )


def explained(records: Iterable[LoggedRecord]) -> Explained | None:
    """None where no diagnosis has one: the analysis is not installed, did not answer, or is older than it."""
    newest = None
    for logged in records:
        if logged.record.kind is RecordKind.DIAGNOSIS:
            newest = _of(logged) or newest
    return None if newest is None else _drawn(newest)


@dataclass(frozen=True, slots=True)
class SeenSince:
    """`explained` is None where the second look found nothing to explain."""

    look: SecondLook
    explained: Explained | None


def seen_since(records: Iterable[LoggedRecord]) -> SeenSince | None:
    """None where nobody has looked again since the newest diagnosis."""
    newest = None
    for logged in records:
        if logged.record.kind is RecordKind.DIAGNOSIS:
            newest = None
        if logged.record.kind is RecordKind.SECOND_LOOK:
            newest = _look(logged)
    if newest is None:
        return None
    return SeenSince(newest, None if newest.explanation is None else _drawn(newest.explanation))


def _drawn(told: Explanation) -> Explained:
    return Explained(told, tuple(Markup(svg) for svg in inline(told.drawings)))  # noqa: S704 - escaped by `drawings`


def _look(logged: LoggedRecord) -> SecondLook | None:
    try:
        return decode(SecondLook, logged.record.payload["look"])
    except (Permanent, KeyError):
        return None  # as for a diagnosis


def _of(logged: LoggedRecord) -> Explanation | None:
    try:
        return decode(Diagnosis, logged.record.payload["diagnosis"]).explanation
    except (Permanent, KeyError):
        return None  # of another release: the timeline still shows it by its plain fields
