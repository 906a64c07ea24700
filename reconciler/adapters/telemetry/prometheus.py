"""PrometheusTelemetry: a Prometheus server, or anything with its HTTP API, behind `ports.telemetry.BulkTelemetry`.

In: for each metric a line of PromQL from homeostat.yaml, in which `$component` stands for a choice of components. Out: series
by plain names. What is put into a query is a label matcher that is made here, of a label and a component whose spelling was
checked; nothing else is ever interpolated.

A plain selector is read sample by sample, by the HTTP API or by remote-read, at the times that it was scraped: neither
Prometheus' look-back nor a step makes up values in a gap. An expression is read at multiples of the interval, so that the same
question has the same answer. A query has to give one series for each component: two are refused with the aggregation to write,
because a sum of half the truth looks like the truth. Whatever goes wrong is Retryable and leaves a gap.
"""

from __future__ import annotations

import json
import math
import re
import ssl
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reconciler.adapters.telemetry import remote_read
from reconciler.adapters.telemetry.gridding import gridded
from reconciler.adapters.telemetry.pages import bounded
from reconciler.errors import Misconfigured, Permanent, Retryable
from reconciler.model.telemetry import Grid, Series, Topology
from reconciler.ports.clock import Clock

if TYPE_CHECKING:
    from reconciler.ports.telemetry import Samples

MAX_BYTES = 64 << 20
MAX_STEPS = 10_000  # of one request; Prometheus refuses more than 11,000
RECENT_MS = 300_000  # who was silent for so long has no metrics now
CALLS = "calls_total"
MATCHER = "$component"

Points = Sequence[tuple[int, float]]

_COMPONENT = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_UNPRINTED = re.compile(r"[^ -~]+")


@dataclass(frozen=True, slots=True)
class Access:
    """What proves who we are, and where it may be sent. `proof` gives the Authorization header; read again for every round."""

    origin: str
    proof: Callable[[], str]
    trust: str = ""  # file of certificate authorities; empty trusts the machine's


@dataclass(frozen=True, slots=True)
class PrometheusServer:
    """A server and what it is asked, as `PromqlSource` in homeostat.yaml describes it."""

    name: str
    url: str
    queries: tuple[tuple[str, str], ...]  # metric, PromQL
    label: str = "service"
    calls: str = ""  # PromQL of calls by caller and callee
    callee: str = "callee"
    interval_ms: int = 15_000
    timeout_ms: int = 10_000
    remote: bool = False  # plain selectors by remote-read


class PrometheusTelemetry:
    """One connection pool; safe to use from one thread at a time."""

    def __init__(self, server: PrometheusServer, clock: Clock, access: Access | None = None) -> None:
        import httpx  # 0.2 s that a command without telemetry does not pay

        if access and not _within(server.url, access.origin):
            message = f"source {server.name} asks {server.url} with a credential that is for {access.origin}"
            raise Misconfigured(message, where="homeostat.yaml", next_step="set its origin in the settings of this machine")
        trust: ssl.SSLContext | bool = server.url.startswith("https:")  # without TLS there is no certificate to check
        if trust and access and access.trust:
            trust = _trusting(access.trust)
        self._client = httpx.Client(follow_redirects=False, trust_env=False, timeout=server.timeout_ms / 1_000, verify=trust)
        self._server, self._clock, self._access = server, clock, access
        self._queries = dict(server.queries)
        self._now: tuple[int, Mapping[str, Mapping[str, Points]]] = (-1, {})

    def close(self) -> None:
        self._client.close()

    def series(self, component: str, metric: str, start_ms: int, end_ms: int) -> Series:
        found: Points = ()
        if metric in self._queries and _COMPONENT.fullmatch(component):
            query = self._queries[metric].replace(MATCHER, f'{self._server.label}="{component}"')
            found = self._by_component(metric, self._read(metric, query, start_ms, end_ms)).get(component, ())
        times, values = zip(*found, strict=True) if found else ((), ())
        return Series(component, metric, times, values)

    def every(self, metric: str, start_ms: int, end_ms: int) -> Mapping[str, Points]:
        """One metric of all components in one request."""
        query = self._queries[metric].replace(MATCHER, f'{self._server.label}!=""')
        return self._by_component(metric, self._read(metric, query, start_ms, end_ms))

    def calls(self, start_ms: int, end_ms: int) -> Mapping[tuple[str, str], Points]:
        """By caller and callee, however many series count the calls of a pair."""
        found: dict[tuple[str, str], dict[int, float]] = {}
        read = self._read(CALLS, self._server.calls, start_ms, end_ms) if self._server.calls else ()
        for labels, points in read:
            pair = str(labels.get(self._server.label, "")), str(labels.get(self._server.callee, ""))
            if all(_COMPONENT.fullmatch(name) for name in pair):
                summed = found.setdefault(pair, {})
                for at, value in points:
                    summed[at] = summed.get(at, 0.0) + value
        return {pair: sorted(points.items()) for pair, points in found.items()}

    def told(self, metric: str, start_ms: int, end_ms: int) -> list[tuple[str, str, Points]]:
        """Component, metric and points, as they are kept: calls are a metric of the caller that names the callee."""
        if metric != CALLS:
            return [(component, metric, points) for component, points in self.every(metric, start_ms, end_ms).items()]
        found = self.calls(start_ms, end_ms).items()
        return [(caller, f"{CALLS}{{callee={callee}}}", points) for (caller, callee), points in found if points]

    def window(self, components: Collection[str] | None, start_ms: int, end_ms: int) -> Mapping[tuple[str, str], Samples]:
        import numpy as np

        read = [one for metric in (*self._queries, CALLS) for one in self.told(metric, start_ms, end_ms)]
        found: dict[tuple[str, str], Samples] = {}
        for component, metric, points in sorted(read):
            if components is None or component in components:
                times, values = zip(*points, strict=True)
                found[component, metric] = np.array(times, dtype=np.int64), np.array(values, dtype=np.float64)
        return found

    def grid(self, components: Collection[str] | None, start_ms: int, end_ms: int, step_ms: int) -> Grid:
        return gridded(self.window(components, start_ms, end_ms - 1), start_ms, end_ms, step_ms)

    def metrics(self, component: str) -> Sequence[str]:
        return tuple(sorted(metric for metric, found in self._recent().items() if component in found))

    def topology(self) -> Topology:
        now = self._clock.now()
        calls = sorted(pair for pair, points in self.calls(now - RECENT_MS, now).items() if any(v > 0 for _, v in points))
        alive = {component for found in self._recent().values() for component in found}
        return Topology(tuple(sorted(alive.union(*calls))), tuple(calls))

    def newest_ms(self) -> int:
        recent = (points for found in self._recent().values() for points in found.values() if points)
        return max((points[-1][0] for points in recent), default=0)

    def _recent(self) -> Mapping[str, Mapping[str, Points]]:
        """What every metric showed lately; asked once an interval."""
        now = self._clock.now()
        if self._now[0] != now // self._server.interval_ms:
            found = {metric: self.every(metric, now - RECENT_MS, now) for metric in self._queries}
            self._now = (now // self._server.interval_ms, found)
        return self._now[1]

    def _by_component(self, metric: str, read: Sequence[tuple[Mapping[str, Any], Points]]) -> dict[str, Points]:
        found: dict[str, Points] = {}
        for labels, points in read:
            component = str(labels.get(self._server.label, ""))
            if component in found:
                message = f"source {self._server.name}: {metric} has several series for {component}"
                raise Retryable(
                    message, after_ms=60_000, next_step=f"write `sum by ({self._server.label}) (..)` around its query"
                )
            if points and _COMPONENT.fullmatch(component):
                found[component] = points
        return found

    def _read(self, metric: str, query: str, start_ms: int, end_ms: int) -> Sequence[tuple[Mapping[str, Any], Points]]:
        plain = remote_read.SELECTOR.fullmatch(query)
        if plain and self._server.remote:
            return self._remotely(metric, query, start_ms, end_ms)
        if plain:
            form = {"query": f"{query.strip()}[{end_ms - start_ms + 1}ms]", "time": f"{end_ms / 1_000:.3f}"}
            return list(_series(self._answer(metric, "query", form), start_ms, end_ms))
        joined: dict[str, tuple[Mapping[str, Any], list[tuple[int, float]]]] = {}
        for form in _steps(query, start_ms, end_ms, self._server.interval_ms):
            for labels, points in _series(self._answer(metric, "query_range", form), start_ms, end_ms):
                joined.setdefault(json.dumps(labels, sort_keys=True), (labels, []))[1].extend(points)
        return list(joined.values())

    def _remotely(self, metric: str, query: str, start_ms: int, end_ms: int) -> Sequence[tuple[Mapping[str, Any], Points]]:
        try:
            body = remote_read.question(query, start_ms, end_ms)
            status, page = self._posted(remote_read.PATH, remote_read.HEADERS, content=body)
            if status != 200:
                raise self._refused(status, metric, page.decode("utf-8", "replace"))
            read = [(labels, _kept(points, start_ms, end_ms)) for labels, points in remote_read.samples(page, MAX_BYTES)]
        except Permanent as error:
            message = f"source {self._server.name}: {metric}: {error.message}"
            raise Retryable(message, after_ms=60_000, next_step=error.next_step or "check that it serves remote-read") from error
        return read

    def _answer(self, metric: str, path: str, form: Mapping[str, str]) -> list[Any]:
        """The matrix of an answer."""
        server = self._server
        body = {**form, "timeout": f"{server.timeout_ms}ms", "partial_response": "false"}
        status, page = self._posted(f"/api/v1/{path}", {}, data=body)
        told = _told(page)
        if status != 200 or told.get("status") != "success":
            raise self._refused(status, metric, str(told.get("error", "")))
        data = told.get("data")
        matrix = data.get("result") if isinstance(data, dict) and data.get("resultType") == "matrix" else None
        if not isinstance(matrix, list):
            raise Retryable(f"source {server.name} gave no series for {metric}", next_step="write a query that gives a vector")
        return matrix

    def _posted(self, path: str, headers: Mapping[str, str], **body: Any) -> tuple[int, bytes]:
        import httpx

        server, proof = self._server, {"authorization": self._access.proof()} if self._access else {}
        try:
            with self._client.stream("POST", server.url.rstrip("/") + path, headers={**headers, **proof}, **body) as answer:
                return answer.status_code, bounded(answer, server.name, MAX_BYTES, server.timeout_ms)
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:  # the last: a host that no name can be
            message = f"source {server.name} did not answer: {type(error).__name__}"
            raise Unreachable(message, after_ms=5_000, next_step=f"check that {server.url} is served") from error

    def _refused(self, status: int, metric: str, said: str) -> Retryable:
        """Foreign text is quoted here alone, and short."""
        why = _UNPRINTED.sub(" ", said)[:200].strip() or "no reason"
        message = f"source {self._server.name} answered {status} to the query of {metric}: {why}"
        return Retryable(message, after_ms=15_000, next_step="try the query in its own page, and correct homeostat.yaml")


class Unreachable(Retryable):
    """The server did not answer at all: other questions need not be asked now."""


def _trusting(file: str) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=file)
    except OSError as error:
        message = f"cannot read the certificate authorities {file}: {type(error).__name__}"
        raise Misconfigured(
            message, where="settings.yaml", next_step="write them there as PEM, readable by this process"
        ) from error


def _within(url: str, origin: str) -> bool:
    return url.rstrip("/") == origin.rstrip("/") or url.startswith(origin.rstrip("/") + "/")


def _steps(query: str, start_ms: int, end_ms: int, step_ms: int) -> Iterator[dict[str, str]]:
    """Questions at multiples of the step, none longer than the server allows."""
    at, last = -(-start_ms // step_ms) * step_ms, end_ms // step_ms * step_ms
    while at <= last:
        end = min(last, at + (MAX_STEPS - 1) * step_ms)
        times = {"start": f"{at / 1_000:.3f}", "end": f"{end / 1_000:.3f}", "step": f"{step_ms / 1_000:.3f}"}
        yield {"query": query, **times}
        at = end + step_ms


def _told(page: bytes) -> dict[str, Any]:
    try:
        found = json.loads(page)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _series(matrix: Sequence[Any], start_ms: int, end_ms: int) -> Iterator[tuple[Mapping[str, Any], Points]]:
    """Labels and finite points in the range, ascending; what is not of this form has no points."""
    for row in matrix:
        try:
            labels, told = row["metric"], [(round(float(at) * 1_000), float(value)) for at, value in row.get("values", ())]
        except (TypeError, ValueError, KeyError, AttributeError, OverflowError) as error:
            raise Retryable("an answer holds what is no series", next_step="check what serves the address") from error
        yield labels if isinstance(labels, dict) else {}, _kept(told, start_ms, end_ms)


def _kept(told: Points, start_ms: int, end_ms: int) -> Points:
    return sorted({at: value for at, value in told if start_ms <= at <= end_ms and math.isfinite(value)}.items())
