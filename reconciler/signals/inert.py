"""Foreign text made inert: what an alert may say about names and labels, and nothing else of it.

Everything in a delivery is attacker-controlled (S26). A name that does not fit its grammar becomes "" or loses the
characters that mean something to a shell, a path, a template, markup or a terminal. What is cut is not kept.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

MAX_NAME = 64
MAX_VALUE = 128

# What says where trouble is, and nothing that a person wrote as prose (annotations never come in).
LABELS = ("alertname", "cluster", "component", "container", "instance", "job", "namespace", "pod", "service", "severity", "unit")
COMPONENT_LABELS = ("service", "component", "app", "job")  # the first that names one wins

_COMPONENT = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_OUTSIDE = re.compile(r"[^A-Za-z0-9 _.:@=-]+")


def plain_name(text: str) -> str:
    """An alert's name: letters, digits and a few signs, at most MAX_NAME."""
    return _plain(text, MAX_NAME)


def component_of(labels: Mapping[str, str]) -> str:
    """The component an alert is about, "" when it names none that could exist."""
    for name in COMPONENT_LABELS:
        if _COMPONENT.fullmatch(labels.get(name, "")):
            return labels[name]
    return ""


def kept_labels(labels: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """The allow-listed labels, each value inert and capped, sorted by name."""
    return tuple((name, _plain(labels[name], MAX_VALUE)) for name in LABELS if name in labels)


def _plain(text: str, cap: int) -> str:
    """Cut before it is searched, so that a megabyte costs nothing; dots that climb in paths go too."""
    return _OUTSIDE.sub("_", text[:cap]).replace("..", "_").strip()
