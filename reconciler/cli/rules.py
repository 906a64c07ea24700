"""`homeostat policy` and `homeostat playbook`: the documents of a checkout checked, tested and told; a verdict explained.

Everything but `policy explain` works in a checkout without a home. Exit code 1 when anything is wrong.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from reconciler.changes.wording import counted
from reconciler.cli.common import answer, opened, table
from reconciler.errors import Misconfigured, Permanent

if TYPE_CHECKING:
    from pathlib import Path

    from reconciler.documents import Loaded, Problem
    from reconciler.documents.playbook import Playbook
    from reconciler.model.judging import Decision

Result = tuple[str, str, str]  # where, name, what differs ("" when nothing does)


def check(arguments: argparse.Namespace) -> int:
    """All problems of all documents at once, playbooks compiled too, and what the revision before shows about Operations."""
    from reconciler.bootstrap.checkout import documents

    files = documents(arguments.path)
    found = [(p.where, p.message, p.next_step) for p in problems(files, arguments.path, arguments.base)]
    if not found:
        found = _uncompiled(files)
    lines = [f"{where}: {message}{f' ({hint})' if hint else ''}" for where, message, hint in found]
    count = sum(path.endswith((".yaml", ".yml")) for path in files)
    lines.append(counted(len(found), "problem") if found else f"{count} files are good")
    value = {"problems": [{"where": w, "message": m, "next_step": h} for w, m, h in found], "files": count}
    answer(arguments, value, "\n".join(lines))
    return 1 if found else 0


def problems(files: Mapping[str, bytes], path: Path, base: str) -> tuple[Problem, ...]:
    """What a checkout's documents would be refused for, those that are new since `base` looked at more closely."""
    from reconciler.adapters.clocks.system import wall_ms
    from reconciler.bootstrap.checkout import offline_acts, operations_before
    from reconciler.policy.checking import check_files
    from reconciler.policy.new_operations import check_new_operations

    found = check_files(files)
    before = operations_before(path, base)
    return found if found or before is None else check_new_operations(files, before, wall_ms(), offline_acts)


def _uncompiled(files: Mapping[str, bytes]) -> list[tuple[str, str, str]]:
    """What only shows when the loop makes the documents ready: conditions, what has to be there once."""
    from reconciler.documents import load_tree
    from reconciler.documents.health_rule import HealthRule
    from reconciler.documents.playbook import Playbook
    from reconciler.health import HealthBook
    from reconciler.proposals import ready
    from reconciler.steps.rulebook import rulebook

    problems = []
    documents = load_tree(files)
    for loaded in documents.of(Playbook):
        try:
            ready(loaded)
        except Misconfigured as error:
            problems.append((error.where, error.message.removeprefix(f"{error.where}: "), error.next_step))
    if not problems:
        try:
            HealthBook(documents.of(HealthRule))
            rulebook(documents)
        except Misconfigured as error:
            problems.append((error.where, error.message.removeprefix(f"{error.where}: "), error.next_step))
    return problems


def policy_test(arguments: argparse.Namespace) -> int:
    """Every case beside the policies, judged with the checkout's own rules."""
    from reconciler.bootstrap.checkout import documents
    from reconciler.documents import load_tree
    from reconciler.policy.cases import load_cases, run_cases
    from reconciler.policy.rules import policy_set

    files = documents(arguments.path)
    results = run_cases(policy_set(load_tree(files)), load_cases(files))
    return report(
        arguments, [(r.where, r.name, f"{r.difference}\n{r.explanation}".rstrip() if not r.ok else "") for r in results]
    )


def playbook_test(arguments: argparse.Namespace) -> int:
    """Every case beside the playbooks; a playbook without cases fails too, because nothing shows that it is safe."""
    from reconciler.bootstrap.checkout import documents
    from reconciler.documents import load_one, load_tree
    from reconciler.documents.playbook import Playbook
    from reconciler.documents.playbook_cases import PlaybookCases
    from reconciler.documents.tree import CASES
    from reconciler.proposals import run_cases

    files = documents(arguments.path)
    results: list[Result] = []
    for loaded in load_tree(files).of(Playbook):
        stem = loaded.path.rsplit(".", 1)[0]
        path = next((stem + suffix for suffix in CASES if stem + suffix in files), "")
        if not path:
            results.append((loaded.path, loaded.name, f"has no cases: write {stem}{CASES[0]}"))
            continue
        found = run_cases(loaded, load_one(files[path], path, PlaybookCases))
        results += [(r.where, r.name, "" if r.passed else f"expected {r.expected}\nfound    {r.found}") for r in found]
    return report(arguments, results)


def report(arguments: argparse.Namespace, results: list[Result]) -> int:
    """The cases that differ, how many pass, and the exit code."""
    failed = [result for result in results if result[2]]
    lines = []
    for where, name, difference in failed:
        lines += [f"FAIL  {where}  {name}", *(f"      {line}" for line in difference.splitlines())]
    lines.append(f"{len(results) - len(failed)} of {len(results)} cases pass")
    value = {
        "cases": [{"where": w, "name": n, "passed": not d, "difference": d} for w, n, d in results],
        "failed": len(failed),
    }
    if not results:
        raise Permanent(
            "there are no cases to run", next_step="write them beside the documents, in files that end in .cases.yaml"
        )
    answer(arguments, value, "\n".join(lines))
    return 1 if failed else 0


def playbook_list(arguments: argparse.Namespace) -> int:
    """What the machine knows to propose."""
    from reconciler.bootstrap.checkout import documents
    from reconciler.documents import load_tree
    from reconciler.documents.playbook import Playbook

    found = load_tree(documents(arguments.path)).of(Playbook)
    value = [_told(loaded) for loaded in found]
    rows = [(str(v["name"]), str(v["irreversibility"]), f"impact {v['impact']}", str(v["path"])) for v in value]
    answer(arguments, value, table(rows) if rows else "no playbooks")
    return 0


def _told(loaded: Loaded[Playbook]) -> dict[str, Any]:
    spec = loaded.document.spec
    return {
        "name": loaded.name,
        "path": loaded.at("metadata", "name"),
        "impact": spec.impact.value,
        "irreversibility": spec.irreversibility.value,
    }


def explain(arguments: argparse.Namespace) -> int:
    """Both judges asked again now, without recording or landing anything."""
    from reconciler.commands.judging import judged
    from reconciler.policy.explaining import explain as told

    with opened(arguments) as system:
        decisions: tuple[Decision, ...] = judged(system.world, arguments.number)
        answer(arguments, {"pull_request": arguments.number, "decisions": decisions}, "\n\n".join(told(d) for d in decisions))
    return 0
