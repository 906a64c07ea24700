"""Visiting: one piece of work with a cluster for a verb, without watches, lease or records."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

from reconciler.adapters.targets.kubernetes.access import find
from reconciler.adapters.targets.kubernetes.api import Api
from reconciler.adapters.targets.kubernetes.kinds import Kinds

T = TypeVar("T")
AT_ONCE, TIMEOUT_S = 8, 30.0


def visit(kubeconfig: str, context: str, work: Callable[[Api, Kinds], Coroutine[Any, Any, T]], *, home: Path | None = None) -> T:
    """The work's answer; `kubeconfig` is relative to the home, else to the folder that one is in."""
    access = find(kubeconfig, context, home or Path.cwd())

    async def visiting() -> T:
        api = Api(access, at_once=AT_ONCE, timeout_s=TIMEOUT_S)
        api.start()
        try:
            kinds = Kinds(api)
            await kinds.refresh()
            return await work(api, kinds)
        finally:
            await api.stop()

    return asyncio.run(visiting())


def plurals(kubeconfig: str, context: str) -> dict[str, str]:
    """What a cluster calls its kinds: `Kind.group` to plural."""

    async def ask(_: Api, kinds: Kinds) -> dict[str, str]:
        return {kind.name: kind.plural for kind in kinds.all()}

    return visit(kubeconfig, context, ask)
