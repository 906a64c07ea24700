"""A round that fails in a way nobody foresaw is told once, and the next one is asked."""

from __future__ import annotations

import time

import pytest

from reconciler.adapters.telemetry.following import Follower, Following


class Server:
    """Fails with what no server should, the first time it is asked."""

    def __init__(self) -> None:
        self.asked = 0

    def told(self, metric, start_ms, end_ms):
        self.asked += 1
        if self.asked == 1:
            raise RuntimeError("nobody foresaw this")
        return [("cart", metric, [(end_ms, 1.0)])]

    def close(self) -> None:
        pass


def turned(following: Following, now_ms: int):
    """The turn after the answer came."""
    until = time.monotonic() + 5
    while not following.ready and time.monotonic() < until:
        time.sleep(0.001)
    return following.turn(now_ms)


def test_a_round_that_breaks_is_told_once_and_the_next_is_asked():
    rows = []
    following = Following([Follower("prom", Server(), ("cpu",), 1_000, 1_000)], lambda found, _: len(rows.extend(found) or found))
    following.turn(0)
    with pytest.raises(RuntimeError, match="foresaw"):
        turned(following, 500)
    following.turn(1_000)
    assert [report.samples for report in turned(following, 1_001)] == [2]
    assert {component for component, *_ in rows} == {"cart"}
