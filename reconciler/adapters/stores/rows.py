"""The tables of the store, as SQLModel rows: the one description from which a store is made and migrated.

Rows are never domain objects: they skip validation, so nothing outside this package sees one. `mapping.py` turns
what is read into frozen values. The description only grows: new tables, new columns with a server default. That is
what lets `schema.migrate` bring any older store up by adding what is missing, and lets an older file be read.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Index, MetaData, text
from sqlmodel import Field, SQLModel


class Row(SQLModel):
    """Base of all rows; its own metadata, so that no other user of SQLModel adds tables to the store."""

    metadata = MetaData()


def _column(default: str = "") -> Any:
    return Field(sa_column_kwargs={"server_default": text(default or "''")})


class SchemaRow(Row, table=True):
    """One row: which description this file was last brought up to."""

    __tablename__ = "schema_version"
    id: int = Field(primary_key=True)
    version: int


class SignalRow(Row, table=True):
    """An accepted signal; `seq` is the order of arrival, `body` its canonical JSON, `case_id` where it went."""

    __tablename__ = "signal"
    __table_args__ = (
        Index("signal_pending", "seq", sqlite_where=text("state = 'pending'")),
        Index("signal_received", "received_ms"),
    )
    seq: int | None = Field(default=None, primary_key=True)
    id: str = Field(unique=True)
    body: str
    received_ms: int
    state: str = _column("'pending'")
    case_id: str = _column()
    reason: str = _column()


class CaseRow(Row, table=True):
    """A case, and the lease of whoever is taking its next step."""

    __tablename__ = "incident_case"
    __table_args__ = (
        Index("case_due", "due_ms", sqlite_where=text("stage <> 'done'")),
        Index("case_leased", "lease_until_wall", sqlite_where=text("lease_until_wall > 0")),
        Index("case_opened", "opened_ms"),
    )
    id: str = Field(primary_key=True)
    repository: str
    target: str
    fingerprint: str
    stage: str
    due_ms: int
    opened_ms: int
    data: str
    reason: str = _column()
    detail: str = _column()
    attempts: int = _column("0")
    version: int = _column("0")
    lease_owner: str = _column()
    lease_until_wall: int = _column("0")
    fence: int = _column("0")


class OutboxRow(Row, table=True):
    """A record waiting for the log. After publication the key stays, so that it is never written again."""

    __tablename__ = "outbox"
    __table_args__ = (Index("outbox_waiting", "seq", sqlite_where=text("published = 0")),)
    seq: int | None = Field(default=None, primary_key=True)
    key: str = Field(unique=True)
    body: str
    published: int = _column("0")


class NoteRow(Row, table=True):
    """A small rebuildable fact."""

    __tablename__ = "note"
    key: str = Field(primary_key=True)
    value: str
