"""Whole: what several components ask for together, and how much of it there is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Whole:
    """The sum of one metric over some components, borne by another one or by one of them."""

    name: str
    component: str  # who bears it
    metric: str
    unit: str  # "": nobody says in what it is measured
    limit: str  # where the sum must not go above, decimal text
    parts: tuple[str, ...] = ()  # () is everyone who calls the component
