"""What the simulated programs are like: the part of the world that no desired state decides.

A profile says how long a service works on one request, what that costs in CPU and memory, how it starts, how often it calls
whom for each request it serves, and how many requests a second reach it from outside. Unknown names get `DEFAULT`, so that
any infra repository runs. The numbers are chosen so that the template's capacity is about half used at the daily mean.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Profile:
    own_ms: float  # time on one request without its calls, caches warm
    cpu_ms: float  # CPU time on one request
    memory_mib: float  # a fresh replica's memory
    request_mib: float = 0.5  # memory of one request in service or waiting
    startup_ms: int = 6_000  # until a new replica is ready
    warm_ms: int = 20_000  # until its caches are warm
    cold: float = 1.5  # how much longer own_ms is with cold caches, falling to 1
    errors: float = 0.0003  # share of requests that fail for no reason
    outside: float = 0.0  # requests a second from outside, daily mean
    calls: Mapping[str, float] = field(default_factory=dict)  # calls for each served request; 1.0 when not named


DEFAULT = Profile(own_ms=20, cpu_ms=5, memory_mib=180)

PROFILES: Mapping[str, Profile] = {
    "frontend": Profile(own_ms=25, cpu_ms=10, memory_mib=200, outside=180),
    "gateway": Profile(
        own_ms=8,
        cpu_ms=5,
        memory_mib=150,
        outside=120,
        calls={"catalog": 0.6, "search": 0.3, "cart": 0.3, "checkout": 0.15, "recommendation": 0.4, "user": 0.4},
    ),
    "catalog": Profile(own_ms=15, cpu_ms=6, memory_mib=500, cold=2.0, calls={"inventory": 0.3, "orders-db": 0.5}),
    "search": Profile(own_ms=40, cpu_ms=12, memory_mib=900, startup_ms=8_000, cold=2.0, calls={"catalog": 0.2}),
    "cart": Profile(own_ms=12, cpu_ms=5, memory_mib=180, calls={"orders-db": 0.5}),
    "recommendation": Profile(own_ms=30, cpu_ms=9, memory_mib=600, startup_ms=8_000, cold=2.0, calls={"catalog": 0.5}),
    "checkout": Profile(own_ms=45, cpu_ms=16, memory_mib=240, calls={"user": 0.5, "orders-db": 2.0}),
    "payment": Profile(own_ms=60, cpu_ms=12, memory_mib=220),
    "fraud": Profile(own_ms=35, cpu_ms=15, memory_mib=400, calls={"user": 0.5}),
    "user": Profile(own_ms=10, cpu_ms=4, memory_mib=180, calls={"orders-db": 0.5}),
    "inventory": Profile(own_ms=12, cpu_ms=4, memory_mib=180),
    "notification": Profile(own_ms=20, cpu_ms=4, memory_mib=120),
    "orders-db": Profile(own_ms=4, cpu_ms=3.5, memory_mib=2_000, errors=0.0),
}


def profile(name: str) -> Profile:
    return PROFILES.get(name, DEFAULT)
