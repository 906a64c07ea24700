"""Attention: few notices, each with its reasons; what is common to all is told once, and bad input is silence."""

from __future__ import annotations

import copy
import functools

import numpy as np
import pytest

from reconciler.analysis.attention import Attention, Look, Notice, Settings, criticality

START, EVERY, WARM = 1_000_000_000, 15_000, 40
Key = tuple[str, str]


class Site:
    """Series around 100 with a spread of 2, from a fixed seed; `push` changes what is measured in the next looks."""

    def __init__(self, keys: list[Key], settings: Settings | None = None, **known) -> None:
        self.keys, self.attention = keys, Attention(settings)
        self.rows = self.attention.enlist(keys, **known)
        self.random, self.now = np.random.default_rng(7), START
        self.last = Look((), 0, 0)

    def look(self, times: int = 1, **pushed: float) -> Look:
        """`s0__cpu__1=50` adds 50 to replica 1; without the replica to all, without the metric to all of the service."""
        for _ in range(times):
            self.now += EVERY
            values = 100 + 2 * self.random.standard_normal(len(self.keys))
            for name, more in pushed.items():
                values = np.where(self._named(name), values + more, values)
            there = ~np.isnan(values)
            self.last = self.attention.look(self.now, self.rows[there], np.full(there.sum(), self.now), values[there])
        return self.last

    def _named(self, name: str) -> np.ndarray:
        parts = name.split("__")
        flat = [(c, *m.rstrip("}").split("{replica=")) for c, m in self.keys]
        return np.array([all(p in ("all", q) for p, q in zip(parts, key, strict=False)) for key in flat])


@functools.cache
def _warm(services: int) -> Site:
    site = _begun(services)
    site.look(WARM)
    return site


def _begun(services: int, **options) -> Site:
    return Site([(f"s{s}", f"m{m}{{replica={r}}}") for s in range(services) for m in range(3) for r in range(6)], **options)


def _site(services: int = 5, **options) -> Site:
    """Forty looks old; warmed up once where nothing special is asked for."""
    if not options:
        return copy.deepcopy(_warm(services))
    site = _begun(services, **options)
    site.look(WARM)
    return site


def _told(look: Look) -> list[tuple[str, str, str]]:
    return [(n.component, n.metric, n.level) for n in look.notices]


def _reasons(notice: Notice) -> dict[str, float]:
    return {name: float(value) for name, value in notice.reasons}


def test_a_quiet_site_gets_no_notice():
    site = _site()
    assert sum(len(site.look().notices) for _ in range(40)) == 0
    assert site.last.seen == len(site.keys)


def test_one_replica_that_leaves_its_peers_is_noticed_as_itself():
    look = _site().look(s1__m2__3=60.0)
    assert _told(look) == [("s1", "m2{replica=3}", "series")]
    reasons = _reasons(look.notices[0])
    assert reasons["own"] > 20
    assert "explained by service" not in reasons


def test_what_all_replicas_do_is_told_once_as_the_services():
    look = _site().look(s1__m2=60.0)
    assert _told(look)[0][::2] == ("s1", "service")
    assert len([n for n in look.notices if n.component == "s1"]) <= 2  # the service, and at most one replica that exaggerates


def test_what_all_services_do_is_told_once_as_the_systems():
    look = _site().look(all__m2=60.0)
    assert sorted(n.level for n in look.notices)[-1:] == ["system"]
    assert len([n for n in look.notices if n.level != "series"]) == 1


def test_a_replica_that_goes_on_beyond_what_the_system_does_still_stands_out():
    look = _site().look(all__m2=12.0, s1__m2__3=60.0)
    notice = next(n for n in look.notices if (n.component, n.metric) == ("s1", "m2{replica=3}"))
    assert notice.level == "series"
    assert 0 < _reasons(notice)["explained by system"] < _reasons(notice)["own"]


def test_two_services_are_no_system():
    assert {n.level for n in _site(services=2).look(all__m2=60.0).notices} == {"service"}


def test_a_series_that_falls_silent_is_noticed_and_a_silent_source_once():
    site = _site()
    site.look(8, s1__m2__3=np.nan)
    assert _told(site.last) == [("s1", "m2{replica=3}", "series")]
    assert _reasons(site.last.notices[0])["late"] > 3
    blind = _site()
    blind.look(8, all=np.nan)
    assert {n.level for n in blind.last.notices} == {"system"}
    assert len(blind.last.notices) <= 3  # at most one for each metric


def test_a_deviation_to_the_good_side_counts_less():
    either = _site().look(s1__m2__3=-30.0).notices[0].salience
    good = _site(bad=[1.0] * 90).look(s1__m2__3=-30.0).notices[0].salience
    bad = _site(bad=[-1.0] * 90).look(s1__m2__3=-30.0).notices[0].salience
    assert good < 0.5 * either
    assert bad == either


def test_what_matters_more_is_noticed_more():
    plain, weighed = _site(), _site()
    weighed.attention.weigh({"s1": 3.0})
    assert weighed.look(s1__m2__3=30.0).notices[0].salience == pytest.approx(3 * plain.look(s1__m2__3=30.0).notices[0].salience)


def test_what_goes_on_becomes_familiar():
    site = _site()
    saliences = [next(iter(n.salience for n in site.look(s1__m2__3=60.0).notices), 0.0) for _ in range(60)]
    assert saliences[0] > saliences[10] > saliences[40]
    assert saliences[-1] == 0.0


def test_a_difference_too_small_to_mean_anything_is_none():
    assert _site().look(s1__m2__3=30.0).notices
    assert not _site(least=[50.0] * 90).look(s1__m2__3=30.0).notices


def test_no_look_notices_more_than_it_may():
    site = _site(settings=Settings(most=2))
    assert len(site.look(s0__m0__0=50.0, s1__m1__1=40.0, s2__m2__2=30.0, s3__m0__3=20.0).notices) == 2
    assert [n.component for n in site.last.notices] == ["s0", "s1"]


def test_the_same_looks_give_the_same_notices():
    assert _site().look(s1__m2=40.0) == _site().look(s1__m2=40.0)


def test_who_is_needed_and_promised_matters_most_and_circles_end():
    calls = [("web", "cart"), ("cart", "db"), ("web", "db"), ("db", "cart")]
    found = criticality(["web", "cart", "db", "alone"], calls, {"web": 1.0})
    assert found == {"alone": 1.0, "cart": pytest.approx(5 / 3), "db": pytest.approx(5 / 3), "web": 2.0}
