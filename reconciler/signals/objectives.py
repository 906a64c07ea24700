"""Objectives kept: documents and telemetry in, signals, budgets and the next account out. Pure; time is what `now` says.

An account holds what was bad and what was measured, in steps (a minute for thirty days) for the last hours and in blocks of
steps for the whole window, so it needs no more telemetry than the newest. Only closed steps count, late samples included.

Three alarms watch a budget, each with a long and a short window, as in the SRE workbook (chapter 5, "Alerting on SLOs"): 2 % of
the budget spent in a 720th of the window, 5 % in a 120th, 10 % in a tenth, while a twelfth of that time still burns as fast.
What was not measured has spent nothing that anyone could show: the long window counts it as rest, and so fires on proof only;
the short one is unknown unless half of it was measured, and unknown changes nothing.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from reconciler.documents.objective import Objective, ObjectiveSpec
from reconciler.model.canonical import digest, number
from reconciler.model.objectives import Budget
from reconciler.model.signals import Severity, Signal, SignalStatus
from reconciler.ports.telemetry import Telemetry
from reconciler.signals.indicators import measured

LAG_MS = 10_000  # two scrapes: a step is closed only when its last sample had time to come
SHOWN = 0.001  # of the window has to be measured before a budget is told: three quarters of an hour of thirty days
Slot = tuple[float, float, int]  # bad, all, and how many steps of it were measured


@dataclass(frozen=True, slots=True)
class Alarm:
    """One pair of windows, in steps."""

    name: str
    severity: Severity
    long: int
    short: int
    burn: float  # the rate from which on it fires


@dataclass(frozen=True, slots=True)
class Terms:
    """The lengths that follow from a window."""

    step_ms: int
    block: int  # steps in a block
    blocks: int  # blocks in the window
    alarms: tuple[Alarm, ...]

    @property
    def recent(self) -> int:
        """Steps that are kept one by one."""
        return self.alarms[1].long


@dataclass(frozen=True, slots=True)
class Account:
    """What one watch ("objective/component") has seen. Every entry ends at `until_ms` or a whole number of them before."""

    of: str = ""  # the digest of the indicator and the window that it was kept for
    until_ms: int = 0  # measured up to here
    steps: tuple[Slot, ...] = ()  # the newest, oldest first
    blocks: tuple[tuple[int, Slot], ...] = ()  # when each began, oldest first; the last may still be filling


@dataclass(frozen=True, slots=True)
class ObjectiveState:
    """Accounts, and since when each alarm ("objective/component/alarm") fires."""

    accounts: Mapping[str, Account] = field(default_factory=dict)
    firing: Mapping[str, int] = field(default_factory=dict)


def _nobody(_component: str) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Kept:
    """What one look gave."""

    signals: tuple[Signal, ...]
    budgets: tuple[Budget, ...]
    state: ObjectiveState


def keep(
    objectives: Sequence[Objective],
    telemetry: Telemetry,
    state: ObjectiveState,
    now: int,
    resting: Callable[[str], bool] = _nobody,
) -> Kept:
    """Settles every account up to the newest closed step. Retryable when the telemetry cannot answer; nothing is lost then.
    `resting`: components that people work on; their budgets are spent as ever, since users see what they see, no alarm begins.
    An alarm whose promise was withdrawn has ended: nobody claims it any more.
    """
    accounts: dict[str, Account] = {}
    firing: dict[str, int] = {}
    signals: list[Signal] = []
    budgets: list[Budget] = []
    promised = {f"{objective.metadata.name}/{component}" for objective, component in watches(objectives)}
    signals += [
        _withdrawn(watch, since, now) for watch, since in sorted(state.firing.items()) if account_of(watch) not in promised
    ]
    for objective, component in watches(objectives):
        key, spec = f"{objective.metadata.name}/{component}", objective.spec
        accounts[key] = account = settle(spec, telemetry, component, state.accounts.get(key, Account()), now)
        for alarm in terms(spec).alarms:
            watch = f"{key}/{alarm.name}"
            since, burns = state.firing.get(watch), _burns(spec, account, alarm)
            begins, ends = burns is True and since is None and not resting(component), burns is False and since is not None
            since = account.until_ms if begins else since
            if begins or ends:
                status = SignalStatus.FIRING if begins else SignalStatus.RESOLVED
                signals.append(_signal(objective, component, account, alarm, status, since or 0, now))
            if since is not None and not ends:
                firing[watch] = since
        budgets.append(_budget(objective, component, account, firing))
    return Kept(tuple(signals), tuple(budgets), ObjectiveState(accounts, firing))


def watches(objectives: Iterable[Objective]) -> Iterator[tuple[Objective, str]]:
    """Each objective of each of its components, in one order."""
    for objective in sorted(objectives, key=lambda one: one.metadata.name):
        yield from ((objective, component) for component in sorted(set(objective.spec.components)))


def account_of(watch: str) -> str:
    """The account ("objective/component") that an alarm watches."""
    return watch.rpartition("/")[0]


@functools.lru_cache(maxsize=1_024)
def mark(spec: ObjectiveSpec) -> str:
    """What an account is bound to: another indicator or window begins another account, another target does not."""
    return digest(spec.model_dump_json(include={"indicator", "window_ms"}).encode())


@functools.lru_cache(maxsize=1_024)
def terms(spec: ObjectiveSpec) -> Terms:
    """Thirty days: steps of a minute, blocks of an hour, alarms over 1 h and 5 min, 6 h and 30 min, 3 d and 6 h."""
    window = spec.window_ms
    step = max(10_000, -(-window // 43_200_000) * 1_000)
    block = max(1, window // 720 // step)
    total_loss = 0.9 / (1.0 - float(spec.target))  # a budget so wide that nothing burns it faster still has its alarms
    plans = (("fast", Severity.CRITICAL, 720, 0.02), ("steady", Severity.WARNING, 120, 0.05), ("slow", Severity.INFO, 10, 0.10))
    alarms = []
    for name, severity, part, share in plans:
        long = max(window // part // step, 30)
        burn = min(share * window / (long * step), total_loss)
        alarms.append(Alarm(name, severity, long, max(long // 12, 5), burn))
    return Terms(step, block, -(-window // (block * step)), tuple(alarms))


def settle(spec: ObjectiveSpec, telemetry: Telemetry, component: str, account: Account, now: int) -> Account:
    """The account with every step that has closed since. What lies further back than the steps kept stays unmeasured."""
    rules = terms(spec)
    account = account if account.of == mark(spec) else Account(of=mark(spec))
    until = (now - LAG_MS) // rules.step_ms * rules.step_ms
    begin = max(account.until_ms, until - rules.recent * rules.step_ms)
    if until <= begin:
        return account
    found = measured(spec.indicator, telemetry, component, range(begin, until, rules.step_ms), rules.step_ms)
    gap = (begin - account.until_ms) // rules.step_ms if account.steps else 0
    steps = (*account.steps, *(((0.0, 0.0, 0),) * min(gap, rules.recent)), *found)[-rules.recent :]
    blocks = dict(account.blocks)
    length = rules.block * rules.step_ms
    for place, (bad, total, count) in enumerate(found):
        start = (begin + place * rules.step_ms) // length * length
        held = blocks.get(start, (0.0, 0.0, 0))
        blocks[start] = (held[0] + bad, held[1] + total, held[2] + count)
    oldest = until - rules.blocks * length
    kept = tuple(sorted((start, slot) for start, slot in blocks.items() if start >= oldest and slot[2]))
    return Account(account.of, until, steps, kept)


def resumed(spec: ObjectiveSpec, telemetry: Telemetry, component: str, blocks: Sequence[tuple[int, Slot]], now: int) -> Account:
    """The account after a restart: blocks as they were noted, and the newest steps read again."""
    fresh = settle(spec, telemetry, component, Account(), now)
    kept = dict(fresh.blocks)
    for start, slot in blocks:
        if now - spec.window_ms <= start < fresh.until_ms and slot[2] > kept.get(start, (0.0, 0.0, 0))[2]:
            kept[start] = slot  # the one that saw more of it
    return replace(fresh, blocks=tuple(sorted(kept.items())))


def burning(spec: ObjectiveSpec, account: Account) -> bool:
    """Whether the newest two steps alone spend faster than promised: the trouble is not over yet."""
    found = _rate(spec, account.steps[-2:])
    return found is not None and found > 1.0


def _burns(spec: ObjectiveSpec, account: Account, alarm: Alarm) -> bool | None:
    """Whether an alarm fires; None where the data does not say."""
    rules = terms(spec)
    if alarm.long <= rules.recent:
        long = account.steps[-alarm.long :]
    else:
        since = account.until_ms - alarm.long * rules.step_ms
        long = tuple(slot for start, slot in account.blocks if start >= since)
    short = account.steps[-alarm.short :]
    rate = _rate(spec, short) if 2 * sum(slot[2] for slot in short) >= alarm.short else None
    proved = (_rate(spec, long) or 0.0) * sum(slot[2] for slot in long) / alarm.long
    if rate is None:
        return None
    return rate >= alarm.burn and proved >= alarm.burn


def _rate(spec: ObjectiveSpec, slots: Iterable[Slot]) -> float | None:
    """How fast the budget is spent in what was measured, 1 as fast as promised; None when nothing was."""
    held = list(slots)
    total = sum(slot[1] for slot in held)
    return sum(slot[0] for slot in held) / total / (1.0 - float(spec.target)) if total > 0.0 else None


def _budget(objective: Objective, component: str, account: Account, firing: Mapping[str, int]) -> Budget:
    spec, rules = objective.spec, terms(objective.spec)
    slots = [slot for _, slot in account.blocks]
    share = min(sum(slot[2] for slot in slots) / (rules.blocks * rules.block), 1.0)
    rate, now = _rate(spec, slots), _rate(spec, account.steps[-rules.alarms[0].short :])
    known = rate is not None and share >= SHOWN
    key = f"{objective.metadata.name}/{component}"
    return Budget(
        objective=objective.metadata.name,
        component=component,
        target=str(spec.target),
        left=number(1.0 - (rate or 0.0) * share) if known else "",
        burn=number(now) if now is not None else "",
        measured=number(share),
        alarms=tuple(alarm.name for alarm in rules.alarms if f"{key}/{alarm.name}" in firing),
    )


def _signal(
    objective: Objective, component: str, account: Account, alarm: Alarm, status: SignalStatus, since: int, now: int
) -> Signal:
    threshold, rate = objective.spec.indicator.threshold, _rate(objective.spec, account.steps[-alarm.short :])
    said = _claim(f"{objective.metadata.name}/{component}/{alarm.name}", status, since, now)
    metric, value = threshold.metric if threshold else "", number(rate) if rate is not None else "nan"
    return replace(said, severity=alarm.severity, metric=metric, value=value)


def _withdrawn(watch: str, since: int, now: int) -> Signal:
    """The end of an alarm whose objective is not there to ask."""
    return _claim(watch, SignalStatus.RESOLVED, since, now)


def _claim(watch: str, status: SignalStatus, since: int, now: int) -> Signal:
    key, _, alarm = watch.rpartition("/")
    name, _, component = key.partition("/")
    fingerprint, ended = f"objective/{watch}", now if status is SignalStatus.RESOLVED else 0
    return Signal(
        id=digest({"source": fingerprint, "status": status.value, "started": since, "ended": ended}),
        source=f"objective/{name}",
        name=name,
        component=component,
        fingerprint=fingerprint,
        status=status,
        severity=Severity.INFO,
        started_ms=since,
        received_ms=now,
        labels=(("alarm", alarm), ("unit", "times the promised rate")),
        value="nan",
    )
