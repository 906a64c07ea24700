"""Home: the fixed paths of one installation's folder. Standard library only, so that reading verbs start at once."""

from __future__ import annotations

from pathlib import Path

MACHINE_NAME = "Homeostat"
MACHINE_EMAIL = "homeostat@machine.invalid"
BRANCH = "main"
INSTALLATION = "homeostat.yaml"


class Home:
    """The fixed paths below one home folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.repository = root / "infra.git"
        self.keys = root / "keys"
        self.store = root / "state.db"
        self.telemetry = root / "telemetry"
        self.memory = root / "memory.db"
        self.log_templates = root / "log-templates.json"
        self.traces = root / "traces.json"
        self.choices = root / "choices.json"
        self.runs = root / "runs"
        self.failures = root / "failures.json"
        self.pool = root / "pool.json"
        self.lab = root / "lab"
        self.checkpoint = root / "checkpoint"
        self.clock = root / "clock"
        self.settings = root / "settings.yaml"
        self.secret = root / "secrets" / "webhook"
        self.logins = root / "secrets" / "logins.json"
        self.sessions = root / "secrets" / "sessions.json"
        self.pages = root / "pages.jsonl"
        self.running = root / "running.json"
        self.pinned = root / "pinned.json"

    def key(self, role: str) -> Path:
        return self.keys / f"{role}.key"

    @property
    def exists(self) -> bool:
        return self.repository.is_dir() and self.keys.is_dir()
