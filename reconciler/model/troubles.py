"""Trouble: what a target itself says is wrong with a declared object, in one word that playbooks can match."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class TroubleKind(enum.StrEnum):
    """From the most telling to the least: where several words fit one object, the first is said."""

    IMAGE_PULL = "image-pull"  # the image does not exist, or may not be had
    BAD_COMMAND = "bad-command"  # the container's command cannot be started
    BAD_CONFIG = "bad-config"  # a ConfigMap, Secret or key that it names is missing
    OUT_OF_MEMORY = "out-of-memory"  # killed at its memory limit
    CRASH_LOOP = "crash-loop"  # it starts and ends again and again
    LIVENESS = "liveness"  # killed again and again because its liveness or startup probe fails
    NOT_READY = "not-ready"  # it runs, and its readiness probe fails
    REFUSED = "refused"  # pods may not be made: admission, pod security, a missing service account
    QUOTA = "quota"  # pods may not be made: a resource quota or limit range is in the way
    NO_ROOM = "no-room"  # no node has the CPU, memory or pods left that it asks for
    NO_PLACE = "no-place"  # selectors, affinity or taints leave no node
    NO_VOLUME = "no-volume"  # a claim is not bound, or a volume does not mount
    VOLUME_FILLING = "volume-filling"  # a claim is nearly full
    EVICTED = "evicted"  # pods were put out by their node
    JOB_FAILED = "job-failed"  # a Job used up its retries or its time
    SCALER = "scaler"  # an autoscaler cannot read what it scales by, or wants more than it may
    CERTIFICATE = "certificate"  # it expires soon, or is not renewed
    NODE_PRESSURE = "node-pressure"  # a node that its pods run on is short of memory, disk or processes, or is gone
    UNCHANGEABLE = "unchangeable"  # Git changes a field that cannot be changed on a live object
    CONTESTED = "contested"  # Git writes a field that somebody else writes, too, and that is not taken
    STUCK_ROLLOUT = "stuck-rollout"  # a rollout makes no progress, and nothing above says why
    DEGRADED = "degraded"  # the rules of health say so, and nothing above says why


@dataclass(frozen=True, slots=True)
class Trouble:
    """One thing that is wrong now. Text in it is capped, has no line breaks, and is never a value of a Secret."""

    unit: str
    object: str  # the declared object it is on, as the inventory names it: "Deployment.apps/shop/checkout"
    component: str  # that object's own name: "checkout"
    kind: TroubleKind
    since_ms: int
    leaf: str = ""  # where it shows, e.g. "Pod/shop/checkout-5d9c-abcde"
    container: str = ""
    detail: str = ""  # what the target said, for people
    contested: tuple[tuple[str, str], ...] = ()  # CONTESTED: each field, and the field manager that writes it

    @property
    def fingerprint(self) -> str:
        """The same trouble later, on another pod of the same object, has the same."""
        return f"{self.unit}/{self.object}/{self.kind.value}/{self.container}"
