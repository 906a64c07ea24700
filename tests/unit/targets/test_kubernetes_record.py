"""A unit's record: written whole, read back whole, and packed anew only when its objects are others."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from reconciler.adapters.targets.kubernetes import record as module
from reconciler.adapters.targets.kubernetes.api import Request
from reconciler.adapters.targets.kubernetes.record import Records, UnitRecord


class Server:
    """Keeps the one ConfigMap that was written last."""

    def __init__(self) -> None:
        self.held: list[dict[str, Any]] = []
        self.version = 0

    async def get(self, *_: object, **__: object) -> dict[str, Any]:
        return {"items": self.held, "metadata": {}}

    async def send(self, request: Request, *_: object) -> dict[str, Any]:
        self.version += 1
        made: dict[str, Any] = json.loads(request.body or b"")
        made["metadata"]["resourceVersion"] = str(self.version)
        self.held = [made]
        return made


def written(server: Server, *records: tuple[int, dict[str, str]]) -> UnitRecord:
    """What somebody who knows nothing reads after these."""

    async def writing() -> UnitRecord:
        records_of = Records(server, "homeostat", "me")  # type: ignore[arg-type]  # as much of an Api as it takes
        before = await records_of.get("shop")
        for generation, objects in records:
            after = await records_of.write(before, UnitRecord("shop", generation, "r", objects))
            assert after
            assert (after.generation, after.objects) == (generation, objects)
            before = after
        return await Records(server, "homeostat", "me").get("shop")  # type: ignore[arg-type]

    return asyncio.run(writing())


def test_objects_that_are_others_are_read_back_as_they_were_written_last() -> None:
    found = written(Server(), (1, {"ConfigMap/a": "d"}), (2, {"ConfigMap/a": "e"}), (3, {}), (4, {"ConfigMap/b": "e"}))
    assert (found.generation, found.objects) == (4, {"ConfigMap/b": "e"})


def test_a_record_that_another_process_wrote_is_kept_as_it_is_in_a_newer_generation() -> None:
    server = Server()
    written(server, (1, {"ConfigMap/a": "d"}))
    assert written(server, (2, {"ConfigMap/a": "d"})).objects == {"ConfigMap/a": "d"}


def test_the_same_objects_are_packed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    packed: list[UnitRecord] = []
    pack = module._packed

    def counting(record: UnitRecord) -> str:
        packed.append(record)
        return pack(record)

    monkeypatch.setattr(module, "_packed", counting)
    assert written(Server(), *((n, {"ConfigMap/a": "d"}) for n in range(1, 5))).generation == 4
    assert len(packed) == 1
