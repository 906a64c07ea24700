"""LabTarget: the simulated world as a Target, over its HTTP interface (`reconciler.lab` documents it).

What cannot be reached, answers late or answers nonsense is Retryable: the state is then unknown, never "nothing there".
The lab compares generations itself; a 409 is its answer, not an error. Bodies are capped, redirects are not followed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, Literal, TypeVar

import httpx
from pydantic import BaseModel, ConfigDict, ValidationError

from reconciler.adapters.https import trusted
from reconciler.converge.diffing import make_plan
from reconciler.converge.shapes import body_digest
from reconciler.documents.installation_parts import LabSettings
from reconciler.errors import Permanent, Retryable
from reconciler.model.proposals import Irreversibility
from reconciler.model.reasons import Reason
from reconciler.model.revisions import ChangeSet, Health, HealthState, Observed, Plan, Rendered, StepResult, Verb
from reconciler.ports.target import Act, Acted

MAX_ANSWER = 8 * 1024 * 1024
A = TypeVar("A", bound="_Answer")


class _Answer(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class _Seen(_Answer):
    unit: str
    generation: int
    revision: str
    objects: dict[str, dict[str, Any]]
    inventory: dict[str, str]


class _Inventory(_Answer):
    objects: dict[str, str]


class _Part(_Answer):
    id: str
    state: HealthState
    message: str


class _Healths(_Answer):
    health: list[_Part]


class _Result(_Answer):
    id: str
    verb: Verb
    ok: bool
    reason: str
    detail: str = ""


class _Changes(_Answer):
    reason: str
    results: list[_Result]


class _Actions(_Answer):
    actions: dict[str, Irreversibility]


class _Acted(_Answer):
    id: str
    ok: bool
    reason: str
    detail: str = ""


class LabTarget:
    """One lab, which is an Operator, too. Keeps one connection; `close` ends it."""

    at_once = 1

    def __init__(self, name: str, url: str, *, timeout_ms: int = 5_000) -> None:
        self.name = name
        self._url = url
        limits = httpx.Limits(max_connections=4, max_keepalive_connections=2)
        self._http = httpx.Client(base_url=url, timeout=timeout_ms / 1_000, limits=limits, trust_env=False, verify=trusted())

    @classmethod
    def from_settings(cls, name: str, settings: LabSettings, embedded_url: str) -> LabTarget:
        """`embedded_url` is the lab of this home, for settings that name none."""
        return cls(name, settings.url or embedded_url, timeout_ms=settings.timeout_ms)

    def close(self) -> None:
        self._http.close()

    def observe(self, unit: str) -> Observed:
        seen = self._see(unit)
        live = {i: body_digest(spec) for i, spec in seen.objects.items()}
        return Observed(unit, seen.generation, seen.revision, live, seen.inventory)

    def inventory(self) -> Mapping[str, str]:
        return self._get(_Inventory, "/inventory").objects

    def plan(self, rendered: Rendered, revision: str, generation: int, *, shown: bool = True) -> Plan:
        seen = self._see(rendered.unit)
        live = {i: body_digest(spec) for i, spec in seen.objects.items()}
        observed = Observed(rendered.unit, seen.generation, seen.revision, live, seen.inventory)
        return make_plan(rendered, observed, lambda i: seen.objects.get(i, {}), revision, generation, shown=shown)

    def dry_run(self, plan: Plan) -> ChangeSet:
        return self._send("/dry-run", plan)

    def apply(self, plan: Plan) -> ChangeSet:
        return self._send("/apply", plan)

    def health(self, unit: str) -> Sequence[Health]:
        return [Health(p.id, p.state, p.message) for p in self._get(_Healths, "/health", unit=unit).health]

    def actions(self) -> Mapping[str, Irreversibility]:
        return self._get(_Actions, "/actions").actions

    def operate(self, act: Act, *, dry_run: bool) -> Acted:
        asked = {"id": act.id, "unit": act.unit, "action": act.action, "component": act.component, "dryRun": dry_run}
        answer = self._call("POST", "/operate", {}, json.dumps(asked).encode())
        acted = self._read(_Acted, "/operate", answer, (200,))
        if acted.id != act.id:
            raise Retryable(f"lab {self.name} answered about another operation than {act.id}")
        return Acted(acted.ok, acted.reason, acted.detail)

    def _see(self, unit: str) -> _Seen:
        return self._get(_Seen, "/observe", unit=unit)

    def _get(self, kind: type[A], path: str, **query: str) -> A:
        return self._read(kind, path, self._call("GET", path, query, None), (200,))

    def _send(self, path: Literal["/apply", "/dry-run"], plan: Plan) -> ChangeSet:
        changes = self._read(_Changes, path, self._call("POST", path, {}, _body(plan)), (200, 409))
        results = tuple(StepResult(r.id, r.verb, r.ok, r.reason, r.detail) for r in changes.results)
        missing = {s.id for s in plan.steps} - {r.id for r in results}
        if changes.reason == Reason.APPLIED.value and missing:
            raise Retryable(f"lab {self.name} did not say what became of {min(missing)}", next_step="the round is repeated")
        return ChangeSet(plan.unit, self.name, plan.revision, plan.generation, results, changes.reason)

    def _call(self, method: str, path: str, query: Mapping[str, str], body: bytes | None) -> tuple[int, bytes]:
        headers = {"content-type": "application/json"} if body else {}
        try:
            with self._http.stream(method, path, params=query, content=body, headers=headers) as response:
                return response.status_code, _capped(response)
        except httpx.HTTPError as error:
            raise Retryable(
                f"lab {self.name} at {self._url} does not answer {method} {path}: {type(error).__name__}",
                next_step="look whether it runs: homeostat status",
            ) from error

    def _read(self, kind: type[A], path: str, answer: tuple[int, bytes], fine: tuple[int, ...]) -> A:
        status, data = answer
        if status not in fine:
            message = f"lab {self.name} answered {status} to {path}: {data[:300].decode(errors='replace')}"
            if 400 <= status < 500:
                raise Permanent(message, next_step="compare the releases of Homeostat and its lab")
            raise Retryable(message)
        try:
            return kind.model_validate_json(data)
        except ValidationError as error:
            raise Retryable(f"lab {self.name} gave an unreadable answer to {path}: {error.errors()[0]['msg']}") from error


def _capped(response: httpx.Response) -> bytes:
    """The body, at most MAX_ANSWER bytes of it."""
    data = bytearray()
    for part in response.iter_bytes():
        data += part
        if len(data) > MAX_ANSWER:
            raise httpx.DecodingError(f"more than {MAX_ANSWER} bytes", request=response.request)
    return bytes(data)


def _body(plan: Plan) -> bytes:
    needed = {s.id for s in plan.steps if s.verb is not Verb.PRUNE}
    return json.dumps(
        {
            "unit": plan.unit,
            "revision": plan.revision,
            "generation": plan.generation,
            "steps": [{"verb": s.verb.value, "id": s.id} for s in plan.steps],
            "objects": [{"id": o.id, "spec": o.spec, "digest": o.digest} for o in plan.objects if o.id in needed],
        }
    ).encode()
