"""Pages: templates into bytes. Everything that is put into one is escaped, and invisible characters are shown.

`finalize` runs on every value of every template, so that no author of a template can forget it: names and labels come
from telemetry and are hostile. There is no filter that would let markup through, and one kind of value is marked safe: a drawing,
in which `analysis.drawings` has escaped every text (`explanations`).
"""

from __future__ import annotations

import functools
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import resources
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup

from reconciler.analysis.drawings import RULES, VARIABLES
from reconciler.changes.wording import HIDDEN

STATIC = {"console.css": "text/css; charset=utf-8", "icon.svg": "image/svg+xml"}


@dataclass(frozen=True, slots=True)
class Page:
    """What a view answers: a template and what it shows."""

    template: str
    values: Mapping[str, Any] = field(default_factory=dict)
    status: int = 200


@dataclass(frozen=True, slots=True)
class Redirect:
    """What an action answers: where to look now. `cookie` begins a session, "" ends one, None leaves it."""

    to: str
    cookie: str | None = None


def visible(value: Any) -> Any:
    """Control, bidirectional and zero-width characters as escapes; line ends stay."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return "".join(_shown(c) for c in value)
    return value


def _shown(c: str) -> str:
    return c if c in "\n\t" or unicodedata.category(c) not in HIDDEN else c.encode("unicode_escape").decode()


def span(ms: int) -> str:
    """A duration as people say it: the largest unit that fits, and the next below when it matters."""
    seconds = max(0, ms) // 1_000
    if seconds < 90:
        return f"{seconds} s"
    for size, unit, below, small in ((86_400, "d", 3_600, "h"), (3_600, "h", 60, "min"), (60, "min", 1, "s")):
        if seconds >= size:
            rest = seconds % size // below
            return f"{seconds // size} {unit}" + (f" {rest} {small}" if rest and seconds < 10 * size else "")
    return f"{seconds} s"


def moment(wall_ms: int) -> str:
    """A time that somebody else's clock told."""
    return f"{datetime.fromtimestamp(wall_ms // 1_000, UTC):%Y-%m-%d %H:%M:%SZ}" if wall_ms else ""


@pass_context
def _ago(context: Context, clock_ms: int) -> str:
    return f"{span(context['now_ms'] - clock_ms)} ago"


@pass_context
def _left(context: Context, clock_ms: int) -> str:
    return span(clock_ms - context["now_ms"])


@functools.cache
def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("reconciler.console"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=visible,
    )
    made.filters.update(ago=_ago, left=_left, span=span, moment=moment)
    return made


def render(page: Page, values: Mapping[str, Any]) -> str:
    """The page with what every page has."""
    return _environment().get_template(page.template).render(**values, **page.values)


@functools.cache
def static(name: str) -> bytes:
    """One of the two files that are not pages. The style sheet begins with what drawings share with it."""
    shared = VARIABLES + RULES if name.endswith(".css") else ""
    return shared.encode() + resources.files("reconciler.console").joinpath("static", name).read_bytes()
