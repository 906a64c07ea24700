"""Occasion: days that people know to be of a kind of their own, such as holidays: no season of the past foretells them."""

from __future__ import annotations

from dataclasses import dataclass

Span = tuple[int, int]  # [from, until) in milliseconds


@dataclass(frozen=True, slots=True)
class Occasion:
    """When such days were and will be; `like` are usual days that stand in for them until there was one."""

    name: str
    spans: tuple[Span, ...]
    like: tuple[Span, ...] = ()
    components: tuple[str, ...] = ()  # () is every one
