"""Incident memory on recorded incidents: is one of the same kind of fault among the five that look most alike?

Each incident of Online Boutique and Train Ticket is asked for once, and never found itself. It knows what the loop would know:
the service that the search for causes names (right or wrong), the metrics that moved around it, its words. The kind of fault is
in none of these. Nothing was fitted: the weights of the blocks were set beforehand. "Other system": only incidents of the
other one may be found, so that no name helps. The baseline ranks by BM25 over the words alone.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from figures import Figure

from reconciler.adapters.memories import EmbeddedMemory
from reconciler.analysis.causes import Recording, find
from reconciler.analysis.likeness import BLOCKS, LENGTH, likeness, unit, vector
from reconciler.analysis.portraits import departure, neighbours, portrait
from reconciler.analysis.words import Bm25
from reconciler.model.memory import Portrait
from reconciler.model.telemetry import Topology
from reconciler.ports.memory import Memo

from .causes import cases
from .recorded import recorded
from .resample import interval, told

FIRST = 5
SYSTEMS = {"nezhaob": "Online Boutique", "nezhatt": "Train Ticket"}
LEAD, TROUBLE = 60.0, 300.0  # seconds around the alarm that are no normal time
COMPONENTS = 8
MANY = 5_000

Rank = Callable[[int, int], float]


@dataclass(frozen=True, slots=True)
class Past:
    system: str
    fault: str
    service: str
    looked: Portrait


Kind = Callable[[Past], object]


def fault(past: Past) -> object:
    return past.fault


def fault_of_service(past: Past) -> object:
    return past.fault, past.service


def figures(data: Path) -> Iterator[Figure]:
    with recorded(data, "rca") as folder:
        if folder is not None:
            past = list(incidents(folder))
            for system, name in SYSTEMS.items():
                own = [i for i, p in enumerate(past) if p.system == system]
                yield from recall(f"memory {name}", past, own, own, fault)
                yield from recall(f"memory {name}, same fault, same service", past, own, own, fault_of_service)
            for system, name in SYSTEMS.items():
                own = [i for i, p in enumerate(past) if p.system == system]
                other = [i for i, p in enumerate(past) if p.system != system]
                yield from recall(f"memory {name}, other system", past, own, other, fault)
    yield _speed()


def incidents(folder: Path) -> Iterator[Past]:
    labels = json.loads((folder / "labels.json").read_text())
    names = sorted(place.name for place in (folder / "cases").iterdir())
    for name, case in zip(names, cases(folder), strict=True):
        if case.system in SYSTEMS:
            yield Past(case.system, labels[name]["type"], labels[name]["service"], _looked(case.recording))


def _looked(recording: Recording) -> Portrait:
    found = find(recording)
    cause = found.causes[0].service if found.causes else ""
    topology = Topology(tuple(sorted({*recording.services, *(s for e in recording.edges for s in e)})), tuple(recording.edges))
    around = neighbours(cause, (), topology, COMPONENTS)
    at, (start, end) = recording.times, recording.normal
    normal = (at >= start) & (at < min(end, recording.alarm - LEAD))
    trouble = (at >= recording.alarm - LEAD) & (at <= recording.alarm + TROUBLE)
    columns = ((i, c) for i, c in enumerate(recording.columns) if c.service in around)
    values = recording.values
    moved = (departure(c.service, c.metric, values[normal, i].tolist(), values[trouble, i].tolist()) for i, c in columns)
    return portrait(cause, (), topology, [m for m in moved if m is not None])


def recall(
    name: str, past: Sequence[Past], asked: Sequence[int], held: Sequence[int], kind: Kind, *, elsewhere: bool = False
) -> Iterator[Figure]:
    """Of those that have one of their kind to find; `elsewhere` leaves out what broke at the same service."""
    open_to = {i: [j for j in held if j != i and not (elsewhere and past[j].service == past[i].service)] for i in asked}
    open_to = {i: others for i, others in open_to.items() if any(kind(past[j]) == kind(past[i]) for j in others)}
    if not open_to:
        return
    vectors = [vector(p.looked) for p in past]
    index = Bm25([p.looked.words for p in past])
    by_words = {i: index.scores(past[i].looked.words) for i in open_to}
    ranks: dict[str, Rank] = {
        "all": lambda i, j: likeness(vectors[i], vectors[j]),
        "bm25": lambda i, j: by_words[i].get(j, 0.0),
    }
    for part, vectors_of in _by_block(vectors).items():
        ranks[part] = lambda i, j, own=vectors_of: likeness(own[i], own[j])
    for first in (FIRST, 1):
        hits = {ranked: _hits(past, open_to, kind, rank, first) for ranked, rank in ranks.items()}
        low, high = interval([h - b for h, b in zip(hits["all"], hits["bm25"], strict=True)])
        chance = float(np.mean([_chance(past, i, others, kind, first) for i, others in open_to.items()]))
        alone = ", ".join(f"{part} {np.mean(hits[part]):.2f}" for part in ("moved", "places", "words"))
        note = f"{told(hits['all'])}; chance {chance:.3f}; over BM25 {low:+.2f} to {high:+.2f}; blocks alone: {alone}"
        base = float(np.mean(hits["bm25"]))
        yield Figure(
            f"{name}, recall@{first}", float(np.mean(hits["all"])), "share", None, base, higher_is_better=True, note=note
        )


def _by_block(vectors: Sequence[Sequence[float]]) -> dict[str, list[tuple[float, ...]]]:
    """Each part of the vectors alone."""
    parts, start = {}, 0
    for name, length, _ in BLOCKS:
        parts[name] = [unit(v[start : start + length]) for v in vectors]
        start += length
    return parts


def _hits(past: Sequence[Past], open_to: Mapping[int, Sequence[int]], kind: Kind, rank: Rank, first: int) -> list[float]:
    def hit(i: int, others: Sequence[int]) -> bool:
        ranked = sorted(others, key=lambda j: (-rank(i, j), j))
        return any(kind(past[j]) == kind(past[i]) for j in ranked[:first])

    return [float(hit(i, others)) for i, others in open_to.items()]


def _chance(past: Sequence[Past], i: int, others: Sequence[int], kind: Kind, first: int) -> float:
    """Of at least one of its kind among `first` drawn without looking."""
    same = sum(kind(past[j]) == kind(past[i]) for j in others)
    return 1 - math.comb(len(others) - same, first) / math.comb(len(others), first)


def _speed() -> Figure:
    rng = np.random.default_rng(7)
    memory = EmbeddedMemory(":memory:")
    memory.put([Memo(f"inc-{i}", unit(rng.normal(size=LENGTH).tolist())) for i in range(MANY)], "1")
    query = unit(rng.normal(size=LENGTH).tolist())
    memory.nearest(query, FIRST)
    start = time.perf_counter()
    memory.nearest(query, FIRST)
    taken = time.perf_counter() - start
    memory.close()
    return Figure(f"memory, one question to {MANY:,} incidents", taken, "s", 0.2)
