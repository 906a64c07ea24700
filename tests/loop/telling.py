"""The lab as a target that can say what is wrong: what it says is decided by the test, from what is live."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

from installation import BAD, CHECKOUT, GOOD, Installation

from reconciler.errors import Retryable
from reconciler.model.troubles import Trouble, TroubleKind
from reconciler.ports.target import Target

PLAYBOOK = """\
apiVersion: homeostat/v1
kind: Playbook
metadata: {name: last-good-image}
spec:
  priority: 1
  when: 'trouble == "image-pull" && suspect'
  steps:
    - edit: restore
      object: Workload
      field: [spec, release]
  expect: {healthy: true, guardAfterSeconds: 20, outcomeAfterSeconds: 60}
  irreversibility: reversible
  impact: medium
  highImpact: [release-rollback]
"""


class Teller:
    """A real target, and beside it what is wrong; `deaf` makes it unable to say."""

    def __init__(self, real: Target) -> None:
        self.real = real
        self.say: Callable[[], list[Trouble]] = list
        self.deaf = False
        self.asked: list[frozenset[str]] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)

    def troubles(self, units: Collection[str]) -> Sequence[Trouble]:
        self.asked.append(frozenset(units))
        if self.deaf:
            raise Retryable("it cannot say what is wrong", next_step="look whether it runs")
        return [trouble for trouble in self.say() if trouble.unit in units]


def teller(site: Installation) -> Teller:
    """From now on the lab of this process can be asked."""
    targets = site.system.connections.targets
    targets["lab"] = made = Teller(targets["lab"])
    return made


def trouble(
    since_ms: int, kind: TroubleKind = TroubleKind.IMAGE_PULL, name: str = "checkout", object_: str = "", unit: str = "shop"
) -> Trouble:
    return Trouble(unit, object_ or f"Service/{name}", name, kind, since_ms, f"Pod/shop/{name}-1", "app", "no such image")


def while_bad(site: Installation) -> Callable[[], list[Trouble]]:
    """What cannot be pulled while the bad release is what is live."""
    began: list[int] = []

    def say() -> list[Trouble]:
        if site.live("checkout", "release") != BAD:
            return []
        began.append(site.clock.now())
        return [trouble(began[0])]

    return say


def add_playbook(site: Installation, text: str = PLAYBOOK) -> None:
    """As a person would, and named in Autonomy."""
    site.pull()
    (site.clone / "playbooks" / "last-good-image.yaml").write_text(text)
    site.git("add", "playbooks/last-good-image.yaml")
    site.allow("last-good-image")
    site.settle()


def release_bad(site: Installation) -> str:
    """A person releases an image that does not exist: nothing is measured, only the target says so."""
    pushed = site.push({CHECKOUT: (GOOD, BAD)}, f"Release checkout {BAD}")
    site.settle()
    return pushed
