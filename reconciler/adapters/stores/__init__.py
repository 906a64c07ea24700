"""The embedded store and work table: one SQLite file behind `ports.store.Store` and `ports.work.Work`.

Importing this package costs the standard library's sqlite3 only: the SQLModel rows are loaded when a store is made
or migrated, never when a command merely reads one.
"""

from reconciler.adapters.stores.copies import backup, restore
from reconciler.adapters.stores.schema import SCHEMA_VERSION, migrate
from reconciler.adapters.stores.store import Backlog, SqliteStore

__all__ = ["SCHEMA_VERSION", "Backlog", "SqliteStore", "backup", "migrate", "restore"]
