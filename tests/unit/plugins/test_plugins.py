"""A plug-in that cannot be loaded says what is missing and what to do."""

from __future__ import annotations

import sys

import pytest

from reconciler import plugins
from reconciler.errors import Misconfigured


def test_an_unknown_name_says_which_ones_exist() -> None:
    with pytest.raises(Misconfigured, match="directory"):
        plugins.load("target", "no-such")


def test_a_target_whose_packages_are_not_installed_says_how_to_install_them(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith(("kubernetes", "reconciler.adapters.targets.kubernetes"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "kubernetes", None)
    with pytest.raises(Misconfigured, match="make clusters"):
        plugins.load("target", "kubernetes")
