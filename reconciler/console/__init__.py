"""The operator's page: server-rendered, without scripting, one small router that bootstrap includes.

`make_router(Deps(...))` is the entrance. `gate` proves every request before a view sees it (host, origin, size, session,
form token); `views` read, `actions` call the same commands as the CLI; `timeline` and `overview` turn records and facts
into what a template shows. Nothing here decides about a repair, and everything shown is inert text.
"""

from reconciler.console.gate import Deps
from reconciler.console.logins import login_link, make_login
from reconciler.console.router import make_router

__all__ = ["Deps", "login_link", "make_login", "make_router"]
