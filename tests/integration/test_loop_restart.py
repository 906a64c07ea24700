"""A process that begins again goes on by the documents of the revision that is applied."""

from __future__ import annotations

from pathlib import Path

from installation import installation


def test_the_first_turn_after_a_restart_senses_by_the_applied_revisions_sensors(tmp_path: Path) -> None:
    with installation(tmp_path) as made:
        calm = {f"sensors/{name}.yaml": ("forMs: ", "forMs: 3") for name in ("latency", "error-rate", "cpu", "memory")}
        made.push(calm, "Sensors that take their time")
        made.settle()
        made.bad_release()
        made.advance(60)
        assert made.cases() == []

        made.restart()
        made.settle()

        assert made.cases() == []
