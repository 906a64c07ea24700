"""Reads are answered at once only while everything that they ask about is known and in step."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from kubernetes import client

from reconciler.adapters.targets.kubernetes.access import Access
from reconciler.adapters.targets.kubernetes.target import KubernetesTarget
from reconciler.documents.installation_parts import KubernetesSettings
from reconciler.errors import Retryable
from reconciler.model.revisions import DesiredObject, Rendered, Verb

WANTED = Rendered("shop", "k", "tree", (DesiredObject("ConfigMap/shop/a", "shop", {"kind": "ConfigMap"}, "f.yaml", "d"),))
Reads = Callable[[KubernetesTarget], object]
READS: tuple[Reads, ...] = (
    lambda target: target.observe("shop"),
    lambda target: target.health("shop"),
    lambda target: target.plan(WANTED, "r", 1, shown=False),
)


class Watching:
    """A watch as a target sees it."""

    def __init__(self) -> None:
        self.in_step, self.over, self.denied = True, False, False

    async def synced(self, _: float) -> None:
        raise Retryable("the watch is behind")

    async def stop(self) -> None:
        """Nothing runs."""


@pytest.fixture
def target() -> Iterator[KubernetesTarget]:
    """As after a round: connected, records read, ConfigMaps watched. Nothing could be asked of its server."""
    access = Access(lambda: client.Configuration(host="http://127.0.0.1:1"), "a test")
    made = KubernetesTarget("k", access, KubernetesSettings(timeout_ms=1_000))
    made._ready, made._records._known = True, {}
    made._watches = {"ConfigMap": Watching()}  # type: ignore[dict-item]  # as much of a Watch as it takes
    yield made
    made.close()


def test_what_is_at_hand_asks_nobody(target: KubernetesTarget) -> None:
    plan = target.plan(WANTED, "r", 1, shown=False)
    assert [(s.verb, s.id) for s in plan.steps] == [(Verb.CREATE, "ConfigMap/shop/a")]
    assert target.observe("shop").objects == {}
    assert target.health("shop") == []
    assert target.requests == 0


def behind(target: KubernetesTarget) -> None:
    target._watches["ConfigMap"].in_step = False  # type: ignore[misc]


def ended(target: KubernetesTarget) -> None:
    target._watches["ConfigMap"].over = True


def unread(target: KubernetesTarget) -> None:
    target._records.forget()


@pytest.mark.parametrize("spoil", [behind, ended, unread])
def test_a_plan_by_what_is_not_in_step_is_not_made(target: KubernetesTarget, spoil: Callable[[KubernetesTarget], None]) -> None:
    spoil(target)
    with pytest.raises(Retryable):
        target.plan(WANTED, "r", 1, shown=False)


@pytest.mark.parametrize("read", READS)
def test_a_target_that_was_closed_answers_nothing_from_memory(target: KubernetesTarget, read: Reads) -> None:
    target.close()
    with pytest.raises(Retryable, match="closed"):
        read(target)
