"""What a panic would do: steps 2 and 3 of `panic`. It reads and writes nothing, so that looking first takes no time.

Only Git and the log are asked: who looks loads no documents, and a broken document stands in nobody's way.

2. The window is taken under the Clock, from the log: merges since then, newest first.
3. Left alone and listed: what is undone already, what no longer reverts cleanly, machine reverts (undoing one alone
   would bring back what made things worse; together with what it reverted nothing would change), and the Operations of
   the window: what they did is not undone by removing a file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from reconciler.audit.facts import BEGUN, Merge
from reconciler.audit.view import Fact, Facts, LogView
from reconciler.ports.repo import MACHINE, Repo


@dataclass(frozen=True, slots=True)
class PanicPlan:
    """What a panic would do on `base`: the files of its one commit."""

    base: str
    reverted: tuple[str, ...]
    skipped: tuple[tuple[str, str], ...]
    files: Mapping[str, bytes | None]


def planned(repo: Repo, ledger: LogView, base: str, since_ms: int, now_ms: int) -> PanicPlan:
    """Undoing what the machine did since then, on `base`; nothing of it is kept."""
    facts = ledger.facts()
    with repo.aside() as aside:
        tip, reverted, skipped = base, list[str](), list[tuple[str, str]]()
        for fact in _window(facts, since_ms):
            commit, why = fact.value.commit, _spared(facts, fact.value)
            files = None if why else aside.revert(commit, tip)
            if why or not files:
                skipped.append((commit, why or ("it does not revert cleanly" if files is None else "it is undone already")))
                continue
            tip = aside.write(tip, files, f"Undo {commit}\n", MACHINE, now_ms, None)
            reverted.append(commit)
        files = {path: aside.blob(after) if after else None for path, (_, after) in aside.changed(base, tip).items()}
    return PanicPlan(base, tuple(reverted), (*skipped, *_operations(facts, since_ms)), files)


def _operations(facts: Facts, since_ms: int) -> list[tuple[str, str]]:
    """Operations that began in the window, by the commit that brought each."""
    begun = [e for events in facts.operations.values() for e in events if e.value.event == BEGUN]
    return [
        (e.value.commit, f"Operation {e.value.id} ran ({facts.operation(e.value.id)}); what it did is not undone")
        for e in sorted(begun, key=lambda e: e.index, reverse=True)
        if e.clock_ms >= since_ms
    ]


def _window(facts: Facts, since_ms: int) -> list[Fact[Merge]]:
    merges = [f for f in facts.merges.values() if f.value.machine and f.clock_ms >= since_ms]
    return sorted(merges, key=lambda f: f.index, reverse=True)


def _spared(facts: Facts, merge: Merge) -> str:
    """Step 3, from the log alone."""
    if merge.commit in facts.reverted:
        return f"it was undone by {facts.reverted[merge.commit][:12]}"
    if any(merge.commit == panic.value.commit for panic in facts.panics):
        return "it is a panic's own commit"  # undoing it would bring back everything that it undid
    if merge.reverts:
        return f"it is the machine's own revert of {merge.reverts[:12]}"
    return ""
