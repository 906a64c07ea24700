"""A real bare repository, real keys, and short words to write history with."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from reconciler.adapters.repos.pygit import PygitRepo
from reconciler.documents.installation import Unit
from reconciler.ports.repo import MACHINE, Identity
from reconciler.testing.signing import MemorySigner

ALICE = Identity("Alice", "alice@example.org")


def service(name: str, replicas: int = 1) -> bytes:
    return f"""apiVersion: lab.homeostat/v1
kind: Service
metadata:
  name: {name}
spec:
  replicas: {replicas}
""".encode()


def unit(name: str, **more: object) -> Unit:
    return Unit.model_validate_json(json.dumps({"name": name, "path": f"apps/{name}", "target": "lab", **more}))


@dataclass
class History:
    """Commits on one branch; `keys` are real Ed25519 keys by name."""

    repo: PygitRepo
    head: str = ""
    keys: dict[str, MemorySigner] = field(default_factory=dict)
    time_ms: int = 1_000_000

    def key(self, name: str) -> MemorySigner:
        return self.keys.setdefault(name, MemorySigner("author", name))

    def commit(
        self,
        files: Mapping[str, bytes | None],
        *,
        who: Identity = ALICE,
        signed_by: str = "",
        message: str = "Change something",
        base: str | None = None,
        also: Sequence[str] = (),
    ) -> str:
        self.time_ms += 1_000
        signer = self.key(signed_by) if signed_by else None
        base = self.head if base is None else base
        self.head = self.repo.write(base, files, message, who, self.time_ms, signer, also=also)
        return self.head

    def machine(self, files: Mapping[str, bytes | None], *, signed_by: str = "machine", who: Identity = MACHINE) -> str:
        return self.commit(files, who=who, signed_by=signed_by, message="Roll back checkout\n\nHomeostat-Incident: i1\n")
