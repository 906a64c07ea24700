"""Verbs about the documents in Git: policy and playbook. They work in a checkout, without a home folder."""

from __future__ import annotations

from pathlib import Path

from reconciler.cli.parser import Verbs, pull_number


def register(verbs: Verbs) -> None:
    """Adds them; nothing is imported until one runs."""
    policy = verbs.group("policy", "check, test and explain the rules", POLICY)
    check = policy.add(
        "check",
        "reconciler.cli.rules:check",
        "load every document strictly; all problems at once",
        "  homeostat policy check --path .",
    )
    check.add_argument(
        "--base", default="", help="Operations that are new since this commit (default HEAD~1, or HEAD with edits)"
    )
    test = policy.add(
        "test", "reconciler.cli.rules:policy_test", "run the cases files beside the policies", "  homeostat policy test --path ."
    )
    explain = policy.add(
        "explain", "reconciler.cli.rules:explain", "the verdict on a pull request, rule by rule", "  homeostat policy explain 3"
    )
    explain.add_argument("number", type=pull_number, help="a pull request")
    playbook = verbs.group("playbook", "list and test the playbooks", PLAYBOOK)
    listing = playbook.add(
        "list", "reconciler.cli.rules:playbook_list", "what the machine knows to propose", "  homeostat playbook list --path ."
    )
    cases = playbook.add(
        "test",
        "reconciler.cli.rules:playbook_test",
        "run the cases files beside the playbooks",
        "  homeostat playbook test --path .",
    )
    for parser in (check, test, listing, cases):
        parser.add_argument("--path", type=Path, default=Path(), help="a checkout of the infra repository (default here)")


POLICY = """\
  homeostat policy check --path .
  homeostat policy test --path .
  homeostat policy explain 3"""
PLAYBOOK = """\
  homeostat playbook list --path .
  homeostat playbook test --path ."""
