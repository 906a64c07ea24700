"""What a person undid stays undone, whatever fails in the moment in which the machine learns of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from installation import installation

from reconciler.errors import Retryable


def once(call: Callable[..., object]) -> Callable[..., object]:
    """Fails the first time."""
    left = [Retryable("the disk was busy")]

    def called(*arguments: object) -> object:
        if left:
            raise left.pop()
        return call(*arguments)

    return called


def test_a_hold_is_kept_even_when_the_round_that_brought_it_was_not_noted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with installation(tmp_path) as site:
        site.allow("rollback-release")
        site.settle()
        site.bad_release()
        site.until(lambda: len(site.machine_commits()) == 1, 300)
        site.git_revert(site.machine_commits()[0])
        monkeypatch.setattr(site.system.store, "note", once(site.system.store.note))

        site.settle()

        assert [hold["scope"] for hold in site.payloads("hold")] == ["apps/shop/checkout.yaml"]
