"""Services: what is measured, how each is, and on demand all that is known of one. Nothing here writes."""

from __future__ import annotations

import json
import re
import shlex
from typing import TYPE_CHECKING

from reconciler.console.gate import Refused
from reconciler.console.pages import Page
from reconciler.errors import Misconfigured
from reconciler.model.findings import FORESIGHT
from reconciler.steps import reporting

if TYPE_CHECKING:
    from reconciler.console.gate import Visit

NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
TONES = {"well": "good", "at-risk": "warn", "in-trouble": "bad", "unknown": "warn"}
PAGE = 500


def listing(visit: Visit) -> Page:
    """Those that are not well first."""
    found = sorted(reporting.healths(visit.world), key=lambda one: (one[1] == "well", one[0]))
    foresight = visit.world.store.noted(FORESIGHT)
    return Page("services.html", {"services": found[:PAGE], "total": len(found), "tones": TONES, "foresight": foresight})


def one(visit: Visit) -> Page:
    """The report on one."""
    name = str(visit.request.path_params["service"])
    if not NAME.fullmatch(name):
        raise Refused(404, "this is not the name of a component", "the page /services lists what is measured")
    try:
        found = reporting.report(visit.world, name)
    except Misconfigured as error:
        raise Refused(404, error.message, error.next_step) from error
    return Page("service.html", {"report": found, "tones": TONES, "command": _command(visit, name)})


def _command(visit: Visit, name: str) -> str:
    """The question of this page as a program asks it, ready to be copied on this machine."""
    secret, body = shlex.quote(str(visit.deps.home.secret)), shlex.quote(json.dumps({"service": name}))
    where = f"{str(visit.request.base_url).rstrip('/')}/api/report"
    return f'curl -X POST -H "Authorization: Bearer $(cat {secret})" -d {body} {shlex.quote(where)}'
