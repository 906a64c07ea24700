"""The fragments of the changelog: a kind that towncrier does not know is left out of the release notes without a word."""

from __future__ import annotations

import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[3]


def test_every_fragment_has_a_kind_that_reaches_the_changelog_and_that_contributors_are_told_of() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["towncrier"]
    kinds = {kind["directory"] for kind in settings["type"]}
    fragments = [path.name for path in (ROOT / "changelog.d").glob("*.md")]
    assert fragments
    assert [name for name in fragments if name.split(".")[-2] not in kinds] == []
    told = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert all(f"`{kind}`" in told for kind in kinds)
