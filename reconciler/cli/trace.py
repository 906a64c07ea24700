"""`homeostat trace OBJECT`: which commit made an object what it is, who let it in, and when it was applied.

From Git and the signed log alone. The commit is found by rendering: going back from the applied revision, the first one
before which the object rendered to something else. What the log knows about that commit comes after it.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from reconciler.cli.common import ago, answer, looking
from reconciler.cli.history import result
from reconciler.cli.objects import Applied, Wanted, applies, named_in, only, wanted
from reconciler.errors import Misconfigured

if TYPE_CHECKING:
    from reconciler.bootstrap.reading import Reading
    from reconciler.converge.render import RenderCache, RenderedUnit
    from reconciler.converge.units import UnitIndex
    from reconciler.model.revisions import CommitInfo

LOOK_BACK = 2_000  # commits of the branch


@dataclass(slots=True)
class Renders:
    """Units as they render at a commit."""

    home: Reading
    cache: RenderCache
    indexes: dict[bytes, UnitIndex | None] = field(default_factory=dict)
    kept: dict[tuple[str, str], RenderedUnit | None] = field(default_factory=dict)

    def at(self, commit: str, name: str) -> RenderedUnit | None:
        """None when it does not render, or is not declared there."""
        from reconciler.converge.render import RenderedUnit

        if (commit, name) not in self.kept:
            index = self.index(commit)
            unit = index.by_name.get(name) if index else None
            made = self.cache.get(self.home.repo, commit, unit, index.kind_of(unit)) if index and unit else None
            self.kept[commit, name] = made if isinstance(made, RenderedUnit) else None
        return self.kept[commit, name]

    def index(self, commit: str) -> UnitIndex | None:
        """The units of a commit, by homeostat.yaml alone; None when that does not load."""
        from reconciler.converge.units import UnitIndex
        from reconciler.documents import load_one
        from reconciler.documents.installation import Installation
        from reconciler.settings import INSTALLATION

        data = (self.home.repo.read(commit, INSTALLATION) if commit else None) or b""
        if data not in self.indexes:
            try:
                spec = load_one(data, INSTALLATION, Installation).document.spec
                self.indexes[data] = UnitIndex.of(spec.units, spec.targets)
            except Misconfigured:
                self.indexes[data] = None
        return self.indexes[data]

    def digest(self, commit: str, name: str, object_id: str) -> str | None:
        """Nothing when it is not declared, None when nobody knows."""
        made = self.at(commit, name)
        if made is None:
            return None
        return next((o.digest for o in made.rendered.objects if o.id == object_id), "")


def run(arguments: argparse.Namespace) -> int:
    with looking(arguments) as home:
        log, wish = applies(home), wanted(arguments.object)
        renders, revision = _renders(home), home.applied() or home.head
        names = [*named_in(log, wish)] or [*_declared(renders, revision, wish)]
        unit, object_id = only(arguments.object, names)
        value = _value(home, renders, revision, unit, object_id, log)
        answer(arguments, value, "\n".join(_lines(home, value)))
    return 0


def _renders(home: Reading) -> Renders:
    from reconciler.bootstrap.opening import open_settings
    from reconciler.bootstrap.rendering import looking_tools
    from reconciler.converge.render import RenderCache

    tools = looking_tools(home.home, open_settings(home.home))
    return Renders(home, RenderCache(tools=tools))


def _declared(renders: Renders, revision: str, wish: Wanted) -> Iterator[tuple[str, str]]:
    """Objects that were never applied."""
    index = renders.index(revision)
    for name in index.by_name if index else ():
        made = renders.at(revision, name) if wish.unit in ("", name) else None
        yield from ((name, o.id) for o in made.rendered.objects if wish.fits(name, o.id)) if made else ()


def _value(home: Reading, renders: Renders, revision: str, unit: str, object_id: str, log: Sequence[Applied]) -> dict[str, Any]:
    made = renders.at(revision, unit)
    info, note = _origin(renders, revision, unit, object_id)
    touched = [one for one in log if one.changes.unit == unit and one.of(object_id)]
    return {
        "object": object_id,
        "unit": unit,
        "revision": revision,
        "declared": bool(made and renders.digest(revision, unit, object_id)),
        "place": made.places.get(object_id, "") if made else "",
        "note": note,
        "commit": _commit(home, info) if info else None,
        "applied": _apply(_first(home, touched, info, object_id), object_id),
        "last": _apply(touched[0] if touched else None, object_id),
    }


def _origin(renders: Renders, revision: str, unit: str, object_id: str) -> tuple[CommitInfo | None, str]:
    """The commit that made it what it is, and what could not be looked at."""
    now = renders.digest(revision, unit, object_id)
    if now is None:
        return None, f"unit {unit} does not render at {revision[:12]}, so the commit cannot be told"
    newest: CommitInfo | None = None
    for info in renders.home.repo.history(revision, limit=LOOK_BACK):
        then = renders.digest(info.id, unit, object_id)
        if then is None:
            return newest, f"{info.id[:12]} does not render; what came before it was not looked at"
        if then != now:
            return newest, ""
        newest = info
    known = newest is not None and not newest.parents
    return newest, "" if known else f"only the newest {LOOK_BACK} commits were looked at"


def _commit(home: Reading, info: CommitInfo) -> dict[str, Any]:
    facts = home.ledger.facts()
    merge, admission, verdict = facts.merges.get(info.id), facts.admissions.get(info.id), facts.verdict(info.id)
    return {
        "id": info.id,
        "subject": info.subject,
        "author": f"{info.author_name} <{info.author_email}>",
        "time_ms": info.time_ms,
        "incident": merge.incident if merge else verdict.incident if verdict else "",
        "admission": {"record": admission.index, "kind": admission.value.kind, "principal": admission.value.principal}
        if admission
        else None,
        "merge": {"record": merge.index, "by": merge.value.by, "number": merge.value.number, "playbook": merge.value.playbook}
        if merge
        else None,
        "verdict": {"record": verdict.index, "effect": verdict.value.effect, "reason": verdict.value.reason} if verdict else None,
    }


def _first(home: Reading, touched: Sequence[Applied], info: CommitInfo | None, object_id: str) -> Applied | None:
    """The apply that brought that commit to it."""
    if info is None:
        return None
    fits = [one for one in touched if (done := one.of(object_id)) and done.ok and _holds(home, info.id, one.changes.revision)]
    return fits[-1] if fits else None


def _holds(home: Reading, commit: str, revision: str) -> bool:
    return home.repo.commit(revision) is not None and home.repo.is_ancestor(commit, revision)


def _apply(one: Applied | None, object_id: str) -> dict[str, Any] | None:
    if one is None:
        return None
    return {"record": one.index, "clock_ms": one.clock_ms, "revision": one.changes.revision, "result": one.of(object_id)}


def _lines(home: Reading, value: dict[str, Any]) -> Iterator[str]:
    yield f"{value['object']} of unit {value['unit']}"
    if value["declared"]:
        yield f"  written at   {value['place'] or 'a place that its renderer does not tell'}"
    else:
        yield f"  written at   nowhere any more at {value['revision'][:12]}"
    if value["commit"]:
        yield from _commit_lines(value["commit"], "put there by" if value["declared"] else "taken out by")
    if value["note"]:
        yield f"  ({value['note']})"
    for name, title in (("applied", "applied"), ("last", "last apply")):
        if found := value[name]:
            when, at = ago(home.clock, found["clock_ms"]), found["revision"][:12]
            yield f"  {title:<12} {when} at {at}: {result(found['result'])}   [record {found['record']}]"
    if not value["last"]:
        yield "  applied      never"


def _commit_lines(commit: dict[str, Any], verb: str) -> Iterator[str]:
    yield f"  {verb} {commit['id'][:12]} by {commit['author']}: {commit['subject']}"
    if found := commit["admission"]:
        of = f" of {found['principal']}" if found["principal"] else ""
        yield f"  let in as    {found['kind']}{of}   [record {found['record']}]"
    if found := commit["merge"]:
        pull = f"#{found['number']} " if found["number"] else ""
        play = f", playbook {found['playbook']}" if found["playbook"] else ""
        yield f"  merged       {pull}by {found['by']}{play}   [record {found['record']}]"
    if found := commit["verdict"]:
        yield f"  verdict      {found['effect']} ({found['reason']})   [record {found['record']}]"
    if commit["incident"]:
        yield f"  incident     {commit['incident']}; homeostat why {commit['incident']}"
