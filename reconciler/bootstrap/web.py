"""Web: the one application of a running installation: webhooks, pages, and the healer's own health and metrics."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import FastAPI
from fastapi.responses import JSONResponse, PlainTextResponse

from reconciler.adapters.signing.ed25519 import FileSigner
from reconciler.adapters.telemetry.traces import TraceSamples
from reconciler.bootstrap.system import System
from reconciler.console.gate import Deps, nowhere
from reconciler.console.router import make_router as make_pages
from reconciler.steps import predicting, reporting
from reconciler.steps.world import World
from webhooks.app import make_router
from webhooks.otlp import make_otlp_router
from webhooks.otlp_intake import OtlpIntake
from webhooks.questions import Question, make_questions_router

STALE_MS = 60_000  # a loop that has not turned for a minute is not alive


def make_app(system: System, wake: Callable[[], None]) -> FastAPI:
    """No interactive docs: this is a machine's entrance and a person's page, not an explorer."""
    app = FastAPI(title="Homeostat", docs_url=None, redoc_url=None, openapi_url=None)
    world = system.world
    secret = system.home.secret.read_text(encoding="utf-8").strip()
    app.include_router(make_router(system.store, world.clock, secret, wake=wake, observe=world.meters.delivery))
    home = system.home
    otlp = OtlpIntake(system.connections.write, world.clock, home.log_templates, TraceSamples(home.traces))
    system.connections.take_in(otlp)
    app.include_router(make_otlp_router(otlp, world.clock, secret, observe=world.meters.delivery))
    app.include_router(make_questions_router(_answers(world), world.clock, secret, observe=world.meters.delivery))
    app.include_router(
        make_pages(Deps(world, system.home, FileSigner(system.home.key("review"), "review"), wake, system.settings.web.origins))
    )
    app.add_exception_handler(404, nowhere(world))
    _watching(app, system)
    return app


def _answers(world: World) -> dict[str, Callable[[Question], object]]:
    """What programs may ask about a component."""

    def predicted(question: Question) -> object:
        return predicting.plain(predicting.predict(world, question.service, question.horizon_minutes))

    def reported(question: Question) -> object:
        return predicting.plain(reporting.report(world, question.service))

    return {"/api/predict": predicted, "/api/report": reported}


def _watching(app: FastAPI, system: System) -> None:
    world = system.world

    @app.get("/healthz")
    def healthz() -> JSONResponse:
        """Alive: the loop turns."""
        return JSONResponse({"ok": True, "turns": world.cursor.turns})

    @app.get("/readyz")
    def readyz() -> JSONResponse:
        """Ready: the protected branch is followed and nothing is refused. `settled_ms` is the demo's and the tests' barrier."""
        why, faults = world.cursor.refused[1], world.meters.faults()
        ready = not why and world.cursor.applied is not None
        body = {
            "ready": ready, "why": why, "faults": faults, "turns": world.cursor.turns, "settled_ms": world.cursor.settled_ms,
            "now_ms": world.clock.now(), "applied": world.cursor.applied or "",
        }  # fmt: skip
        return JSONResponse(body, status_code=200 if ready else 503)

    @app.get("/metrics")
    def metrics() -> PlainTextResponse:
        backlog = system.store.backlog()
        age_ms = max(0, world.clock.now() - backlog.oldest_ms) if backlog.oldest_ms else 0
        lines = [
            *world.meters.render(),
            "# TYPE homeostat_signals_pending gauge",
            f"homeostat_signals_pending {backlog.signals}",
            "# TYPE homeostat_oldest_signal_age_seconds gauge",
            f"homeostat_oldest_signal_age_seconds {age_ms / 1_000}",
            "# TYPE homeostat_records_unpublished gauge",
            f"homeostat_records_unpublished {backlog.records}",
            "# TYPE homeostat_cases_open gauge",
            f"homeostat_cases_open {backlog.open_cases}",
            "# TYPE homeostat_log_size gauge",
            f"homeostat_log_size {world.ledger.position}",
            "# TYPE homeostat_telemetry_refused_total counter",
            *(f'homeostat_telemetry_refused_total{{why="{why}"}} {n}' for why, n in sorted(system.connections.refused().items())),
        ]
        return PlainTextResponse("\n".join(lines) + "\n", media_type="text/plain; version=0.0.4")
