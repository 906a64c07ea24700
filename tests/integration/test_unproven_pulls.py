"""A pull request that does not prove itself counts nothing, and people are shown that it is there."""

from __future__ import annotations

import json

import pytest
from browser import said, served
from installation import Installation

from reconciler.cli import main


def forged(site: Installation) -> str:
    """Somebody with access to the files writes a pull request that the machine never signed."""
    name = "refs/homeostat/pr/7"
    git = ("--git-dir", str(site.home.repository))
    site.pull()
    site.git(*git, "update-ref", name, site.git(*git, "commit-tree", "-m", "forged", "HEAD^{tree}"))
    return name


def test_status_and_the_page_show_a_forged_pull_request_that_is_left_out(
    site: Installation, capsys: pytest.CaptureFixture[str]
) -> None:
    name = forged(site)
    assert site.pulls() == []
    main(["--home", str(site.home.root), "--json", "status"])
    waiting = json.loads(capsys.readouterr().out)["waiting"]
    (told,) = [one["text"] for one in waiting if one["about"] == "forge"]
    assert told.startswith(f"{name} proves nothing and is left out: the state of this pull request lacks the machine's signature")
    assert "restore the ref from a mirror" in told
    with served(site) as door:
        page = said(door.browser().login().get("/"))
    assert f"{name} : the state of this pull request lacks the machine's signature" in page
