"""Why a target's object is in the trouble that the target names: the commit that brought it, or that no commit explains it.

The target says what is wrong; what is asked here is since which commit. For each trouble, in this order:

1. What the commits changed of that object which were applied in the hour before the trouble began (`declared.changes`).
2. Each weighed in named parts: whose document it was, whether it touched what this word is about, and how soon it followed.
   Another container's fields, or fields that cannot bring this word about, speak against it.
3. The likeliest is a RELEASE (an image, tag or digest changed) or a CONFIG cause. None likely enough: WORKLOAD, without a
   commit, as sure as the word is telling.

Evidence is in our own words; of the target's only the capped detail.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from reconciler.diagnosis.causes import as_cause
from reconciler.diagnosis.commits import RELEASE_KEYS, Applied
from reconciler.diagnosis.declared import Change, Files, Past, Relation, changes, container_of, segments
from reconciler.model.canonical import number
from reconciler.model.diagnosis import Cause, CauseKind, Evidence
from reconciler.model.troubles import Trouble, TroubleKind
from reconciler.ports.repo import Repo

RECENT_MS = 3_600_000
EARLY_MS = 10_000  # a target's clock and ours, and an apply that is on record when it is over
PROMPT_MS = 300_000
LATE_MS = 1_800_000
LEAST = 0.5  # of a commit: below it the trouble explains itself better
MAX_TROUBLES = 20
MAX_DETAIL = 200

IMAGES: Final = RELEASE_KEYS | {"digest", "newTag", "newName", "repository"}
_RUN: Final = IMAGES | {"command", "args", "env", "envFrom", "data", "stringData", "securityContext", "volumeMounts", "volumes"}
_SIZE: Final = frozenset({"resources", "requests", "limits", "replicas", "minReplicas", "memoryMiB", "cpuMillis", "hard"})
_PROBES: Final = frozenset({"livenessProbe", "readinessProbe", "startupProbe", "ports"})
_PLACE: Final = frozenset({"nodeSelector", "affinity", "tolerations", "topologySpreadConstraints", "nodeName", "replicas"})

# What a change has to touch to bring a word about. A word that is not here may come from anything.
ABOUT: Final[Mapping[TroubleKind, frozenset[str]]] = {
    TroubleKind.IMAGE_PULL: IMAGES | {"imagePullSecrets", "imagePullPolicy", "serviceAccountName"},
    TroubleKind.BAD_COMMAND: _RUN | {"workingDir"},
    TroubleKind.BAD_CONFIG: _RUN | {"serviceAccountName"},
    TroubleKind.OUT_OF_MEMORY: _RUN | _SIZE,
    TroubleKind.CRASH_LOOP: _RUN | _PROBES | _SIZE,
    TroubleKind.LIVENESS: _RUN | _PROBES | _SIZE,
    TroubleKind.NOT_READY: _RUN | _PROBES | _SIZE,
    TroubleKind.REFUSED: frozenset({"securityContext", "serviceAccountName", "hostNetwork", "hostPath", "volumes", "capabilities",
                                    "privileged", "annotations", "labels", "rules", "pod-security"}),
    TroubleKind.QUOTA: _SIZE | {"default", "defaultRequest", "max", "min"},
    TroubleKind.NO_ROOM: _SIZE | {"default", "defaultRequest"},
    TroubleKind.NO_PLACE: _PLACE,
    TroubleKind.NO_VOLUME: frozenset({"volumes", "volumeMounts", "volumeClaimTemplates", "storageClassName", "accessModes",
                                      "storage", "claimName", "data"}),
    TroubleKind.SCALER: _SIZE | {"maxReplicas", "metrics", "scaleTargetRef", "behavior"},
    TroubleKind.VOLUME_FILLING: frozenset({"storage", "volumeClaimTemplates"}) | IMAGES,
    TroubleKind.EVICTED: _SIZE,
    TroubleKind.CERTIFICATE: frozenset({"issuerRef", "dnsNames", "duration", "renewBefore", "secretName", "tls.crt"}),
    TroubleKind.NODE_PRESSURE: frozenset(),  # no commit does that to a node
}  # fmt: skip

# How sure a word alone makes us that the object itself has to change. What is not here: 0.7.
TELLING: Final[Mapping[TroubleKind, float]] = {
    TroubleKind.IMAGE_PULL: 0.8, TroubleKind.BAD_COMMAND: 0.8, TroubleKind.BAD_CONFIG: 0.8, TroubleKind.OUT_OF_MEMORY: 0.8,
    TroubleKind.QUOTA: 0.8, TroubleKind.NO_ROOM: 0.8, TroubleKind.VOLUME_FILLING: 0.8, TroubleKind.CERTIFICATE: 0.8,
    TroubleKind.NO_PLACE: 0.75, TroubleKind.NO_VOLUME: 0.75, TroubleKind.REFUSED: 0.75, TroubleKind.NODE_PRESSURE: 0.75,
    TroubleKind.CRASH_LOOP: 0.65, TroubleKind.NOT_READY: 0.6, TroubleKind.STUCK_ROLLOUT: 0.6, TroubleKind.DEGRADED: 0.6,
}  # fmt: skip
_WHOSE: Final = {Relation.OWN: 0.7, Relation.NAMED: 0.6, Relation.SOURCE: 0.6}


def workload_causes(
    troubles: Iterable[Trouble], repo: Repo, revision: str, applied: Sequence[Applied], files: Mapping[str, Files]
) -> list[Cause]:
    """One cause for each trouble. `files` says what each unit reads."""
    past = Past(repo, revision, applied)
    return [_cause(trouble, past, files[trouble.unit]) for trouble in list(troubles)[:MAX_TROUBLES] if trouble.unit in files]


def _cause(trouble: Trouble, past: Past, files: Files) -> Cause:
    since = trouble.since_ms
    found = list(changes(past, since - RECENT_MS, since + EARLY_MS, files, trouble.object))  # 1.
    weighed = [(_parts(trouble, change, found), change) for change in found]  # 2.
    parts, best = max(weighed, key=lambda pair: (sum(pair[0]), pair[1].applied_ms), default=((), None))
    if best is not None and sum(parts) >= LEAST:  # 3.
        released = any(field.rsplit(".", 1)[-1] in IMAGES for field, _, _ in _own_fields(trouble, best))
        kind = CauseKind.RELEASE if released else CauseKind.CONFIG
        facts = [_told(trouble), _of_change(trouble, best), _timing(trouble, best)]
        made = as_cause(kind, trouble.component, parts, facts, best.commit)
    else:
        made = as_cause(
            CauseKind.WORKLOAD, trouble.component, [TELLING.get(trouble.kind, 0.7)], [_told(trouble), _no_commit(trouble)]
        )
    return replace(
        made,
        trouble=trouble.kind.value,
        object=trouble.object,
        container=trouble.container,
        unit=trouble.unit,
        contested=trouble.contested,
    )


def _parts(trouble: Trouble, change: Change, found: Sequence[Change]) -> tuple[float, ...]:
    own = _own_fields(trouble, change)
    delay = trouble.since_ms - change.applied_ms
    fits = trouble.kind not in ABOUT or any(segments(field) & ABOUT[trouble.kind] for field, _, _ in own)
    later = any(o.commit != change.commit and o.applied_ms > change.applied_ms and _fits(trouble, o) for o in found)
    return (
        _WHOSE[change.relation],
        0.15 if own and fits else -0.35,
        0.1 if delay <= PROMPT_MS else -0.1 if delay > LATE_MS else 0.0,
        -0.15 if later else 0.0,  # the last one before the trouble is the likelier
    )


def _fits(trouble: Trouble, change: Change) -> bool:
    own = _own_fields(trouble, change)
    return any(trouble.kind not in ABOUT or segments(field) & ABOUT[trouble.kind] for field, _, _ in own)


def _own_fields(trouble: Trouble, change: Change) -> list[tuple[str, str, str]]:
    """Without those of other containers than the one in trouble."""
    return [f for f in change.fields if not trouble.container or container_of(f[0]) in ("", trouble.container)]


def _told(trouble: Trouble) -> Evidence:
    where = f" ({trouble.container})" if trouble.container else ""
    detail = "".join(c if c.isprintable() else " " for c in trouble.detail[:MAX_DETAIL])
    said = f": {detail}" if detail else ""
    text = f"the target says {trouble.kind.value} of {trouble.object}{where}{said}"
    return Evidence("told", trouble.component, trouble.kind.value, "", trouble.leaf, "1", text)


def _of_change(trouble: Trouble, change: Change) -> Evidence:
    about = ABOUT.get(trouble.kind, frozenset())
    field, before, after = min(
        _own_fields(trouble, change) or change.fields,
        key=lambda f: (not segments(f[0]) & about, f[0].rsplit(".", 1)[-1] not in IMAGES, f),
    )
    count = len(change.fields)
    text = f"commit {change.commit[:10]} changed {count} field(s) of {change.relation.value}, in {change.path}"
    return Evidence("commit", trouble.component, field, before, after, str(count), text)


def _timing(trouble: Trouble, change: Change) -> Evidence:
    """`before` is when the commit was applied, `after` when the trouble began (both ms), `score` the seconds between."""
    delay = (trouble.since_ms - change.applied_ms) / 1_000
    text = f"{trouble.kind.value} of {trouble.component} began {round(delay)} s after commit {change.commit[:10]} was applied"
    kind, times = trouble.kind.value, (str(change.applied_ms), str(trouble.since_ms))
    return Evidence("timing", trouble.component, kind, *times, number(delay), text)


def _no_commit(trouble: Trouble) -> Evidence:
    text = f"no commit of the hour before explains {trouble.kind.value} of {trouble.object}"
    return Evidence("absence", trouble.component, "", "", "", "0", text)
