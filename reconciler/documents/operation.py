"""Operation: a one-shot act as a file under `operations/`, append-only. It runs at most once, ever, per name.

In: one document that was merged. Out: a frozen model for converge, which checks that it has not expired and that the
log holds neither its start nor its end. The name is the identity: a new act is a new file.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from reconciler.documents.base import NAME, Document, Spec
from reconciler.model.proposals import Irreversibility

COMPONENT = r"^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?(/[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?){0,2}$"


class OperationSpec(Spec):
    """What is done to whom, and until when."""

    action: str = Field(pattern=NAME, description="The act, as the target names it; an unknown one is refused.")
    unit: str = Field(pattern=NAME, description="The unit whose target does it.")
    component: str = Field(
        pattern=COMPONENT,
        max_length=400,
        description="The component it is done to: its name, with slashes before it as much more as tells it from others.",
    )
    expires_ms: int = Field(ge=0, description="Milliseconds under the Clock after which it is not started any more.")
    irreversibility: Irreversibility = Field(
        default=Irreversibility.IRREVERSIBLE,
        strict=False,
        description="`costly` or `irreversible`; default irreversible, so that a person decides.",
    )
    incident: str = Field(default="", max_length=200, description="The incident it was proposed for; default none.")


class Operation(Document):
    """One act."""

    kind: Literal["Operation"] = Field(description="Always `Operation`.")
    spec: OperationSpec = Field(description="What, on whom, until when.")
