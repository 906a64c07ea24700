"""A new object, of which its controller has said nothing yet: whatever its kind, that is no failure, and no riddle."""

from typing import cast

from reconciler.documents import Loaded, load
from reconciler.documents.health_rule import HealthRule
from reconciler.health import HealthBook, library_files, library_text
from reconciler.model.revisions import HealthState

BOOK = HealthBook()
AWAITED = (HealthState.PROGRESSING, HealthState.HEALTHY)  # the latter of kinds whose controllers say nothing


def new_objects() -> list[dict[str, object]]:
    found: list[dict[str, object]] = []
    for name in library_files():
        for loaded in load(library_text(name) or b"", name):
            spec = cast("Loaded[HealthRule]", loaded).document.spec
            group = spec.group.replace("*", "sample")
            for kind in spec.kinds:
                version = f"{group}/v1" if group else "v1"
                metadata = {"name": "sample", "generation": 1}
                found.append({"apiVersion": version, "kind": kind.replace("*", "Sample"), "metadata": metadata, "spec": {"a": 1}})
    return found


def test_an_object_without_a_status_is_on_its_way_or_needs_none() -> None:
    said = {f"{item['kind']} of {item['apiVersion']}": BOOK.judge(item).state for item in new_objects()}

    assert len(said) > 700
    assert {name: state.value for name, state in said.items() if state not in AWAITED} == {}
