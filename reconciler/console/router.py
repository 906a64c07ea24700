"""The routes of the operator's page, each with its view behind the gate."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.responses import Response

from reconciler.console import actions, services, units, views
from reconciler.console.gate import HEADERS, Deps, Desk, Gate, View
from reconciler.console.index import RecordIndex
from reconciler.console.pages import STATIC, static
from reconciler.console.sessions import Sessions

READ: tuple[tuple[str, View], ...] = (
    ("/", views.home),
    ("/pr", views.pulls),
    ("/pr/{number:int}", views.pull),
    ("/pr/{number:int}/revert", views.revert),
    ("/units", units.listing),
    ("/units/{unit}", units.one),
    ("/services", services.listing),
    ("/services/{service}", services.one),
    ("/incidents/{incident}", views.incident),
    ("/log", views.log),
    ("/log/{number:int}", views.record),
    ("/brakes", views.brakes),
    ("/panic", views.panic_plan),
)
ACT: tuple[tuple[str, View], ...] = (
    ("/logout", actions.logout),
    ("/pr/{number:int}/review", actions.review),
    ("/pr/{number:int}/revert", actions.revert),
    ("/brakes", actions.brake_on),
    ("/brakes/off", actions.brake_off),
    ("/holds/release", actions.release),
    ("/panic", actions.panic_now),
)


def make_router(deps: Deps) -> APIRouter:
    """The pages, for the application that bootstrap assembles."""
    gate = Gate(Desk(deps, RecordIndex(deps.world.log), Sessions(deps.home.sessions)))
    router = APIRouter()
    for path, view in READ:
        router.add_route(path, gate.endpoint(view), methods=["GET"], include_in_schema=False)
    for path, view in ACT:
        router.add_route(path, gate.endpoint(view), methods=["POST"], include_in_schema=False)
    router.add_route("/login", gate.endpoint(views.login, login=False), methods=["GET"], include_in_schema=False)
    router.add_route("/login", gate.endpoint(actions.login, login=False), methods=["POST"], include_in_schema=False)
    for name in STATIC:
        router.add_route(f"/static/{name}", _file, methods=["GET"], include_in_schema=False)
    return router


async def _file(request: Request) -> Response:
    """The style sheet and the icon: the same for everybody, so they may be kept for a while."""
    name = request.url.path.rsplit("/", 1)[1]
    return Response(static(name), media_type=STATIC[name], headers=HEADERS | {"Cache-Control": "max-age=300"})
