"""What the world shows of itself: numbers by service, Prometheus text, and health.

Rates, latencies and shares are smoothed over about five seconds; counters count since the service was created. Quantiles
follow from the node's latency (a fixed part and an exponential part; waiting never exceeds the queue's time-out).
"""

from __future__ import annotations

from collections.abc import Iterator
from math import log
from typing import Any

from reconciler.lab.acts import shown as acts_shown
from reconciler.lab.node import Node
from reconciler.lab.world import World
from reconciler.model.revisions import HealthState

DEADLINE_MS = 300_000  # a rollout that is not through by then is stuck
CRASHED_MS = 60_000
QUANTILES = {"latency_p50": log(2.0), "latency_p95": log(20.0), "latency_p99": log(100.0)}

# metric -> (type, help with unit), in the order of /metrics
METRICS: dict[str, tuple[str, str]] = {
    "request_rate": ("gauge", "Requests arriving, per second."),
    "error_rate": ("gauge", "Share of finished requests that failed, timed out or were rejected, 0 to 1."),
    "latency_p50": ("gauge", "Median latency, milliseconds."),
    "latency_p95": ("gauge", "95th percentile of latency, milliseconds."),
    "latency_p99": ("gauge", "99th percentile of latency, milliseconds."),
    "queue_depth": ("gauge", "Requests waiting, all replicas together."),
    "cpu_usage": ("gauge", "CPU used, share of the limit, 0 to 1."),
    "memory_usage": ("gauge", "Memory used, share of the limit, mean of ready replicas, 0 to 1."),
    "replicas_ready": ("gauge", "Replicas that serve."),
    "replicas_desired": ("gauge", "Replicas that the live spec asks for."),
    "restarts": ("counter", "Replicas killed for memory since the service was created."),
    "release_age_s": ("gauge", "Seconds since the live spec's release last became another one."),
    "retries_rate": ("gauge", "Calls made again after a failure, per second."),
    "database_connections": ("gauge", "Connections held by callers, share of the limit, 0 to 1."),
}


def measure(node: Node, now_ms: int) -> dict[str, float]:
    """Every gauge of one service; a latency of a service that serves nothing is absent, not zero."""
    flow, fleet = node.flow, node.fleet
    found = {
        "request_rate": flow.rate,
        "error_rate": flow.bad_rate / flow.done_rate if flow.done_rate > 1e-6 else 0.0,
        "queue_depth": flow.depth,
        "cpu_usage": min(flow.cpu, 1.0),
        "memory_usage": _memory(node),
        "replicas_ready": float(fleet.ready),
        "replicas_desired": float(node.shape.replicas),
        "restarts": float(fleet.restarts),
        "release_age_s": (now_ms - node.released_ms) / 1000.0,
        "retries_rate": flow.retry_rate,
    }
    if fleet.ready and flow.serve_ms > 0.0:
        found |= {name: _latency(node, times) for name, times in QUANTILES.items()}
    if node.is_database:
        found["database_connections"] = min(node.held / fleet.workers, 1.0) if fleet.workers else 0.0
    return found


def _latency(node: Node, times: float) -> float:
    half = node.flow.serve_ms / 2.0
    return half + half * times + min(node.flow.wait_ms * times, float(node.shape.queue_timeout_ms))


def _memory(node: Node) -> float:
    ready = node.fleet.ready
    return min(node.fleet.memory + node.request_mib * node.flow.x / ready / node.shape.memory_mib, 1.0) if ready else 0.0


def health(node: Node, now_ms: int) -> tuple[HealthState, str]:
    """Healthy only when every replica serves on the newest template and none was killed lately."""
    fleet, shape = node.fleet, node.shape
    if shape.replicas == 0:
        return HealthState.SUSPENDED, "0 replicas wanted"
    if now_ms - fleet.oom_ms < CRASHED_MS:
        return HealthState.DEGRADED, f"killed for memory, {fleet.restarts} restarts"
    moving = fleet.rolling(shape) or fleet.ready < shape.replicas
    if not moving:
        return HealthState.HEALTHY, f"{fleet.ready} of {shape.replicas} ready"
    late = now_ms - node.shaped_ms > DEADLINE_MS
    return (HealthState.DEGRADED if late else HealthState.PROGRESSING), f"{fleet.ready} of {shape.replicas} ready"


def unit_health(world: World, unit: str) -> list[dict[str, str]]:
    """Of every object that the unit owns; one that was deleted by hand is missing."""
    found = []
    for object_id in world.plane.of_unit(unit):
        node = world.nodes.get(object_id.partition("/")[2]) if object_id in world.plane.live else None
        state, message = health(node, world.time_ms) if node else (HealthState.MISSING, "not live")
        found.append({"id": object_id, "state": state.value, "message": message})
    return found


def prometheus(world: World) -> str:
    """The text exposition format, version 0.0.4."""
    return "\n".join(_lines(world)) + "\n"


def _lines(world: World) -> Iterator[str]:
    yield from _head("time_seconds", "gauge", "Simulated time, seconds since the epoch.")
    yield f"lab_time_seconds {world.time_ms / 1000:.3f}"
    values = {name: measure(node, world.time_ms) for name, node in world.nodes.items()}
    for metric, (kind, text) in METRICS.items():
        yield from _head(metric, kind, text)
        yield from (f'lab_{metric}{{service="{name}"}} {found[metric]:.6g}' for name, found in values.items() if metric in found)
    yield from _head("requests_total", "counter", "Requests finished, by outcome.")
    for name, node in world.nodes.items():
        for outcome in ("succeeded", "failed", "timed_out", "rejected"):
            yield f'lab_requests_total{{service="{name}",outcome="{outcome}"}} {getattr(node.flow, outcome):.3f}'
    yield from _head("calls_total", "counter", "Calls made, retries included, by callee.")
    for name, node in world.nodes.items():
        yield from (f'lab_calls_total{{service="{name}",callee="{e.name}"}} {e.made:.3f}' for e in node.edges)


def _head(metric: str, kind: str, text: str) -> Iterator[str]:
    yield f"# HELP lab_{metric} {text}"
    yield f"# TYPE lab_{metric} {kind}"


def state(world: World) -> dict[str, Any]:
    """Everything at a glance, for people and for the demo's checks."""
    plane, now = world.plane, world.time_ms
    units = {u: {"generation": h.generation, "revision": h.revision} for u, h in sorted(plane.units.items())}
    services = {object_id.partition("/")[2]: _service(world, object_id) for object_id in sorted(plane.live)}
    return {
        "time_ms": now,
        "seed": world.seed,
        "units": units,
        "services": services,
        "faults": [f.shown() for f in world.faults],
        "operations": acts_shown(world.acts),
    }


def _service(world: World, object_id: str) -> dict[str, Any]:
    kind, _, name = object_id.partition("/")
    node = world.nodes[name]
    found, message = health(node, world.time_ms)
    return {
        "unit": world.plane.inventory[object_id][0],
        "kind": kind,
        "spec": world.plane.live[object_id],
        "health": found.value,
        "message": message,
        "ready": node.fleet.ready,
        "desired": node.shape.replicas,
        "releases": node.fleet.releases(world.time_ms),
        "metrics": {k: round(v, 6) for k, v in sorted(measure(node, world.time_ms).items())},
    }
