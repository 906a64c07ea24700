"""An earlier release, until there is a tagged one: this tree with the insides of its steps renamed, moved and forgotten.

`earlier_tree` copies the sources and rewrites them:
* `Progress` lacks the fields that came later (a row of it is what an older release wrote);
* the parts of a turn run in another order;
* a step's function has another name and lives in another module;
* it says another version.
`earlier_wheel` builds a wheel of it with the build backend of the environment; `unpacked` is what `pip install` would put on
the path. Every rewrite asserts that it found what it replaces, so this fixture cannot rot in silence.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

TREE = Path(__file__).resolve().parents[2]
PARTS = ("reconciler", "webhooks", "policies", "playbooks", "schemas", "infra-repo-template", "pyproject.toml", "README.md")
VERSION = "0.0.1"
LATER_FIELDS = ("repaired", "undo_reason", "blind_ms")  # what `Progress` learned after this release


def earlier_tree(folder: Path) -> Path:
    """The sources of the earlier release."""
    for part in PARTS:
        source = TREE / part
        if source.is_dir():
            shutil.copytree(source, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder / part)
    _reversion(folder)
    _forget_fields(folder / "reconciler" / "steps" / "progress.py")
    _reorder_turn(folder / "reconciler" / "pipeline.py")
    _rename_step(folder / "reconciler")
    return folder


def earlier_wheel(folder: Path) -> Path:
    """A wheel of it, built without a network."""
    tree = earlier_tree(folder / "tree")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder / "dist")]
    subprocess.run(command, cwd=tree, check=True, capture_output=True)
    (wheel,) = (folder / "dist").glob(f"homeostat-{VERSION}-*.whl")
    return wheel


def unpacked(wheel: Path, folder: Path) -> Path:
    """The wheel as it lies on the path after installation."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def _rewrite(file: Path, pattern: str, by: str) -> None:
    text, found = re.subn(pattern, by, file.read_text(), count=1, flags=re.MULTILINE)
    assert found, f"{file.name}: nothing matches {pattern!r}; the fixture has to follow the code"
    file.write_text(text)


def _reversion(folder: Path) -> None:
    _rewrite(folder / "reconciler" / "__init__.py", r'^__version__ = ".*"$', f'__version__ = "{VERSION}"')


def _forget_fields(file: Path) -> None:
    """The class without its later fields. The stages that use them come after those in which this release is stopped."""
    for name in LATER_FIELDS:
        _rewrite(file, rf"^    {name}: .*\n", "")


def _reorder_turn(file: Path) -> None:
    """Drift was corrected first, and signals were taken in before measurements came."""
    _rewrite(file, r"^(    scrape,.*\n(?:.*\n)*?)(    correct_drift,.*\n)((?:.*\n)*?)(    take_in,.*\n)", r"\2\4\1\3")


def _rename_step(package: Path) -> None:
    """`diagnose` was called `look_for_cause` and lived elsewhere."""
    old, new = package / "steps" / "diagnose.py", package / "steps" / "causes.py"
    _rewrite(old, r"^def diagnose\(", "def look_for_cause(")
    old.rename(new)
    pipeline = package / "pipeline.py"
    _rewrite(
        pipeline, r"^from reconciler\.steps\.diagnose import diagnose$", "from reconciler.steps.causes import look_for_cause"
    )
    for file in (package / "steps").glob("*.py"):  # who uses something else of it
        file.write_text(file.read_text().replace("from reconciler.steps.diagnose import", "from reconciler.steps.causes import"))
    _rewrite(pipeline, r"Stage\.DIAGNOSE: diagnose,", "Stage.DIAGNOSE: look_for_cause,")
