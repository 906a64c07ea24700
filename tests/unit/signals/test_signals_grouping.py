"""Grouping: every signal gets one action; storms become few incidents; flaps become none."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.diagnosis import ended
from reconciler.documents.installation_parts import Grouping
from reconciler.model.reasons import Reason
from reconciler.model.signals import Severity, Signal, SignalStatus
from reconciler.model.telemetry import Topology
from reconciler.signals import Drop, Hold, Join, Open, OpenIncident, Scope, group, grouping
from reconciler.testing.check_store import a_signal

NOW = 1_000_000_000
SCOPE = Scope("infra", "lab")
RULES = Grouping(hold_down_ms=15_000, window_ms=60_000)
AT_ONCE = Grouping(hold_down_ms=0, window_ms=0)
GRAPH = Topology(
    components=("cart", "checkout", "frontend", "payment", "search"),
    calls=(("cart", "checkout"), ("checkout", "payment"), ("frontend", "cart"), ("frontend", "search")),
)


def _signal(component: str, number: int = 0, age: int = 20_000, **changes) -> Signal:
    name = changes.pop("name", "Slow")
    made = a_signal(number, id=f"{name}-{component}-{number}", name=name, component=component, fingerprint=f"{name}/{component}")
    return replace(made, **{"started_ms": NOW - age, "received_ms": NOW - age + 1_000, **changes})


def _group(signals, incidents=(), rules=RULES, now=NOW, graph=GRAPH):
    return group(signals, incidents, graph, now, SCOPE, rules)


def _opened(*signals, **changes) -> OpenIncident:
    (action,) = _group(signals, rules=AT_ONCE)
    return OpenIncident(action.incident, **changes)


def test_connected_trouble_opens_one_incident_and_unconnected_another():
    actions = _group([_signal("cart"), _signal("search"), _signal("checkout")])
    assert [action.incident.components for action in actions] == [("cart", "checkout"), ("search",)]


def test_trouble_is_not_connected_through_a_healthy_component():
    assert len(_group([_signal("cart"), _signal("payment")])) == 2


def test_an_incident_opened_twice_has_the_same_identity():
    first, again = _group([_signal("cart")])[0], _group([_signal("cart")], now=NOW + 500)[0]
    assert (first.incident.id, first.incident.fingerprint) == (again.incident.id, again.incident.fingerprint)


def test_trouble_has_to_last_the_hold_down():
    (action,) = _group([_signal("cart", age=14_999)])
    assert isinstance(action, Hold)
    assert action.until_ms == NOW + 1
    assert isinstance(_group([_signal("cart", age=15_000)])[0], Open)


def test_a_hold_down_of_zero_opens_at_once():
    assert isinstance(_group([_signal("cart", age=0)], rules=AT_ONCE)[0], Open)


def test_a_flap_shorter_than_the_hold_down_does_nothing():
    flap = [
        _signal("cart", age=10_000),
        _signal("cart", 1, age=10_000, status=SignalStatus.RESOLVED, labels=_signal("cart").labels),
    ]
    (action,) = _group(flap)
    assert (type(action), action.reason, len(action.signals)) == (Drop, Reason.STALE, 2)


def test_one_pod_that_recovers_does_not_silence_another():
    ended = _signal("cart", 1, status=SignalStatus.RESOLVED, labels=(("pod", "a"),))
    actions = _group([_signal("cart", labels=(("pod", "a"),)), ended, _signal("cart", 2, labels=(("pod", "b"),))])
    assert [type(action) for action in actions] == [Drop, Open]
    assert actions[1].signals == ("Slow-cart-2",)


def test_trouble_that_came_back_after_its_end_counts():
    ended = _signal("cart", 1, age=30_000, status=SignalStatus.RESOLVED)
    assert [type(action) for action in _group([ended, _signal("cart", 2, age=20_000)])] == [Drop, Open]


def test_known_trouble_is_a_duplicate():
    (action,) = _group([_signal("cart", 2)], [_opened(_signal("cart"))])
    assert (type(action), action.reason) == (Drop, Reason.DUPLICATE)


def test_a_neighbour_joins_within_the_window():
    home = _opened(_signal("cart"))
    (action,) = _group([_signal("checkout", severity=Severity.CRITICAL)], [home])
    assert isinstance(action, Join)
    assert (action.incident.id, action.incident.components, action.incident.count) == (home.incident.id, ("cart", "checkout"), 2)
    assert action.incident.fingerprint == home.incident.fingerprint


@pytest.mark.parametrize(("listens", "later"), [(True, 60_001), (False, 0)], ids=["after the window", "repair chosen"])
def test_a_neighbour_waits_when_it_cannot_join(listens: bool, later: int):
    (action,) = _group([_signal("checkout")], [_opened(_signal("cart"), listens=listens)], now=NOW + later)
    assert (type(action), action.reason) == (Hold, Reason.HELD)


def test_trouble_that_returns_under_repair_waits_for_its_outcome():
    (action,) = _group([_signal("cart", 2)], [_opened(_signal("cart"), listens=False)])
    assert isinstance(action, Hold)


@pytest.mark.parametrize(("hears", "action"), [(True, Drop), (False, Hold)], ids=["nothing has landed", "a repair has landed"])
def test_an_alert_that_goes_on_firing_says_nothing_new_until_a_repair_has_landed(hears: bool, action: type):
    home = _opened(_signal("cart", claim="a"), listens=False, hears=hears)
    (done,) = _group([_signal("cart", 2, claim="a", received_ms=NOW)], [home])
    assert type(done) is action


def test_an_alert_that_began_anew_under_repair_waits_for_its_outcome():
    home = _opened(_signal("cart", claim="a"), listens=False)
    (action,) = _group([_signal("cart", 2, claim="a", age=1_000)], [home])
    assert isinstance(action, Hold)


def test_five_hundred_alerts_in_ten_seconds_become_few_incidents():
    names = sorted(GRAPH.components)
    storm = [_signal(names[n % 5], n, age=25_000 - n * 20, name=f"A{n % 7}") for n in range(500)]
    actions = _group(storm)
    assert [type(action) for action in actions] == [Open]
    assert (actions[0].incident.count, len(actions[0].incident.signals)) == (500, 50)
    assert len({signal.fingerprint for signal in actions[0].incident.signals}) == 35


def test_a_storm_over_an_unknown_graph_stays_under_the_cap():
    storm = [_signal(f"svc-{n}", n) for n in range(500)]
    actions = _group(storm, graph=Topology((), ()), rules=Grouping(max_incidents=3))
    assert sum(isinstance(action, Open) for action in actions) == 3
    assert {action.reason for action in actions if isinstance(action, Join)} == {Reason.COALESCED}


def test_the_worst_trouble_comes_first_under_a_cap():
    signals = [_signal("search", severity=Severity.INFO), _signal("payment", severity=Severity.CRITICAL)]
    assert _group(signals, rules=Grouping(max_incidents=1))[0].incident.components == ("payment",)


def test_a_group_above_the_cap_waits_when_no_incident_listens():
    home = _opened(_signal("search"), listens=False)
    (action,) = _group([_signal("payment")], [home], rules=Grouping(max_incidents=1))
    assert isinstance(action, Hold)


def test_a_group_above_the_cap_joins_the_nearest_incident():
    graph = replace(GRAPH, calls=(*GRAPH.calls, ("payment", "fraud"), ("search", "index")))
    homes = [_opened(_signal("index")), _opened(_signal("fraud"))]
    (action,) = _group([_signal("checkout")], homes, rules=Grouping(max_incidents=2), graph=graph)
    assert action.incident.id == homes[1].incident.id


def test_a_flood_is_cut_before_it_is_grouped(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(grouping, "MAX_PENDING", 30)
    actions = _group([_signal("cart", n) for n in range(40)])
    assert [(type(a), len(a.signals)) for a in actions] == [(Drop, 20), (Open, 20)]


def test_alerts_that_name_no_component_are_one_incident():
    (action,) = _group([_signal("", 1, name="A"), _signal("", 2, name="B")])
    assert (action.incident.components, action.incident.count) == ((), 2)


def _end(number: int, claim: str, age: int = 15_000, **changes) -> Signal:
    return _signal("cart", number, status=SignalStatus.RESOLVED, claim=claim, received_ms=NOW - age, **changes)


def test_the_end_of_what_an_incident_holds_goes_there_once_it_has_lasted():
    home = _opened(_signal("cart", claim="a"))
    (early,) = _group([_end(1, "a", age=14_999)], [home])
    assert (type(early), early.until_ms) == (Hold, NOW + 1)
    (action,) = _group([_end(1, "a")], [home])
    assert (type(action), action.reason, action.incident.count) == (Join, Reason.STALE, 1)
    assert [s.status for s in action.incident.signals] == [SignalStatus.RESOLVED]
    assert (ended(action.incident), ended(home.incident)) == ("every alert of the incident is resolved", "")


def test_an_end_that_nobody_waits_for_is_dropped():
    for homes in (
        [],
        [_opened(_signal("cart"))],
        [_opened(_signal("cart", claim="b"))],
        [_opened(_signal("cart", claim="a"), hears=False)],
    ):
        (action,) = _group([_end(1, "a")], homes)
        assert (type(action), action.reason) == (Drop, Reason.STALE)


def test_an_alert_that_fires_again_before_its_end_was_believed_has_not_ended():
    again = _signal("cart", 2, age=5_000, claim="a")
    actions = _group([_end(1, "a"), again], [_opened(_signal("cart", claim="a"))])
    assert [(type(a), a.reason) for a in actions] == [(Drop, Reason.STALE), (Drop, Reason.DUPLICATE)]


@pytest.mark.parametrize("listens", [True, False])
def test_an_alert_that_fires_again_after_its_end_stands_again(listens: bool):
    (over,) = _group([_end(1, "a")], [_opened(_signal("cart", claim="a"), listens=listens)])
    late = NOW + 600_000
    back = _signal("cart", 2, claim="a", started_ms=late, received_ms=late)
    (action,) = _group([back], [OpenIncident(over.incident, listens=listens)], now=late)
    assert isinstance(action, Join)
    assert (ended(action.incident), action.incident.count, len(action.incident.signals)) == ("", 1, 1)


def test_an_incident_has_ended_when_the_last_of_its_alerts_has():
    (both,) = _group([_signal("cart", 2, claim="b")], [_opened(_signal("cart", claim="a"))])
    assert isinstance(both, Join)
    (one,) = _group([_end(3, "a")], [OpenIncident(both.incident)])
    assert ended(one.incident) == ""
    (other,) = _group([_end(4, "b")], [OpenIncident(one.incident)])
    assert ended(other.incident)


def test_a_sensor_that_still_fires_keeps_an_incident_whose_alert_has_ended():
    home = _opened(_signal("cart", claim="a"), _signal("cart", 1, source="sensor/slow"))
    (action,) = _group([_end(2, "a")], [home])
    assert ended(action.incident) == ""


def test_no_end_is_believed_where_alerts_were_left_out():
    home = _opened(_signal("cart", claim="a"))
    capped = OpenIncident(replace(home.incident, count=2))
    (action,) = _group([_end(1, "a")], [capped])
    assert isinstance(action, Drop)


def test_no_end_is_believed_of_trouble_that_was_cut_from_a_flood(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(grouping, "MAX_PENDING", 30)
    _, opened = _group([_signal("cart", n, claim=f"c{n}") for n in range(40)])
    actions = _group([_end(50 + n, f"c{n}") for n in range(20)], [OpenIncident(opened.incident)])
    assert [type(action) for action in actions] == [Drop]


SIGNALS = st.builds(
    _signal,
    component=st.sampled_from([*GRAPH.components, "", "stranger"]),
    number=st.integers(0, 1_000_000),
    age=st.integers(0, 100_000),
    status=st.sampled_from(SignalStatus),
    severity=st.sampled_from(Severity),
    claim=st.sampled_from(["", "a", "b", "c"]),
)


@settings(max_examples=60)
@given(st.lists(SIGNALS, max_size=25, unique_by=lambda s: s.id), st.booleans(), st.integers(1, 3))
def test_every_signal_gets_exactly_one_action(signals: list[Signal], listens: bool, cap: int):
    home = _opened(_signal("cart", -1, claim="a"), _signal("cart", -2, claim="b"), listens=listens)
    actions = _group(signals, [home], rules=Grouping(max_incidents=cap))
    assert sorted(one for action in actions for one in action.signals) == sorted(signal.id for signal in signals)
    assert sum(isinstance(action, Open) for action in actions) <= cap - 1
