"""Of components that rest nothing is noticed, nothing is learnt, and nothing is made of it afterwards."""

from __future__ import annotations

import numpy as np

from reconciler.analysis.attention import Attention, Look

STEP = 15_000
KEYS = [("db", "latency"), ("shop", "latency")]


class Site:
    """Two series that were steady for a while."""

    def __init__(self) -> None:
        self.memory, self.now = Attention(), 0
        self.rows = self.memory.enlist(KEYS)
        for look in range(40):
            self.look(100.0 + look % 3, 100.0 + look % 3)

    def look(self, *values: float, resting: tuple[str, ...] = (), age_ms: int = 0) -> Look:
        """One look; NaN is no sample."""
        self.now += STEP
        measured = np.array(values)
        there = np.isfinite(measured)
        times = np.full(there.sum(), self.now - age_ms)
        return self.memory.look(self.now, self.rows[there], times, measured[there], resting)


def _about(look: Look) -> list[str]:
    return sorted(one.component for one in look.notices)


def _habit(look: Look, component: str) -> float:
    return next(float(dict(one.reasons).get("habit", "0")) for one in look.notices if one.component == component)


def test_what_stood_out_before_is_not_told_while_it_rests():
    site = Site()
    assert _about(site.look(900.0, 900.0)) == ["db", "shop"]
    assert _about(site.look(900.0, 900.0, resting=("db", "unheard-of"))) == ["shop"]


def test_silence_of_what_rests_is_not_told_and_nobody_waits_for_it_afterwards():
    site = Site()
    looks = [site.look(np.nan, 101.0, resting=("db",)) for _ in range(20)]
    looks += [site.look(np.nan, 101.0) for _ in range(2)]
    assert [_about(one) for one in looks] == [[]] * 22
    assert _about([site.look(np.nan, 101.0) for _ in range(12)][-1]) == ["db"]


def test_what_was_measured_while_it_rested_is_not_taken_in_later_either():
    site = Site()
    site.look(np.nan, 101.0, resting=("db",))
    assert _about(site.look(900.0, 101.0, age_ms=STEP)) == []
    assert _about(site.look(900.0, 101.0)) == ["db"]


def test_what_had_become_familiar_stays_so():
    site, rested = Site(), Site()
    for one in (site, rested):
        for look in range(6):
            one.look(101.0 if look % 2 else 900.0, 101.0)
    for _ in range(200):
        rested.look(101.0, 101.0, resting=("db",))
    before, after = site.look(900.0, 101.0), rested.look(900.0, 101.0)
    assert _habit(before, "db") == _habit(after, "db") > 0.0
