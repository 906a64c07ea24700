"""A thousand episodes of the lab in which nothing breaks: no repair may be opened.

Deploys, settings, small surges, restarts by hand, noise, missing scrapes and the hour of the day are drawn as in the other
episodes. The template's sensors watch; grouping, triage, diagnosis and proposing are the loop's own, with the shipped playbooks.
In every episode somebody else's monitoring also raises a false alarm about healthy services. It is counted apart what the
sensors open, how many false alarms get past triage, what is named although triage was not asked, and what repair would follow.
A repair is a candidate that edits a file; whether policy would let it pass is not asked.

Changes that are harmless each may use something up together. The lab's own alarm, which knows nothing of the loop, watches every
episode to a minute after its end; where it goes off, something did break, and another episode is drawn. How many those were, and
how many of them were repaired, is told beside it.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from figures import Figure

from reconciler.diagnosis import still_present
from reconciler.documents.installation_parts import Grouping
from reconciler.documents.playbook import Playbook
from reconciler.documents.sensor import Sensor
from reconciler.documents.tree import DocumentSet, load_tree
from reconciler.model.diagnosis import Diagnosis
from reconciler.model.signals import Incident, Signal
from reconciler.proposals import Ready, Situation, propose, ready
from reconciler.signals import Hold, Open, Scope, SensorState, evaluate, group

from .lab_episodes import STEADY, Dice, Monitor, ask, false_alarm, look, staged
from .lab_site import SCRAPE_MS, History, Site, scratch

EPISODES = 1_000
LONG, LONG_S = 25, 2_400  # every 25th episode lasts long enough for the slowest sensor
ROOT = Path(__file__).parents[2]


@dataclass(slots=True)
class Count:
    """Of some episodes."""

    episodes: int = 0
    opened: int = 0
    past_triage: int = 0
    named: int = 0
    named_if_asked: int = 0
    repairs: int = 0
    repairs_if_asked: int = 0

    def add(self, other: Count) -> None:
        for field in fields(self):
            setattr(self, field.name, getattr(self, field.name) + getattr(other, field.name))


class Loop:
    """Sensing, grouping, triage, diagnosis and proposing over one site."""

    def __init__(self, site: Site, sensors: Sequence[Sensor], playbooks: Sequence[Ready]) -> None:
        self._site, self._sensors, self._playbooks = site, sensors, playbooks
        self._state, self._pending = SensorState(), list[Signal]()
        self._monitor, self._count = Monitor(site), Count(episodes=1)
        self._broke = False

    def played(self, seconds: int, dice: random.Random) -> tuple[Count, bool]:
        """What came of it, and whether something did break. No repair is applied."""
        self.run(seconds)
        incident = false_alarm(self._site, dice)
        self.doubt(incident)
        self.handle(incident)
        for _ in range(2 * STEADY):
            self._go_on()
        return self._count, self._broke

    def _go_on(self) -> None:
        self._site.run(SCRAPE_MS // 1_000)
        self._broke = bool(self._monitor.firing()) or self._broke

    def run(self, seconds: int) -> None:
        """Until the time is over, or the first incident was handled."""
        for _ in range(0, seconds * 1_000, SCRAPE_MS):
            self._go_on()
            if incident := self._sensed():
                self._count.opened += 1
                self.handle(incident)
                return

    def handle(self, incident: Incident) -> None:
        """As the loop does: only what is still true is diagnosed, only what is named is repaired."""
        count = self._count
        if still_present(incident, self._site.telemetry, self._site.now_ms).present:
            count.past_triage += 1
            found = ask(self._site, incident)
            count.named += found.top is not None
            count.repairs += self.repairs(incident, found)

    def doubt(self, incident: Incident) -> None:
        """The same question without triage, once."""
        found = look(self._site, incident)
        self._count.named_if_asked += found.top is not None
        self._count.repairs_if_asked += self.repairs(incident, found)

    def repairs(self, incident: Incident, found: Diagnosis) -> bool:
        site = self._site
        units = {path.split("/")[1]: path.rsplit("/", 1)[0] for path in site.files}
        asked = Situation(incident, found, site.head, units, site.telemetry.topology(), site.now_ms)
        return bool(propose(asked, self._playbooks, site.history.repo, site.telemetry).best.files)

    def _sensed(self) -> Incident | None:
        telemetry, now = self._site.telemetry, self._site.now_ms
        if self._state.firing or any(_in_trouble(sensor, telemetry.latest) for sensor in self._sensors):
            found = evaluate(self._sensors, telemetry, self._state, now)
            self._state = found.state
            self._pending += found.signals
        if not self._pending:
            return None
        actions = group(self._pending, (), telemetry.topology(), now, Scope("infra", "lab"), Grouping())
        held = {signal for action in actions if isinstance(action, Hold) for signal in action.signals}
        self._pending = [signal for signal in self._pending if signal.id in held]
        return next((action.incident for action in actions if isinstance(action, Open)), None)


def _in_trouble(sensor: Sensor, latest: dict[str, dict[str, float]]) -> bool:
    """Whether asking this sensor can have an answer at all: its rule has to hold for the newest sample."""
    spec = sensor.spec
    values = [latest.get(c, {}).get(spec.metric) for c in (spec.components or latest)]
    if spec.above is not None:
        return any(v is not None and v > spec.above for v in values)
    return spec.below is None or any(v is not None and v < spec.below for v in values)


def documents(folder: Path, name: str) -> DocumentSet:
    return load_tree({f"{name}/{path.name}": path.read_bytes() for path in sorted(folder.glob("*.yaml"))})


def count(episodes: int) -> tuple[Count, Count]:
    """Of so many episodes in which nothing broke, and of those that were drawn with them and did break."""
    sensors = [found.document for found in documents(ROOT / "infra-repo-template" / "sensors", "sensors").of(Sensor)]
    playbooks = [ready(found) for found in documents(ROOT / "playbooks", "playbooks").of(Playbook)]
    quiet, broke, seed = Count(), Count(), 0
    with scratch() as home:
        history = History(home / "infra.git")
        while quiet.episodes < episodes:
            dice = random.Random(f"quiet/{seed}")
            with staged(history, seed, Dice(seed, 0, history).quiet()) as site:
                seconds = dice.randint(60, 400) if seed % LONG else LONG_S
                found, wrong = Loop(site, sensors, playbooks).played(seconds, dice)
            (broke if wrong else quiet).add(found)
            seed += 1
    return quiet, broke


def figures(_: Path) -> Iterator[Figure]:
    found, broke = count(EPISODES)
    rare = 1 / (1 - 0.05 ** (1 / EPISODES))
    bound = f"where one in {rare:.0f} were repaired, none of {EPISODES} would be seen once in twenty times"
    note = f"{broke.episodes} more episodes did break, by the lab's own alarm: {broke.repairs} repairs in those; {bound}"
    yield Figure("lab quiet: repairs opened", found.repairs, "episodes", 0, note=note)
    yield Figure("lab quiet: incidents that sensors opened", found.opened, "episodes")
    yield Figure("lab quiet: incidents and false alarms past triage", found.past_triage, "episodes")
    yield Figure("lab quiet: causes named after triage", found.named, "episodes")
    yield Figure("lab quiet: causes named of false alarms if triage is not asked", found.named_if_asked, "episodes")
    yield Figure("lab quiet: repairs of false alarms if triage is not asked", found.repairs_if_asked, "episodes")
