"""Every command that the pages name is real: it parses, its target exists, and what needs no server is run in a shell."""

from __future__ import annotations

import argparse
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.bootstrap.library import template
from reconciler.cli.parser import build
from reconciler.cli.reference import verbs

ROOT = Path(__file__).parents[3]
TEMPLATE = ROOT / "infra-repo-template"
PAGES = sorted(
    [ROOT / "README.md", ROOT / "CONTRIBUTING.md", TEMPLATE / "README.md", *ROOT.glob("docs/*.md"), *ROOT.glob("docs/guide/*.md")]
)
BLOCK = re.compile(r"^(?P<mark><!-- run: offline -->\n)?```(?P<kind>[a-z]*)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`(homeostat [^`]+)`")
PLACEHOLDERS = {"N": "3", "INCIDENT": "inc-4f1c2a90be77", "SHA": "9d1e0b7"}


def told(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def homeostat_calls(text: str) -> Iterator[list[str]]:
    """Arguments of every call in a shell block or between backticks."""
    lines = [m["body"] for m in BLOCK.finditer(text) if m["kind"] in ("", "sh")]
    calls = [line.removeprefix("$ ").strip() for body in lines for line in body.replace("\\\n", " ").splitlines()]
    calls += INLINE.findall(BLOCK.sub("", text))
    for call in calls:
        if call.startswith("homeostat "):
            yield [PLACEHOLDERS.get(word, word) for word in shlex.split(call, comments=True)[1:]]


def offline(page: Path) -> str:
    return "".join(m["body"] for m in BLOCK.finditer(told(page)) if m["mark"])


CALLS = [(page.relative_to(ROOT).as_posix(), call) for page in PAGES for call in homeostat_calls(told(page))]
EXAMPLES = [
    (name, shlex.split(line.partition("    ")[0], comments=True))
    for name, parser in verbs()
    for line in (parser.epilog or "").removeprefix("examples:\n").replace("  HOMEOSTAT_HOME=/srv/homeostat ", "").splitlines()
]


def names_of_groups(parser: argparse.ArgumentParser) -> set[str]:
    return {name.split()[0] for name, _ in verbs(parser) if " " in name}


@pytest.mark.parametrize(("page", "call"), CALLS, ids=[f"{page}: {' '.join(call)}" for page, call in CALLS])
def test_a_command_on_a_page_parses(page, call):
    parser = build()
    whole = {name for name, _ in verbs(parser)} | names_of_groups(parser)
    if " ".join(call) in whole:
        return  # the page names the verb and not a call
    parser.parse_args(call)


@pytest.mark.parametrize(("name", "words"), EXAMPLES, ids=[" ".join(words) for _, words in EXAMPLES])
def test_an_example_in_the_help_parses_as_its_verb(name, words):
    assert words[0] == "homeostat"
    assert build().parse_args(words[1:]).verb == name


@pytest.mark.parametrize("name", [name for name, _ in verbs()])
def test_a_verb_has_the_function_that_it_names(name):
    words = dict(verbs())[name].get_default("run").__closure__
    target = next(cell.cell_contents for cell in words if isinstance(cell.cell_contents, str))
    module, _, function = target.partition(":")
    __import__(module)
    assert callable(getattr(sys.modules[module], function))


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_a_make_target_on_a_page_exists(page):
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    named = re.findall(r"(?:^|`)make ([a-z]+)", told(page), re.MULTILINE)
    assert set(named) <= targets


def shell(script: str, folder: Path) -> subprocess.CompletedProcess[str]:
    inherited = {key: value for key, value in os.environ.items() if not key.startswith(("GIT_", "HOMEOSTAT_"))}
    path = f"{Path(sys.executable).parent}:{inherited['PATH']}"
    environment = inherited | {"PATH": path, "HOME": str(folder), "GIT_CONFIG_NOSYSTEM": "1"}
    return subprocess.run(
        ["sh", "-eu", "-c", script], cwd=folder, env=environment, capture_output=True, text=True, timeout=110, check=False
    )


def tutorial() -> str:
    return offline(ROOT / "docs" / "tutorial.md") + "\ngit log --format=%s\n"


def test_what_the_tutorial_does_without_a_server_works(tmp_path):
    done = shell(tutorial(), tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Release checkout 1.5.0\nLet rollback-release open pull requests in the shop\nBegin: services" in done.stdout
    assert "mode: review" in (tmp_path / "infra" / "policies" / "autonomy.yaml").read_text()
    assert 'release: "1.5.0"' in (tmp_path / "infra" / "apps/shop/checkout.yaml").read_text()


def test_what_the_guide_does_to_back_up_and_restore_works(tmp_path):
    begin = "export HOMEOSTAT_HOME=$PWD/home; homeostat init > /dev/null; mkdir infra; cd infra\n"
    script = offline(ROOT / "docs" / "guide" / "backup.md")
    assert script.count("homeostat") == 6
    done = shell(begin + script, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "restored from a backup" in done.stdout


def checkout(folder: Path) -> None:
    """A new infra repository's files, as init writes them."""
    for path, data in template().items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)


def test_the_template_passes_what_the_guide_runs_before_a_push(tmp_path):
    checkout(tmp_path)
    commit = "git init -q; git add .; git -c user.name=Ada -c user.email=ada@example.org commit -qm begin\n"
    done = shell(commit + offline(ROOT / "docs" / "guide" / "policies.md"), tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_guide_runs_what_the_template_checks():
    lines = (TEMPLATE / "ci" / "check").read_text(encoding="utf-8").splitlines()
    checks = [line for line in lines if line.startswith("homeostat ")]
    assert len(checks) == 4
    assert set(checks) <= set(offline(ROOT / "docs" / "guide" / "policies.md").splitlines())


def test_the_templates_check_fails_with_the_place_when_a_document_is_wrong(tmp_path):
    checkout(tmp_path)
    autonomy = tmp_path / "policies" / "autonomy.yaml"
    autonomy.write_text(autonomy.read_text().replace("mode: shadow", "mode: shadows"))
    refused = shell("sh ci/check", tmp_path)
    assert refused.returncode == 1
    assert "policies/autonomy.yaml:" in refused.stdout


def test_the_template_runs_its_check_on_every_push_and_pull_request():
    workflow = (TEMPLATE / ".github/workflows/check.yaml").read_text(encoding="utf-8")
    assert "on: [push, pull_request]" in workflow
    assert "sh ci/check" in workflow
    check = (TEMPLATE / "ci/check").read_text(encoding="utf-8")
    assert "homeostat policy test --path ." in check
    assert "homeostat plan --path ." in check
