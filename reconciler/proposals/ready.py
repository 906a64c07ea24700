"""A playbook made ready: its trigger compiled, so that a wrong one is an error when it is loaded and not at night."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from reconciler.documents.loader import Loaded
from reconciler.documents.playbook import TRIGGER_VARIABLES, Playbook, PlaybookSpec
from reconciler.expressions import Condition, compile_condition

Parameters = Mapping[str, int | str]


@dataclass(frozen=True, slots=True)
class Ready:
    """A loaded playbook with its compiled trigger and its place in the repository."""

    playbook: Playbook
    trigger: Condition
    where: str  # file:line of the trigger

    @property
    def name(self) -> str:
        return self.playbook.metadata.name

    @property
    def spec(self) -> PlaybookSpec:
        return self.playbook.spec

    def variants(self) -> Iterator[Parameters]:
        """The default parameters, then each smaller variant."""
        defaults = {name: parameter.default for name, parameter in self.spec.parameters.items()}
        yield defaults
        for smaller in self.spec.smaller:
            yield {**defaults, **smaller}


def ready(loaded: Loaded[Playbook]) -> Ready:
    """Compiles the trigger; Misconfigured at its place when it does not."""
    condition = compile_condition(loaded.document.spec.when, TRIGGER_VARIABLES, loaded.locate("spec", "when"))
    return Ready(loaded.document, condition, loaded.at("spec", "when"))
