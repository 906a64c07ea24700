"""The playbooks that ship: each loads, compiles, and passes the cases beside it."""

import json
from pathlib import Path

import pytest

from reconciler.documents.loader import Loaded, load_one
from reconciler.documents.playbook import Playbook
from reconciler.documents.playbook_cases import PlaybookCases
from reconciler.errors import Misconfigured
from reconciler.proposals import ready, run_cases

LIBRARY = Path(__file__).parents[3] / "playbooks"
NAMES = sorted(p.name.removesuffix(".yaml") for p in LIBRARY.glob("*.yaml") if not p.name.endswith(".cases.yaml"))


def playbook(name: str) -> Loaded[Playbook]:
    return load_one((LIBRARY / f"{name}.yaml").read_bytes(), f"playbooks/{name}.yaml", Playbook)


def cases(name: str) -> Loaded[PlaybookCases]:
    return load_one((LIBRARY / f"{name}.cases.yaml").read_bytes(), f"playbooks/{name}.cases.yaml", PlaybookCases)


def test_the_six_promised_playbooks_are_there() -> None:
    promised = {"rollback-release", "scale-out", "scale-in", "raise-limit", "restart", "lower-retries", "page"}
    assert promised <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_playbook_of_the_library_passes_its_cases(name: str) -> None:
    loaded = playbook(name)
    assert loaded.name == name
    results = run_cases(loaded, cases(name))
    assert [(r.where, r.expected, r.found) for r in results if not r.passed] == []


@pytest.mark.parametrize("name", NAMES)
def test_every_playbook_of_the_library_has_a_case_for_not_acting(name: str) -> None:
    answers = [case.expect for case in cases(name).document.spec.cases]
    assert any(answer.silent or answer.refused is not None for answer in answers)


def test_a_case_that_expects_something_else_fails_and_shows_both() -> None:
    text = (LIBRARY / "scale-out.cases.yaml").read_text().replace("+  replicas: 5", "+  replicas: 6")
    broken = load_one(text.encode(), "c", PlaybookCases)
    first = run_cases(playbook("scale-out"), broken)[0]
    assert not first.passed
    assert ("replicas: 6" in first.expected, "replicas: 5" in first.found) == (True, True)
    assert first.where.startswith("c:")


def test_a_case_that_expects_other_words_of_a_refusal_fails() -> None:
    text = (LIBRARY / "scale-out.cases.yaml").read_text().replace("says: cannot go further", "says: nonsense")
    results = run_cases(playbook("scale-out"), load_one(text.encode(), "c", PlaybookCases))
    assert [r.found for r in results if not r.passed] == ["refused: limit (20 cannot go further within 1 to 20)"]


def test_cases_of_another_playbook_are_refused() -> None:
    with pytest.raises(Misconfigured, match="'scale-in', not 'scale-out'"):
        run_cases(playbook("scale-out"), cases("scale-in"))


def changed(old: str, new: str, name: str = "scale-out") -> Loaded[Playbook]:
    text = (LIBRARY / f"{name}.yaml").read_text()
    assert old in text
    return load_one(text.replace(old, new).encode(), "p.yaml", Playbook)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ('default: "1.5"', 'default: "2.5"', "not within"),
        ('default: "1.5"', "default: 2", "no ratio"),
        ('- ratio: "1.2"', '- ratio: "9"', "smaller"),
        ('- ratio: "1.2"', '- speed: "1.2"', "no parameter is named 'speed'"),
        ("by: ratio", "by: rate", "no parameter is named 'rate'"),
        ("type: ratio", "type: integer", "integer"),
        ("edit: scale", "edit: exec", "exec"),
        ("timeoutSeconds: 180", "timeoutSeconds: 0", "greater than"),
        ("      max: 20\n", "", "missing"),
        ("field: [spec, replicas]", "field: [spec, '../x']", "pattern"),
        ("irreversibility: reversible", "irreversibility: sometimes", "irreversibility"),
        ("coolDownSeconds: 300", "shell: rm", "shell"),
    ],
)
def test_a_playbook_that_leaves_its_types_or_bounds_does_not_load(old: str, new: str, says: str) -> None:
    with pytest.raises(Misconfigured, match=says):
        changed(old, new)


def test_a_playbook_that_edits_without_naming_success_does_not_load() -> None:
    text = (LIBRARY / "restart.yaml").read_text()
    start, end = text.index("  expect:"), text.index("  irreversibility:")
    with pytest.raises(Misconfigured, match="names how success will be seen"):
        load_one((text[:start] + text[end:]).encode(), "p.yaml", Playbook)


def test_an_operation_cannot_be_called_reversible() -> None:
    text = (LIBRARY / "restart.yaml").read_text()
    text = text.replace("    - edit: set\n", "    - edit: operation\n      action: flush-cache\n    - edit: set\n")
    assert load_one(text.encode(), "p.yaml", Playbook).document.spec.irreversibility.value == "costly"
    with pytest.raises(Misconfigured, match="not undone by removing its file"):
        load_one(text.replace("irreversibility: costly", "irreversibility: reversible").encode(), "p.yaml", Playbook)


@pytest.mark.parametrize("when", ["cause", "casue == 'load'", "1 + 1", "now.cpu_usage", "true &&", 'now["cpu_usage"] > "x"'])
def test_a_trigger_that_is_no_condition_is_refused_when_it_is_made_ready(when: str) -> None:
    text = (LIBRARY / "page.yaml").read_text().replace("confidence < 0.5", json.dumps(when))
    loaded = load_one(text.encode(), "p.yaml", Playbook)
    with pytest.raises(Misconfigured) as caught:
        ready(loaded)
    assert caught.value.where.startswith("p.yaml:10:9")
