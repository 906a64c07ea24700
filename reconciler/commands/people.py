"""Person: who acts, proved by a key that Trust lists, or vouched for by a channel that has authenticated them."""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.documents.trust import Role
from reconciler.errors import Misconfigured, Permanent
from reconciler.model.keys import PublicKey
from reconciler.ports.repo import Identity
from reconciler.ports.signing import Signer
from reconciler.steps.office import Office


@dataclass(frozen=True, slots=True)
class Person:
    """A Trust principal. `signer` is their own key; None when the page vouches for them."""

    name: str
    email: str
    channel: str  # "cli" or "page"
    signer: Signer | None = None

    @property
    def identity(self) -> Identity:
        return Identity(self.name, self.email)


def proved(office: Office, name: str, signer: Signer) -> Person:
    """The principal whose key this is, by the Trust document of the protected branch."""
    people = office.people()
    owner = people.of_key(PublicKey(signer.public).line, office.log.size)
    if owner is None or owner.name != name:
        raise Permanent(
            f"the key {signer.key_id} is not one of {name!r} in Trust",
            next_step="give your own key with --key, or add it to policies/trust.yaml",
        )
    return Person(owner.name, owner.emails[0] if owner.emails else f"{owner.name}@localhost", "cli", signer)


def vouched(office: Office, name: str) -> Person:
    """A principal that the page has logged in."""
    owner = office.people().named(name)
    if owner is None:
        raise Permanent(f"{name!r} is not in Trust", next_step="add them to policies/trust.yaml")
    return Person(owner.name, owner.emails[0] if owner.emails else f"{owner.name}@localhost", "page")


def require(office: Office, person: Person, role: Role, units: tuple[str, ...] = ()) -> None:
    """They may, or Permanent says which line of Trust would let them."""
    people = office.people()
    if not people.may(person.name, role, units):
        about = f" for {', '.join(units)}" if units else ""
        raise Misconfigured(
            f"{person.name} has no role {role.value}{about}",
            where=people.place(person.name) or "policies/trust.yaml",
            next_step=f"add {role.value} to their roles",
        )
