"""People: the Trust documents of one revision as one directory: whose key, whose address, who may do what.

Keys are compared without their comment, addresses without case. A key counts at a log position: from `revokedAt` on it
counts for nothing, whatever date a commit claims. No Trust document means nobody is known and the mode is `warn`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Literal

from reconciler.documents.loader import Loaded
from reconciler.documents.trust import Key, MachineKey, Principal, Role, Trust
from reconciler.errors import Misconfigured

MachineRole = Literal["author", "judge", "log", "review"]


def key_body(public: str) -> str:
    """Type and body of an OpenSSH line, without the comment: what makes two lines the same key."""
    return " ".join(public.split()[:2])


@dataclass(frozen=True)
class People:
    """The directory. Built by `people`, which refuses two owners of one name, key or address."""

    principals: tuple[Principal, ...] = ()
    enforce: bool = False
    machine: tuple[MachineKey, ...] = ()
    places: tuple[tuple[str, str], ...] = ()  # principal name to file:line
    _by_token: dict[str, Principal] = field(default_factory=dict, repr=False, compare=False)

    def named(self, name: str) -> Principal | None:
        return self._by_token.get(f"name:{name}")

    def of_email(self, email: str) -> Principal | None:
        return self._by_token.get(f"email:{email.strip().casefold()}")

    def of_key(self, public: str, at: int) -> Principal | None:
        """Whose key this is at log position `at`; None for an unknown key and for one revoked at or before it."""
        person = self._by_token.get(f"key:{key_body(public)}")
        keys = [key for key in person.keys if key_body(key.public) == key_body(public)] if person else []
        return person if keys and all(_counts(key, at) for key in keys) else None

    def may(self, name: str, role: Role, units: Sequence[str] = ()) -> bool:
        """Whether a person has a role; approve and merge only if every one of these units is theirs."""
        person = self.named(name)
        if person is None or role not in person.roles:
            return False
        if role in (Role.POLICY, Role.OPERATE):
            return True
        return all(any(fnmatchcase(unit, pattern) for pattern in person.units) for unit in units or ("",))

    def in_group(self, name: str, group: str) -> bool:
        person = self.named(name)
        return person is not None and group in person.groups

    def machine_keys(self, role: MachineRole, at: int) -> tuple[str, ...]:
        """The machine's public keys for a role that count at a log position."""
        return tuple(key.public for key in self.machine if key.role == role and _counts(key, at))

    def place(self, name: str) -> str:
        """Where a person is written down."""
        return dict(self.places).get(name, "")


def people(documents: Sequence[Loaded[Trust]]) -> People:
    """One directory of all Trust documents; Misconfigured when something has two owners."""
    by_token: dict[str, Principal] = {}
    places: list[tuple[str, str]] = []
    for item in documents:
        for index, person in enumerate(item.document.spec.principals):
            for token in _tokens(person):
                if token in by_token:
                    where = item.locate("spec", "principals", index)
                    raise Misconfigured(f"{token.partition(':')[2]!r} already belongs to {by_token[token].name!r}", where=where)
                by_token[token] = person
            places.append((person.name, item.at("spec", "principals", index)))
    specs = [item.document.spec for item in documents]
    return People(
        principals=tuple(person for spec in specs for person in spec.principals),
        enforce=any(spec.mode == "enforce" for spec in specs),
        machine=tuple(key for spec in specs for key in spec.machine),
        places=tuple(places),
        _by_token=by_token,
    )


def _counts(key: Key | MachineKey, at: int) -> bool:
    return key.revoked_at is None or at < key.revoked_at


def _tokens(person: Principal) -> Iterator[str]:
    yield f"name:{person.name}"
    yield from {f"email:{email.casefold()}" for email in person.emails}
    yield from {f"key:{key_body(key.public)}" for key in person.keys}
