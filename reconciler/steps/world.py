"""World: everything a step may touch, as ports, assembled once by `bootstrap`.

Nothing here is a third-party client. What changes from turn to turn is asked for, never kept: the documents in force
(`rules.at(commit)`), the folded log (`ledger.facts()`), the applied state (`converger`). Each re-reads only what is new.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from reconciler.documents.installation import Installation
from reconciler.documents.playbook import Playbook
from reconciler.documents.quorum import Quorum
from reconciler.documents.sensor import Sensor
from reconciler.ports.clock import Clock
from reconciler.ports.forge import Forge
from reconciler.ports.notifier import Notifier
from reconciler.ports.repo import Repo
from reconciler.ports.signing import Signer, Verifier
from reconciler.ports.store import Store
from reconciler.ports.target import Target
from reconciler.ports.telemetry import Telemetry
from reconciler.ports.voter import Voter
from reconciler.ports.work import Work
