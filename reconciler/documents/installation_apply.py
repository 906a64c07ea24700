"""How a unit's objects are put on a cluster: in whose name, what is taken over, and whose a contested field is."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from reconciler.documents.base import Spec

ACCOUNT = r"^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?/[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?)?$"


ANYWHERE = "*"
SPACE = r"^(\*|[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)$"


class FieldOwner(Spec):
    """Whose one field is. The last rule that matches counts; it holds for the diff, the apply and what is shown alike."""

    owner: Literal["git", "theirs", "refuse"] = Field(
        description="`git` puts the field back, `theirs` neither sends nor compares it, `refuse` leaves an object alone when "
        "somebody else writes the field, and says so."
    )
    kind: str = Field(
        default="", max_length=300, description="`Kind.group` (`Deployment.apps`, `ConfigMap`). Default empty: every kind."
    )
    name: str = Field(
        default="", max_length=253, description="The object's name; `*` stands for anything. Default empty: every name."
    )
    path: str = Field(
        default="",
        max_length=500,
        pattern=r"^(/.*)?$",
        description="The field and everything below it, as plans show it: `/spec/template/spec/containers[name=web]/image`. "
        "Default empty: the whole object.",
    )
    manager: str = Field(
        default="",
        max_length=128,
        description="Only while this field manager writes it; `*` stands for anything. Default empty: whoever writes it.",
    )

    @model_validator(mode="after")
    def _gives_something_away(self) -> Self:
        if self.owner == "theirs" and not self.path:
            raise ValueError("owner `theirs` needs a path: to give a whole object away, take it out of the unit")
        return self


class Apply(Spec):
    """In a cluster."""

    service_account: str = Field(
        default="",
        pattern=ACCOUNT,
        description="`namespace/name` of the service account in whose name the unit is applied; it needs every right that the "
        "unit's objects need. Default empty: Homeostat's own.",
    )
    namespaces: tuple[Annotated[str, Field(pattern=SPACE)], ...] = Field(
        default=(),
        max_length=200,
        description="The only namespaces that the unit's objects may be in. An object elsewhere, or in no namespace, refuses the "
        "whole unit before anything is applied. `*` alone: anywhere. Default empty: the service account's own namespace; without "
        "a service account anywhere.",
    )
    adopt: bool = Field(
        default=False,
        description="Whether objects are taken over that exist already and that somebody else writes. Off, they are refused with "
        "the name of who writes them. Default false.",
    )
    fields: tuple[FieldOwner, ...] = Field(
        default=(),
        max_length=200,
        description="Whose a field is that Git names and others write, too. What a scaler sets through the scale subresource is "
        "its own without a rule. Default none: everything that Git names is Git's.",
    )

    @model_validator(mode="after")
    def _anywhere_is_everything(self) -> Self:
        if ANYWHERE in self.namespaces and len(self.namespaces) > 1:
            raise ValueError("namespaces: `*` is everywhere and stands alone; remove it or the others")
        return self

    @property
    def confined_to(self) -> tuple[str, ...]:
        """The namespaces that the unit may not leave; none: it may be anywhere."""
        if not self.namespaces and self.service_account:
            return (self.service_account.partition("/")[0],)
        return () if ANYWHERE in self.namespaces else self.namespaces
