"""Staging a folder without Git refuses what the lab refuses."""

from __future__ import annotations

from typing import Any

import pytest


def test_a_wrong_override_is_refused(town: Any) -> None:
    with pytest.raises(ValueError, match="replicas"):
        town.deploy(checkout={"replicas": 99})
