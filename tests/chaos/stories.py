"""What is lived through while it crashes: how trouble comes, what a person does meanwhile, when it is over.

The same in the test's process, which prepares it, and in the one that is killed, which lives it (`worker.py`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from installation import BAD, CHECKOUT, GOOD, WARM_SECONDS, Installation

from reconciler.model.operations import ENDS

SOONER = {
    "playbooks/rollback-release.yaml": ("  expect:\n", "  expect:\n    guardAfterSeconds: 20\n    outcomeAfterSeconds: 60\n")
}
OPERATIONS = {"clear-1": ("clear-queue", "checkout", "irreversible"), "restart-1": ("restart", "cart", "costly")}
OPERATION = """\
apiVersion: homeostat/v1
kind: Operation
metadata:
  name: {name}
spec:
  action: {action}
  unit: shop
  component: {component}
  expiresMs: {expires}
  irreversibility: {risk}
"""


@dataclass(frozen=True)
class Story:
    """`meanwhile` is asked before every look at the world; what it did in an earlier life it does not do again.

    `own` names the first and the last step that no other story takes; the other steps are that story's to try.
    """

    prepare: Callable[[Installation], None]
    over: Callable[[Installation], bool]
    meanwhile: Callable[[Installation], None] = lambda site: None
    warm_seconds: int = WARM_SECONDS
    own: tuple[str, str] = ("", "")


def repaired(site: Installation, merges: int = 1) -> bool:
    """So many machine merges are on record, each with its outcome, and no case is open."""
    ledger = site.system.world.ledger.facts()
    return len(ledger.merges) >= merges and not ledger.without_outcome() and not site.cases(open_only=True)


def bad_release(site: Installation, mode: str) -> None:
    """A slow release of checkout; its rollback is in this mode and is looked at sooner than usual."""
    site.allow("rollback-release", mode)
    site.push(SOONER, "Look sooner")
    site.settle()
    site.fault(kind="bad-release", service="checkout", release=BAD, mode="slow", factor=8)
    site.push({CHECKOUT: (GOOD, BAD)}, f"Release checkout {BAD}")


def approve(site: Installation) -> None:
    """A person approves what waits, unless Git holds their review."""
    for pull in site.pulls("open"):
        if pull.effect and not pull.reviews:
            site.review(pull.number)


def order(site: Installation) -> None:
    """A person pushes two Operations in one commit."""
    site.pull()
    (site.clone / "operations").mkdir(exist_ok=True)
    for name, (action, component, risk) in OPERATIONS.items():
        text = OPERATION.format(name=name, action=action, component=component, risk=risk, expires=site.clock.now() + 3_600_000)
        (site.clone / "operations" / f"{name}.yaml").write_text(text)
    site.git("add", "operations")
    site.git("commit", "-qm", "Two one-shot acts")
    site.git("push", "-q")


def operated(site: Installation) -> bool:
    """Every Operation has come to its end."""
    facts = site.system.world.ledger.facts()
    return all(facts.operation(name) in ENDS for name in OPERATIONS)


def backfire(site: Installation) -> None:
    """More checkout replicas take the database's last connections: the repair makes it worse."""
    site.allow("scale-out")
    site.settle()
    site.fault(kind="surge", service="checkout", factor=2.0)


def calm(site: Installation) -> None:
    """The surge ends once the repair is undone, so that nothing more is tried."""
    if len(site.system.world.ledger.facts().merges) > 1 and site.lab("/faults")["faults"]:
        site.heal()


STORIES = {
    "repair": Story(lambda site: bad_release(site, "autonomous"), repaired),
    "operation": Story(order, operated, warm_seconds=30),
    "undo": Story(backfire, lambda site: repaired(site, merges=2), calm, own=("LabTarget.apply:6", "")),
    "review": Story(
        lambda site: bad_release(site, "review"), repaired, approve, own=("EmbeddedForge.show_verdict:1", "LabTarget.apply:6")
    ),
}
