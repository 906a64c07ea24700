"""Grouping: pending signals and open incidents in, what to do with each signal out. Pure and deterministic.

Steps, in this order:
1. withdrawn: a resolved claim takes its firing twin with it, so a flap shorter than the hold-down does nothing (S8);
   the end of what an open incident holds goes there once it has lasted the hold-down, every other end is dropped;
2. flood: beyond `MAX_PENDING` distinct signals each trouble keeps a few, the rest are counted away (S5);
3. known: trouble of an open incident is a duplicate; a neighbour of it joins within the window, and waits after it;
4. new: what is left is split into the connected components of the call graph between the affected components, and
   each opens one incident once its oldest claim has lasted the hold-down;
5. cap: above `max_incidents` a group joins the nearest incident that still listens, or waits.

Every signal gets exactly one action. Waiting signals stay pending in the store and come back in the next call, so
nothing is lost by waiting, and running twice with the same inputs says the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from reconciler.documents.installation_parts import Grouping
from reconciler.model.canonical import digest
from reconciler.model.reasons import Reason
from reconciler.model.signals import Incident, Severity, Signal, SignalStatus
from reconciler.model.telemetry import Topology
from reconciler.signals.actions import Action, Drop, Hold, Join, Open, OpenIncident, Scope
from reconciler.signals.graph import components_of, nearest, neighbours

MAX_PENDING = 2_000
KEPT_PER_TROUBLE = 20
_RANK = {Severity.CRITICAL: 0, Severity.WARNING: 1, Severity.INFO: 2}


def group(
    signals: Sequence[Signal],
    incidents: Sequence[OpenIncident],
    topology: Topology,
    now: int,
    scope: Scope,
    settings: Grouping,
) -> tuple[Action, ...]:
    """One action for every signal of `signals` (as `Store.pending_signals` gives them: oldest first)."""
    held = {claim for one in incidents if one.hears for claim in one.claims(SignalStatus.FIRING)}
    firing, ended, actions = _withdrawn(signals, held)
    firing, flood = _flood(firing)
    plan = _Plan(list(incidents), topology, now, scope, settings, [*actions, *flood])
    plan.settle_ended(ended)
    for troubled in _groups(plan.settle_known(firing), topology):
        plan.settle_new(troubled)
    return tuple(plan.actions)


def _withdrawn(signals: Sequence[Signal], held: Collection[str]) -> tuple[list[Signal], list[Signal], list[Action]]:
    """What fires, what has ended of the claims that incidents hold, and the rest. Pairs by source, trouble and labels: the
    end of one pod's alert says nothing about another pod's.
    """
    ends: dict[object, Signal] = {}
    for signal in signals:
        if signal.status is SignalStatus.RESOLVED:
            last = ends.get(_pair(signal))
            ends[_pair(signal)] = signal if last is None or signal.started_ms >= last.started_ms else last
    firing = [s for s in signals if s.status is SignalStatus.FIRING and not _over(s, ends.get(_pair(s)))]
    again = {_pair(signal) for signal in firing}
    ended = [end for pair, end in ends.items() if end.claim in held and pair not in again]
    kept = {signal.id for signal in (*firing, *ended)}
    gone = [signal for signal in signals if signal.id not in kept]
    actions: list[Action] = [_drop(gone, Reason.STALE, "the claim was withdrawn before anything was done")] if gone else []
    return firing, ended, actions


def _pair(signal: Signal) -> object:
    return signal.claim or (signal.source, signal.fingerprint, signal.labels)


def _over(signal: Signal, end: Signal | None) -> bool:
    return end is not None and signal.started_ms <= end.started_ms


def _flood(firing: Sequence[Signal]) -> tuple[list[Signal], list[Action]]:
    """What is kept of a trouble that is cut names no claim: its end says nothing about those that were cut."""
    if len(firing) <= MAX_PENDING:
        return list(firing), []
    seen: Counter[str] = Counter()
    kept: list[Signal] = []
    excess: list[Signal] = []
    for signal in firing:
        seen[signal.fingerprint] += 1
        (kept if seen[signal.fingerprint] <= KEPT_PER_TROUBLE else excess).append(signal)
    cut = {signal.fingerprint for signal in excess}
    kept = [replace(signal, claim="") if signal.fingerprint in cut else signal for signal in kept]
    return kept, [_drop(excess, Reason.COALESCED, "one of too many alike")] if excess else []


def _drop(signals: Iterable[Signal], reason: Reason, detail: str) -> Drop:
    return Drop(tuple(signal.id for signal in signals), reason, detail)


def _groups(signals: Sequence[Signal], topology: Topology) -> list[list[Signal]]:
    """Worst first, then oldest, so that a cap keeps what matters. Signals without a component are one group."""
    by_component: dict[str, list[Signal]] = {}
    for signal in signals:
        by_component.setdefault(signal.component, []).append(signal)
    parts = components_of(set(by_component), topology)
    groups = [[signal for signal in signals if signal.component in part] for part in parts]
    return sorted(groups, key=lambda one: (min(_RANK[s.severity] for s in one), one[0].received_ms, one[0].id))


@dataclass(slots=True)
class _Plan:
    """The actions so far, and the incidents as they will be after them."""

    incidents: list[OpenIncident]
    topology: Topology
    now: int
    scope: Scope
    settings: Grouping
    actions: list[Action]

    def settle_ended(self, ended: Sequence[Signal]) -> None:
        """An end counts once it has lasted as long as trouble has to, and where every alert is known: one that was left out
        for the cap may fire still.
        """
        ready: dict[str, list[Signal]] = {}
        for signal in ended:
            home = next(one for one in self.incidents if one.hears and signal.claim in one.claims(SignalStatus.FIRING))
            until = signal.received_ms + self.settings.hold_down_ms
            if home.incident.count > len(home.incident.signals):
                self.actions.append(_drop([signal], Reason.STALE, f"{home.incident.id} holds only some of its alerts"))
            elif self.now < until:
                self._hold([signal], until, Reason.HELD, f"an end has to last {self.settings.hold_down_ms} ms")
            else:
                ready.setdefault(home.incident.id, []).append(signal)
        for incident_id, signals in ready.items():
            self._join(next(one for one in self.incidents if one.incident.id == incident_id), signals, Reason.STALE)

    def settle_known(self, firing: Sequence[Signal]) -> list[Signal]:
        """Handles what belongs to an open incident; what is left is new trouble."""
        left: list[Signal] = []
        joining: dict[str, list[Signal]] = {}
        for signal in firing:
            home = self._home(signal)
            if home is None:
                left.append(signal)
            elif self._news(signal, home):
                joining.setdefault(home.incident.id, []).append(signal)
            elif self._goes_on(signal, home) or (signal.fingerprint in home.fingerprints and home.listens):
                self.actions.append(_drop([signal], Reason.DUPLICATE, f"{home.incident.id} has this trouble already"))
            elif home.listens and self.now <= home.incident.opened_ms + self.settings.window_ms:
                joining.setdefault(home.incident.id, []).append(signal)
            else:
                self._hold([signal], self.now + 1_000, Reason.HELD, f"waits until {home.incident.id} is done")
        for incident_id, signals in joining.items():
            self._join(next(one for one in self.incidents if one.incident.id == incident_id), signals, Reason.COALESCED)
        return left

    def settle_new(self, troubled: Sequence[Signal]) -> None:
        ready = min(signal.started_ms for signal in troubled) + self.settings.hold_down_ms
        if self.now < ready:
            self._hold(troubled, ready, Reason.HELD, f"has to last {self.settings.hold_down_ms} ms")
        elif len(self.incidents) < self.settings.max_incidents:
            incident = self._incident(troubled)
            self.incidents.append(OpenIncident(incident))
            self.actions.append(Open(incident, tuple(signal.id for signal in troubled)))
        elif near := nearest({s.component for s in troubled}, [one for one in self.incidents if one.listens], self.topology):
            self._join(near, troubled, Reason.COALESCED)
        else:
            self._hold(troubled, self.now + 1_000, Reason.HELD, f"{self.settings.max_incidents} incidents are open already")

    @staticmethod
    def _news(signal: Signal, home: OpenIncident) -> bool:
        """Of trouble that is known: an alert that had ended, or another one of the same name whose end has to come, too."""
        other = signal.fingerprint in home.fingerprints and signal.claim not in home.claims(SignalStatus.FIRING)
        back = home.hears and signal.claim in home.claims(SignalStatus.RESOLVED)
        return bool(signal.claim) and (back or (other and home.listens))

    @staticmethod
    def _goes_on(signal: Signal, home: OpenIncident) -> bool:
        """Said again before a repair has landed. Afterwards it waits: it may say that the repair did not help."""
        return home.hears and any(
            held.claim == signal.claim and held.started_ms == signal.started_ms and held.status is SignalStatus.FIRING
            for held in home.incident.signals
            if held.claim
        )

    def _home(self, signal: Signal) -> OpenIncident | None:
        """The open incident of this trouble, or else the one it is a neighbour of."""
        around = {signal.component, *neighbours(signal.component, self.topology)} - {""}
        known = [one for one in self.incidents if signal.fingerprint in one.fingerprints]
        beside = [one for one in self.incidents if around.intersection(one.incident.components)]
        return next(iter([*known, *beside]), None)

    def _join(self, home: OpenIncident, signals: Sequence[Signal], reason: Reason) -> None:
        joined = _grown(home.incident, signals, self.settings.max_signals)
        self.incidents = [replace(one, incident=joined) if one.incident.id == joined.id else one for one in self.incidents]
        self.actions.append(Join(joined, tuple(signal.id for signal in signals), reason))

    def _hold(self, signals: Sequence[Signal], until_ms: int, reason: Reason, detail: str) -> None:
        self.actions.append(Hold(tuple(signal.id for signal in signals), until_ms, reason, detail))

    def _incident(self, troubled: Sequence[Signal]) -> Incident:
        components = tuple(sorted({signal.component for signal in troubled} - {""}))
        scope = {"repository": self.scope.repository, "target": self.scope.target}
        fingerprint = digest({**scope, "components": components})
        first = min(troubled, key=lambda signal: (signal.received_ms, signal.id))
        return Incident(
            id="inc-" + digest({**scope, "first": first.id}).removeprefix("sha256:")[:12],
            fingerprint=fingerprint,
            repository=self.scope.repository,
            target=self.scope.target,
            opened_ms=self.now,
            severity=min((s.severity for s in troubled), key=lambda one: _RANK[one]),
            components=components,
            signals=_kept((), troubled, self.settings.max_signals),
            count=len(troubled),
        )


def _grown(incident: Incident, signals: Sequence[Signal], cap: int) -> Incident:
    """The same incident with more in it. Its id and fingerprint stay: they are what other rows refer to. The newest word of a
    claim that it holds takes the place of the one before.
    """
    newest = {signal.claim: signal for signal in signals if signal.claim}
    known = {signal.claim for signal in incident.signals} - {""}
    fresh = [signal for signal in signals if signal.claim not in known]
    return replace(
        incident,
        severity=min((incident.severity, *(s.severity for s in fresh)), key=lambda one: _RANK[one]),
        components=tuple(sorted({*incident.components, *(s.component for s in fresh)} - {""})),
        signals=_kept([newest.get(signal.claim, signal) for signal in incident.signals], fresh, cap),
        count=incident.count + len(fresh),
    )


def _kept(held: Sequence[Signal], signals: Sequence[Signal], cap: int) -> tuple[Signal, ...]:
    """What is held stays; then one of each new trouble before a second of any, the worst first."""
    seen: Counter[str] = Counter(signal.fingerprint for signal in held)
    ranked = []
    for signal in sorted(signals, key=lambda one: (_RANK[one.severity], one.started_ms, one.id)):
        ranked.append((seen[signal.fingerprint], signal))
        seen[signal.fingerprint] += 1
    ranked.sort(key=lambda pair: pair[0])
    return (*held, *(signal for _, signal in ranked))[:cap]
