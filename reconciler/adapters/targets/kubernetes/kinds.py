"""Kinds: what the API server serves, from aggregated discovery: two requests for everything.

A kind that is not known is asked for once more before it is called unknown: its CRD may just have been applied.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from reconciler.adapters.targets.kubernetes.api import Api, Refused

AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
LISTED_S = 2.0  # the longest pause between two looks at a list that is behind
NEEDED = frozenset({"get", "list", "watch", "patch", "delete"})


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind as it is served. `name` is `Kind.group`, the first part of an object's id."""

    group: str
    version: str
    kind: str
    plural: str
    namespaced: bool

    @property
    def name(self) -> str:
        return f"{self.kind}.{self.group}" if self.group else self.kind

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def root(self) -> str:
        return f"/apis/{self.group}/{self.version}" if self.group else f"/api/{self.version}"

    def path(self, namespace: str = "", name: str = "") -> str:
        inside = f"/namespaces/{namespace}" if namespace and self.namespaced else ""
        return f"{self.root}{inside}/{self.plural}" + (f"/{name}" if name else "")


class Kinds:
    """By apiVersion and kind as written, and by `Kind.group` in the version that the server prefers."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._exact: dict[tuple[str, str], Kind] = {}
        self._preferred: dict[str, Kind] = {}
        self._asked = 0.0

    def all(self) -> Iterable[Kind]:
        """Each kind once, in the version that the server prefers."""
        return tuple(self._preferred.values())

    def served(self, api_version: str, kind: str) -> str:
        """What a person may have meant by a kind that is not served."""
        like = sorted({found for found in self._exact if found[1].lower() == kind.lower()})
        known = ", ".join(version if name == kind else f"{version} {name}" for version, name in like)
        return f"the cluster serves no {api_version} {kind}; " + (f"it serves {known}" if like else "is its CRD there?")

    def known(self, name: str) -> Kind | None:
        """As of the last look; asks nothing."""
        return self._preferred.get(name)

    async def find(self, api_version: str, kind: str) -> Kind | None:
        """None when the server does not serve it."""
        if (api_version, kind) not in self._exact:
            await self._again()
        return self._exact.get((api_version, kind))

    async def find_named(self, name: str) -> Kind | None:
        if name not in self._preferred:
            await self._again()
        return self._preferred.get(name)

    async def _again(self) -> None:
        """Not more often than once a second: many objects of one unknown kind are one question."""
        if asyncio.get_running_loop().time() >= self._asked + 1:
            await self.refresh()

    async def listed(self, kinds: Collection[tuple[str, str]]) -> None:
        """Once the server lists them. Its list is a little behind its word that they are established, and tells nobody when it
        grows; what is still not there after some seconds is told where it is needed.
        """
        pause = 0.02
        await self.refresh()
        while not self._exact.keys() >= set(kinds) and pause < LISTED_S:
            await asyncio.sleep(pause)
            pause *= 2
            await self.refresh()

    async def refresh(self) -> None:
        self._asked = asyncio.get_running_loop().time()
        exact: dict[tuple[str, str], Kind] = {}
        preferred: dict[str, Kind] = {}
        for root in ("/api", "/apis"):
            for kind in _kinds(await self._api.get(root, accept=AGGREGATED)):
                exact.setdefault((kind.api_version, kind.kind), kind)
                preferred.setdefault(kind.name, kind)  # the server lists the version it prefers first
        if not exact:
            raise Refused(200, "Discovery", "the API server names no resource")
        self._exact, self._preferred = exact, preferred


def _kinds(answer: Any) -> list[Kind]:
    found = []
    for group in answer.get("items") or ():
        name = (group.get("metadata") or {}).get("name", "")
        for version in group.get("versions") or ():
            for resource in version.get("resources") or ():
                if set(resource.get("verbs") or ()) >= NEEDED:
                    kind = (resource.get("responseKind") or {}).get("kind", "")
                    found.append(
                        Kind(name, version["version"], kind, resource["resource"], resource.get("scope") == "Namespaced")
                    )
    return found
