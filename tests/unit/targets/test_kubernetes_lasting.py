"""Two who ask at once to go on with the same act share its turn."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

from reconciler.adapters.targets.kubernetes.acted import Entry
from reconciler.adapters.targets.kubernetes.operations import Operations
from reconciler.ports.target import Act

ENTRY = Entry("platform", "drain", "node-3", "2026-01-01T00:00:00.000Z", "a1", done=True, detail="it is empty")
ACT = Act("drain-9", "platform", "drain", "node-3")


def test_two_who_go_on_at_once_share_one_turn_and_its_answer() -> None:
    asked: list[str] = []

    async def find(act_id: str) -> Entry:
        asked.append(act_id)
        await asyncio.sleep(0.01)
        return ENTRY

    parts: Any = SimpleNamespace(find=find)
    settings: Any = SimpleNamespace(drain_ms=1_000)

    async def both() -> list[str]:
        operations = Operations(parts, parts, parts, settings)
        return [acted.detail for acted in await asyncio.gather(operations.go_on(ACT), operations.go_on(ACT))]

    assert asyncio.run(both()) == ["it is empty", "it is empty"]
    assert asked == ["drain-9"]
