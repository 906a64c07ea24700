"""The table of verbs: everything is explained, nothing heavy is imported, wrong usage says so."""

import argparse
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from reconciler.cli.common import duration_ms, left, table
from reconciler.cli.inert import inert
from reconciler.cli.parser import build, parse
from reconciler.errors import Misconfigured
from reconciler.testing.clock import ManualClock

HEAVY = ("pygit2", "numpy", "pydantic", "httpx", "sqlmodel", "sqlalchemy", "fastapi", "cryptography", "yaml")


def verbs(parser: argparse.ArgumentParser, name: str = "") -> Iterator[tuple[str, argparse.ArgumentParser]]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for verb, found in action.choices.items():
                yield f"{name} {verb}".strip(), found
                yield from verbs(found, f"{name} {verb}".strip())


VERBS = dict(verbs(build()))


def test_the_promised_verbs_are_there() -> None:
    promised = "init up status why plan reconcile pr brake policy playbook audit replay panic backup restore migrate login demo"
    assert set(promised.split()) <= set(VERBS)


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_examples_that_parse(verb: str) -> None:
    text = VERBS[verb].epilog or ""
    examples = [shlex.split(re.split(r" {3,}", line.strip())[0]) for line in text.splitlines()[1:]]
    assert examples, verb
    for words in examples:
        assert parse(words[words.index("homeostat") + 1 :]).verb


@pytest.mark.parametrize("verb", VERBS)
def test_every_argument_of_a_verb_but_its_plain_number_says_what_it_is(verb: str) -> None:
    silent = [a.dest for a in VERBS[verb]._actions if not a.help and a.dest != "number" and not a.dest.startswith("verb_")]
    assert silent == []


@pytest.mark.parametrize("verb", [name for name, parser in VERBS.items() if parser.get_default("run")])
def test_every_verb_leads_to_a_function(verb: str) -> None:
    run = VERBS[verb].get_default("run")
    module, _, function = run.__closure__[0].cell_contents.partition(":")
    assert callable(getattr(import_module(module), function))


def test_help_imports_nothing_heavy() -> None:
    asked = "from reconciler.cli.parser import build; build().format_help()"
    code = f"import sys; {asked}; print([m for m in {HEAVY} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"


def test_wrong_usage_leaves_with_two() -> None:
    with pytest.raises(SystemExit) as left_with:
        parse(["no-such-verb"])
    assert left_with.value.code == 2


def test_a_mistyped_verb_is_answered_with_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    for words, meant in ((["statsu"], "status"), (["pr", "lst"], "list"), (["brake", "of"], "off")):
        with pytest.raises(SystemExit) as left_with:
            parse(words)
        assert left_with.value.code == 2
        said = capsys.readouterr().err
        assert f"did you mean '{meant}'?" in said
        assert "choose from" not in said


def test_a_verb_that_is_like_no_other_leads_to_the_list(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse(["pr", "xyzzy"])
    assert "there is no verb 'xyzzy' (homeostat pr --help lists all)" in capsys.readouterr().err


@pytest.mark.parametrize("words", [[], ["pr"], ["brake"], ["audit"]])
def test_no_verb_at_all_gets_the_list_and_leaves_with_two(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left_with:
        parse(words)
    assert left_with.value.code == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert all(f"  {verb.split()[-1]} " in said.err for verb in VERBS if verb.split()[:-1] == words)


def test_what_every_call_may_say_stands_before_the_verb_or_behind_it() -> None:
    for words in (["--json", "--home", "/h", "pr", "list"], ["pr", "list", "--json", "--home", "/h"]):
        found = parse(words)
        assert (found.json, found.home, found.verbose) == (True, Path("/h"), False)
    assert parse(["--json", "status"]).json, "behind the verb nothing was said, so what stood before it stays"
    assert not parse(["status"]).json


def test_an_empty_home_variable_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOMEOSTAT_HOME", "")
    assert parse(["status"]).home == Path(".homeostat")


def test_a_pull_request_is_named_as_it_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert [parse(["pr", "show", text]).number for text in ("3", "#3")] == [3, 3]
    with pytest.raises(SystemExit):
        parse(["pr", "approve", "three"])
    assert "'three' is no number of a pull request (homeostat pr list)" in capsys.readouterr().err


@pytest.mark.parametrize("verb", [["audit", "log"], ["history", "shop"], ["runbooks", "search", "disk"]])
@pytest.mark.parametrize("limit", ["0", "-1", "many"])
def test_a_list_has_at_least_one_line(verb: list[str], limit: str, capsys: pytest.CaptureFixture[str]) -> None:
    """`audit log --limit -1` left out everything but the newest."""
    with pytest.raises(SystemExit):
        parse([*verb, f"--limit={limit}"])
    assert f"'{limit}' is no number from 1 on" in capsys.readouterr().err
    assert parse([*verb, "--limit=7"]).limit == 7


@pytest.mark.parametrize(
    ("text", "ms"), [("30s", 30_000), ("5m", 300_000), ("2h", 7_200_000), ("1d", 86_400_000), ("250ms", 250)]
)
def test_a_duration_is_a_number_and_a_unit(text: str, ms: int) -> None:
    assert duration_ms(text) == ms


@pytest.mark.parametrize("text", ["", "5", "m", "-5m", "5 m", "5w", "1e3s", "99999999s", "5m\n5m"])
def test_anything_else_is_no_duration(text: str) -> None:
    with pytest.raises(Misconfigured, match="is no duration"):
        duration_ms(text)


def test_a_table_pads_all_columns_but_the_last() -> None:
    assert table([("a", "bb", "c"), ("aaa", "b", "")]) == "a    bb  c\naaa  b"


def test_what_is_left_is_told_in_the_unit_that_fits() -> None:
    clock = ManualClock()
    now = clock.now()
    assert [left(clock, now + ms) for ms in (90_000, 300_000, 7_200_000, 864_000_000)] == [
        "90s left",
        "5m left",
        "2h left",
        "10d left",
    ]
    assert left(clock, now - 1) == "0s left"


def test_a_terminal_is_shown_control_characters_and_does_not_obey_them() -> None:
    assert inert("a\x1b[31mred\x07\u202eb\x9b") == "a\\u001b[31mred\\u0007\\u202eb\\u009b"
    assert inert("Größe\n\tüber") == "Größe\n\tüber"
