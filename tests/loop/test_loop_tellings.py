"""When targets are asked what is wrong, and what their word does before anything is repaired."""

from collections.abc import Iterator

import pytest
from installation import CHECKOUT, Installation, installation
from telling import Teller, teller, trouble

from reconciler.commands import brakes
from reconciler.errors import Elsewhere
from reconciler.model.cases import Case
from reconciler.model.reasons import Reason
from reconciler.steps import telling
from reconciler.steps.telling import troubles_now

SINCE = 1  # long ago


@pytest.fixture
def site(tmp_path) -> Iterator[Installation]:
    with installation(tmp_path, warm_seconds=10) as made:
        made.muted.set()
        yield made
        made.muted.clear()


@pytest.fixture
def said(site: Installation) -> Teller:
    """Checkout is in trouble that no commit explains."""
    made = teller(site)
    made.say = lambda: [trouble(SINCE)]
    return made


def told(site: Installation) -> list[Case]:
    return [case for case in site.cases() if any(s["source"] == "target/lab" for s in case.data["incident"]["signals"])]


def test_an_unexplained_trouble_is_diagnosed_as_the_workload_s_own_and_a_person_is_told(site: Installation, said: Teller) -> None:
    site.until(lambda: told(site) and not site.cases(open_only=True), seconds=60)
    (diagnosis,) = site.payloads("diagnosis")
    cause = diagnosis["diagnosis"]["causes"][0]
    assert (cause["kind"], cause["commit"], cause["trouble"]) == ("workload", "", "image-pull")
    assert any("image-pull" in page["text"] for page in site.pages())


def test_a_restart_makes_no_second_incident_and_no_second_signal(site: Installation, said: Teller) -> None:
    site.until(lambda: told(site) and not site.cases(open_only=True), seconds=60)
    site.restart()
    teller(site).say = said.say
    site.advance(120)
    assert len(told(site)) == 1


def test_a_brake_stops_no_signal(site: Installation, said: Teller) -> None:
    brakes.put_on(site.system.world, site.person(), "look first", 3_600_000)
    site.until(lambda: told(site), seconds=60)


def test_a_target_that_cannot_say_opens_nothing_ends_nothing_and_makes_triage_wait(site: Installation, said: Teller) -> None:
    began = site.clock.now()
    said.say = lambda: [trouble(began)]
    site.until(site.system.store.pending_signals, seconds=60)
    said.deaf = True
    site.advance(120)
    assert [(c.stage.value, c.reason) for c in told(site)] == [("triage", Reason.BLIND.value)]
    assert site.system.world.cursor.told.standing
    assert troubles_now(site.system.world, ["shop"]) is None
    said.deaf = False
    site.until(lambda: told(site) and not site.cases(open_only=True), seconds=120)
    assert told(site)[0].reason != Reason.STALE.value


def test_a_unit_that_is_not_in_the_documents_is_not_heard(site: Installation, said: Teller) -> None:
    said.say = lambda: [trouble(SINCE, unit="nobody")]
    site.advance(60)
    assert told(site) == []


def test_two_hundred_broken_objects_are_a_few_incidents_and_fewer_pull_requests(site: Installation, said: Teller) -> None:
    said.say = lambda: [trouble(SINCE, name=f"web-{n}") for n in range(200)]
    site.until(lambda: told(site), seconds=60)
    grouping = site.system.world.rulebook().installation.spec.grouping
    assert len(told(site)) <= grouping.max_incidents
    assert sum(c.data["incident"]["count"] for c in told(site)) == 200
    site.advance(30)
    assert len(site.pulls("open")) <= grouping.max_pull_requests


@pytest.fixture
def calm(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not many minutes have to pass until nothing is looked at for what happened at the start."""
    monkeypatch.setattr(telling, "RESTLESS_MS", 20_000)


class Crier(Teller):
    """It tells news as well."""

    news: frozenset[str] = frozenset()

    def changed(self) -> frozenset[str]:
        found, self.news = self.news, frozenset()
        return found

    def on_change(self, wake: object) -> None:
        """Nobody is woken: the test turns the loop."""


def test_a_target_that_tells_news_is_asked_about_what_changed_and_about_all_only_every_minute(
    calm: None, site: Installation
) -> None:
    targets = site.system.connections.targets
    targets["lab"] = crier = Crier(targets["lab"])
    site.advance(65)  # what was converged first is no longer looked at for that
    everything = frozenset(site.system.world.applied_rulebook().index.by_name)
    assert everything in crier.asked
    crier.asked.clear()
    site.advance(30)
    assert crier.asked == []
    crier.news = frozenset({"shop"})
    site.advance(10)
    assert crier.asked
    assert set(crier.asked) == {frozenset({"shop"})}
    site.advance(60)
    assert everything in crier.asked


def test_a_unit_that_was_converged_is_asked_about_for_a_while_without_any_news(calm: None, site: Installation) -> None:
    targets = site.system.connections.targets
    targets["lab"] = crier = Crier(targets["lab"])
    site.advance(80)
    crier.asked.clear()
    site.push({CHECKOUT: ("replicas: 3", "replicas: 4")}, "More checkout")
    site.advance(10)
    assert frozenset({"shop"}) in crier.asked


def test_of_units_that_another_process_converges_nothing_is_asked_until_they_are_ours(
    site: Installation, said: Teller, monkeypatch: pytest.MonkeyPatch
) -> None:
    def held(*_: object, **__: object) -> None:
        raise Elsewhere("the lab is converged by another process")

    monkeypatch.setattr(said, "plan", held, raising=False)
    monkeypatch.setattr(said, "say", list)
    site.push({CHECKOUT: ("replicas: 3", "replicas: 4")}, "More checkout")
    site.advance(10)
    said.say = lambda: [trouble(SINCE)]
    said.asked.clear()
    site.advance(60)
    assert not any("shop" in units for units in said.asked)
    assert told(site) == []
    monkeypatch.undo()
    said.say = lambda: [trouble(SINCE)]
    site.until(lambda: told(site), seconds=60)
