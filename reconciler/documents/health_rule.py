"""HealthRule: what "healthy" means for one kind of Kubernetes object; HealthCases: its tests. Both live in `health/`.

A rule is a list of states, each with a CEL condition; the first that is true decides. What no state covers is left to
inference from the object's conditions, phases and generation. The same format holds the library that Homeostat ships, and a
rule in Git replaces the shipped one of the same kind. Before any rule, for every kind: an object that is being deleted, or
whose status speaks of an older generation, is progressing.

The conditions are compiled by `reconciler.health` against `HEALTH_VARIABLES`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, JsonValue

from reconciler.documents.base import Document, Spec
from reconciler.expressions import CelType
from reconciler.model.revisions import HealthState

HEALTH_VARIABLES: Mapping[str, CelType] = {
    "word": CelType.STRING,  # the text at `spec.word`, "" when there is none
    "isTrue": CelType.STRINGS,  # types of the conditions whose status is True
    "isFalse": CelType.STRINGS,
    "isUnknown": CelType.STRINGS,  # every other status
    "reasons": CelType.TEXTS,  # condition type to reason; "" where the condition gives none
    "messages": CelType.TEXTS,
    "metadata": CelType.OBJECT,
    "spec": CelType.OBJECT,  # empty when the object has none, as `status` is
    "status": CelType.OBJECT,
    "object": CelType.OBJECT,  # the whole object, for kinds that keep state elsewhere
}

KIND = r"^([A-Za-z][A-Za-z0-9]{0,62}|\*)$"
GROUP = r"^(\*\.)?[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$|^$"
Type = Annotated[str, Field(min_length=1, max_length=200)]


class HealthClause(Spec):
    """One state and when it holds."""

    state: HealthState = Field(strict=False, description="`healthy`, `progressing`, `degraded`, `suspended`, `unknown`.")
    when: str = Field(
        min_length=1,
        max_length=2_000,
        description="CEL condition over `word`, `isTrue`, `isFalse`, `isUnknown`, `reasons`, `messages`, `metadata`, `spec`, "
        "`status` and `object`. An error makes the object unknown.",
    )
    says: str = Field(default="", max_length=200, description="What people read. Default: what the object itself says about it.")
    despite: tuple[Type, ...] = Field(
        default=(),
        max_length=10,
        description="Conditions and top fields of the status (`status.errors`) that may contradict `healthy`, such as Ready of "
        "a Pod that has completed. Default none: an object whose Ready or Available is False, or of which a condition, a word "
        "or an error tells of failure, is never called healthy.",
    )


class HealthRuleSpec(Spec):
    """Which objects, and the states in the order in which they are asked."""

    group: str = Field(pattern=GROUP, description='API group; "" is the core group, `*.example.org` every group below it.')
    kinds: tuple[Annotated[str, Field(pattern=KIND)], ...] = Field(
        min_length=1, max_length=100, description="Kinds of the group, or `*` for all that no other rule names."
    )
    word: str = Field(
        default="status.phase",
        pattern=r"^[A-Za-z][A-Za-z0-9_-]*(\.[A-Za-z0-9_-]+){0,5}$",
        description="Dotted path of the text that conditions see as `word`. Default status.phase.",
    )
    states: tuple[HealthClause, ...] = Field(
        default=(), max_length=20, description="Asked in order; the first that is true decides. Put degraded first."
    )
    otherwise: Literal["infer", "progressing", "degraded", "suspended", "unknown"] = Field(
        default="infer", description="When no state holds. Default `infer`: from conditions, phases and counts."
    )
    any_generation: bool = Field(
        default=False,
        description="Whether an observedGeneration behind the generation is no sign of waiting, for controllers that do not "
        "keep it up to date. Default false.",
    )


class HealthRule(Document):
    """What healthy means for some kinds of one API group."""

    kind: Literal["HealthRule"] = Field(description="Always `HealthRule`.")
    spec: HealthRuleSpec = Field(description="Kinds and states.")


class HealthCase(Spec):
    """One object and the state that must come out."""

    name: str = Field(min_length=1, max_length=200, description="What this case shows, as a sentence.")
    object: dict[str, JsonValue] = Field(description="The object as the API server returns it, as far as it matters.")
    expect: HealthState = Field(strict=False, description="The state.")
    says: str = Field(default="", max_length=200, description="A part of the message. Default: any message.")


class HealthCasesSpec(Spec):
    """The cases of the rules in one file."""

    cases: tuple[HealthCase, ...] = Field(min_length=1, max_length=200, description="The cases.")


class HealthCases(Document):
    """Tests of health rules: `X.cases.yaml` beside `X.yaml`, run by `homeostat health test`."""

    kind: Literal["HealthCases"] = Field(description="Always `HealthCases`.")
    spec: HealthCasesSpec = Field(description="The cases.")
