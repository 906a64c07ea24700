"""Trust: who people are (e-mails, SSH public keys), what they may approve, and which keys are the machine's.

A fresh installation is in `warn` for people's commits: they are admitted because they came through the protected branch.
`enforce` wants a signature by a key listed here. Machine commits are always enforced. A key is revoked by log position,
never by date: a stolen key can write any date.
"""

from __future__ import annotations

import enum
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from reconciler.documents.base import NAME, Document, Spec
from reconciler.documents.matching import Glob

SSH_KEY = r"^ssh-ed25519 [A-Za-z0-9+/]{60,80}={0,2}( [^\s]{1,100})?$"
EMAIL = r"^[^\s@<>]{1,100}@[^\s@<>]{1,100}$"


class Role(enum.StrEnum):
    """What a person may do."""

    APPROVE = "approve"  # review repairs: their approval counts
    MERGE = "merge"  # land pull requests
    POLICY = "policy"  # approve and land edits of policies, playbooks, trust and homeostat.yaml
    OPERATE = "operate"  # brake, holds, panic, accept a rewritten branch


class Key(Spec):
    """One public key."""

    public: str = Field(pattern=SSH_KEY, description="The OpenSSH line, as in `~/.ssh/id_ed25519.pub`. Ed25519 only.")
    revoked_at: int | None = Field(
        default=None, ge=0, description="Log position from which the key counts for nothing. Default: it is not revoked."
    )


class Principal(Spec):
    """One person, however many keys and addresses they have."""

    name: str = Field(pattern=NAME, description="The name in reviews and records. Unique over all Trust documents.")
    emails: tuple[Annotated[str, Field(pattern=EMAIL)], ...] = Field(
        default=(), max_length=20, description="Addresses on their commits. Default none."
    )
    keys: tuple[Key, ...] = Field(default=(), max_length=20, description="Keys they sign commits and reviews with. Default none.")
    groups: tuple[Annotated[str, Field(pattern=NAME)], ...] = Field(
        default=(), max_length=20, description="Groups that a MergePolicy can ask for. Default none."
    )
    roles: tuple[Role, ...] = Field(default=(), max_length=10, description="What they may do. Default nothing.")
    units: tuple[Glob, ...] = Field(
        default=("*",), min_length=1, max_length=100, description="Units for which approve and merge hold. Default `*`: all."
    )


class MachineKey(Spec):
    """One of the machine's public keys, by what it signs."""

    role: Literal["author", "judge", "log", "review"] = Field(
        description="`author` signs commits, `judge` verdicts, `log` checkpoints, `review` reviews made on the page."
    )
    public: str = Field(pattern=SSH_KEY, description="The OpenSSH line. Ed25519 only.")
    revoked_at: int | None = Field(
        default=None, ge=0, description="Log position from which the key counts for nothing. Default: it is not revoked."
    )


class TrustSpec(Spec):
    """Who is believed, for what."""

    mode: Literal["warn", "enforce"] = Field(
        default="warn",
        description="People's commits: `warn` admits them with a warning because they came through the protected branch, "
        "`enforce` wants a trusted signature. Several documents: the strictest. Default warn, so that starting locks nobody out.",
    )
    principals: tuple[Principal, ...] = Field(default=(), max_length=1_000, description="The people. Default none.")
    machine: tuple[MachineKey, ...] = Field(
        default=(), max_length=50, description="The machine's keys. Default: those that init pinned."
    )

    @model_validator(mode="after")
    def _one_owner(self) -> Self:
        owned: dict[str, str] = {}
        for index, person in enumerate(self.principals):
            tokens = (person.name, *(e.casefold() for e in person.emails), *(" ".join(k.public.split()[:2]) for k in person.keys))
            for token in tokens:
                if token in owned:
                    raise ValueError(f"principals[{index}]: {token!r} already belongs to {owned[token]!r}")
                owned[token] = person.name
        return self


class Trust(Document):
    """Who is believed, for what."""

    kind: Literal["Trust"] = Field(description="Always `Trust`.")
    spec: TrustSpec = Field(description="Who is believed, for what.")
