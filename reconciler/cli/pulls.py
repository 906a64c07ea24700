"""`homeostat pr`: look at repairs and decide about them."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING

from reconciler.cli.common import acting, ago, answer, looking, opened, table
from reconciler.cli.words import requirements
from reconciler.errors import Permanent
from reconciler.model.pulls import PullRequest, ReviewChoice

if TYPE_CHECKING:
    from reconciler.bootstrap.reading import Reading
    from reconciler.commands.people import Person
    from reconciler.ports.signing import Signer
    from reconciler.steps.world import World


def listing(arguments: argparse.Namespace) -> int:
    """Newest first."""
    with looking(arguments) as home:
        pulls = list(home.forge.list(arguments.state))
        undone = home.ledger.facts().reverted
        rows = [
            (
                f"#{p.number}",
                "undone" if p.merged in undone else p.state.value,
                p.effect or "-",
                ago(home.clock, p.opened_ms),
                p.narrative.title,
            )
            for p in pulls
        ]
        answer(arguments, pulls, table([("no.", "state", "verdict", "opened", "title"), *rows]) if rows else "no pull requests")
    return 0


def show(arguments: argparse.Namespace) -> int:
    """One, whole."""
    from reconciler.changes.diffs import unified_diff

    with looking(arguments) as home:
        pull = home.forge.get(arguments.number)
        if pull is None:
            raise Permanent(f"there is no pull request {arguments.number}", next_step="homeostat pr list")
        diff = unified_diff(home.repo, pull.base, pull.head)
        answer(arguments, {"pull_request": pull, "diff": diff}, told(home, pull, diff))
    return 0


def told(home: Reading, pull: PullRequest, diff: str) -> str:
    """The sections in the order a reviewer reads them."""
    undone = home.ledger.facts().reverted.get(pull.merged, "")
    said = pull.narrative
    reviewed = [
        f"  {r.principal} {r.choice.value} {r.head[:12]} ({r.channel}, {ago(home.clock, r.made_ms)}) {r.text}".rstrip()
        for r in pull.reviews
    ]
    verdict = f"verdict: {pull.effect or 'not judged yet'} {f'({pull.reason})' if pull.reason else ''}".rstrip()
    where = f"{pull.state.value}, head {pull.head[:12]} on {pull.branch} {pull.base[:12]}"
    parts = [
        f"#{pull.number}  {said.title}\n{where}, incident {said.incident}, playbook {said.playbook}",
        f"what happened\n  {said.what_happened}",
        "evidence\n" + "\n".join(f"  - {e}" for e in said.evidence),
        f"seen since{', and it names another cause' if said.since.doubts else ''}\n  {said.since.text}" if said.since else "",
        "seen before\n" + "\n".join(f"  - {e}" for e in said.seen) if said.seen else "",
        "the edit\n" + "\n".join(f"  - {e}" for e in said.edit_in_words),
        diff.rstrip(),
        f"predicted effect\n  {said.predicted}",
        f"blast radius\n  {said.blast_radius}",
        f"{verdict}\n{requirements(pull.requirements)}".rstrip(),
        "reviews\n" + "\n".join(reviewed) if reviewed else "",
        f"how to undo\n  {said.undo}",
        f"landed as {pull.merged} by {pull.merged_by}{f', and was undone by {undone}' if undone else ''}" if pull.merged else "",
        f"closed: {pull.note}" if pull.note else "",
    ]
    return "\n\n".join(part for part in parts if part)


def approve(arguments: argparse.Namespace) -> int:
    return _review(arguments, ReviewChoice.APPROVE, "approved")


def reject(arguments: argparse.Namespace) -> int:
    return _review(arguments, ReviewChoice.REJECT, "rejected")


def merge(arguments: argparse.Namespace) -> int:
    from reconciler.commands import reviews

    return _decided(arguments, reviews.merge, "approved; it lands as soon as the rules allow")


def _review(arguments: argparse.Namespace, choice: ReviewChoice, done: str) -> int:
    from reconciler.commands import reviews

    def decide(world: World, reviewer: Signer, person: Person, number: int, *, head: str, text: str) -> PullRequest:
        return reviews.review(world, reviewer, person, number, choice, head=head, text=text)

    return _decided(arguments, decide, done)


def _decided(arguments: argparse.Namespace, decide: Callable[..., PullRequest], done: str) -> int:
    from reconciler.adapters.signing.ed25519 import FileSigner

    with opened(arguments) as system:
        person = acting(arguments, system.world)
        signer = FileSigner(system.home.key("review"), "review")
        pull = decide(system.world, signer, person, arguments.number, head=arguments.head, text=arguments.text)
        answer(arguments, pull, f"#{pull.number} at {pull.head[:12]}: {done}, as {person.name}")
    return 0


def revert(arguments: argparse.Namespace) -> int:
    """Undo a merged repair, as a person."""
    from reconciler.commands.undoing import revert as revert_merged

    with opened(arguments) as system:
        commit = revert_merged(system.world, acting(arguments, system.world), arguments.number)
        answer(
            arguments, {"commit": commit}, f"{commit[:12]} undoes #{arguments.number}; a hold keeps the machine from redoing it"
        )
    return 0
