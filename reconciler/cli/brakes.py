"""`homeostat brake`, `suspend` and `resume`: stops that people put on and lift."""

from __future__ import annotations

import argparse

from reconciler.cli.common import acting, answer, duration_ms, left, looking, stopping, table


def on(arguments: argparse.Namespace) -> int:
    from reconciler.commands import brakes

    with stopping(arguments) as office:
        made = brakes.put_on(office, acting(arguments, office), arguments.reason, duration_ms(arguments.duration))
        answer(
            arguments,
            made,
            f"{made.id} is on for {arguments.duration}: {made.reason}\nlift it with: homeostat brake off {made.id}",
        )
    return 0


def off(arguments: argparse.Namespace) -> int:
    from reconciler.commands import brakes

    with stopping(arguments) as office:
        lifted = brakes.take_off(office, acting(arguments, office), arguments.id)
        answer(arguments, lifted, f"{lifted.id} is off")
    return 0


def listing(arguments: argparse.Namespace) -> int:
    """Everything that keeps the machine away, and for how long."""
    from reconciler.cli.status_text import reach

    with looking(arguments) as home:
        on_now, held = home.brakes(), home.holds()
        rows = [(b.id, b.owner, left(home.clock, b.until_ms), reach(b), b.reason) for b in on_now]
        rows += [
            (name, h.owner, left(home.clock, h.until_ms) if h.until_ms else "until released", h.scope, h.reason)
            for name, h in held
        ]
        answer(arguments, {"brakes": on_now, "holds": dict(held)}, table(rows) or "no brake is on and no hold in force")
    return 0


def suspend(arguments: argparse.Namespace) -> int:
    from reconciler.commands import brakes

    with stopping(arguments) as office:
        person, length = acting(arguments, office), duration_ms(arguments.until)
        made = brakes.suspend(office, person, arguments.unit, arguments.reason, length)
        answer(
            arguments,
            made,
            f"unit {made.scope} is suspended for {arguments.until}: {made.reason}\n"
            f"nothing of it is applied, corrected or deleted; end it with: homeostat resume {made.scope}",
        )
    return 0


def resume(arguments: argparse.Namespace) -> int:
    from reconciler.commands import brakes

    with stopping(arguments) as office:
        lifted = brakes.resume(office, acting(arguments, office), arguments.unit)
        answer(arguments, lifted, f"unit {arguments.unit} is applied again, as Git says by now")
    return 0


def unhold(arguments: argparse.Namespace) -> int:
    from reconciler.commands import brakes

    with stopping(arguments) as office:
        lifted = brakes.release(office, acting(arguments, office), arguments.id)
        answer(arguments, lifted, f"{lifted.scope} is released")
    return 0
