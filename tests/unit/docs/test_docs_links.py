"""Every link between pages leads somewhere, and every page can be reached."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "infra-repo-template/README.md", *ROOT.glob("docs/**/*.md")])
LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
CODE = re.compile(r"`[^`\n]+`")


def links(page: Path) -> list[str]:
    found = LINK.findall(CODE.sub("", FENCE.sub("", page.read_text(encoding="utf-8"))))
    return [link for link in found if not link.startswith(("http://", "https://", "mailto:"))]


def anchors(page: Path) -> set[str]:
    titles = re.findall(r"^#+ (.+)$", FENCE.sub("", page.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_every_link_leads_somewhere(page):
    for link in links(page):
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{page.name}: {link}"
        if anchor:
            assert anchor in anchors(target), f"{page.name}: {link}"


def test_every_page_can_be_reached_from_the_first():
    reached, ahead = set[Path](), [ROOT / "README.md"]
    while ahead:
        page = ahead.pop()
        if page in reached or page.suffix != ".md":
            continue
        reached.add(page)
        ahead += [(page.parent / link.partition("#")[0]).resolve() for link in links(page) if link.partition("#")[0]]
    docs = {path for path in ROOT.glob("docs/**/*.md") if path.name != "contributing.md"}
    assert docs <= reached, sorted(path.name for path in docs - reached)


def test_every_package_of_the_loop_is_in_the_architecture():
    told = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    packages = {path.parent.name for path in ROOT.glob("reconciler/*/__init__.py")}
    assert not {name for name in packages if not re.search(rf"\b{name}\b", told)}


def test_every_file_that_the_architecture_names_exists():
    told = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    for name in re.findall(r"`([a-z_]+/[a-z_/]+\.py)", told):
        assert (ROOT / "reconciler" / name).exists() or (ROOT / name).exists(), name


def test_the_layers_in_the_architecture_are_those_of_the_contract():
    told = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    contract = (ROOT / "pyproject.toml").read_text(encoding="utf-8").partition("layers = [")[2].partition("]")[0]
    wanted = [line.replace("reconciler.", "") for line in re.findall(r'"([^"]+)"', contract)]
    block = next(body for body in FENCE.findall(told) if "bootstrap" in body and "analysis" in body)
    assert [re.split(r"\s{2,}", line)[0] for line in block.splitlines()[1:-1]] == wanted
