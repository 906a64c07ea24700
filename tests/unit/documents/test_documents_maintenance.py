"""Maintenance documents: when windows are open, whom they cover, what is refused."""

from __future__ import annotations

import pytest

from reconciler.documents import load_tree
from reconciler.documents.freeze import Window, instant_ms, openings
from reconciler.documents.maintenance import Maintenance, maintenance_windows
from reconciler.errors import Misconfigured
from reconciler.model.canonical import encode
from reconciler.model.maintenance import noted

HOUR = 3_600_000
NIGHT = instant_ms("2026-06-05T22:00Z")  # a Friday


def documents(spec: str, folder: str = "policies"):
    text = f"apiVersion: homeostat/v1\nkind: Maintenance\nmetadata: {{name: move}}\nspec: {spec}\n"
    return load_tree({f"{folder}/move.yaml": text.encode()}).of(Maintenance)


ONCE = '{components: ["db-*"], reason: a move, windows: [{start: "2026-06-05T22:00Z", end: "2026-06-06T02:00Z"}]}'


def test_a_window_covers_its_components_from_its_start_until_its_end():
    (found,) = maintenance_windows(documents(ONCE), NIGHT, NIGHT + 1)
    assert (found.name, found.start_ms, found.end_ms, found.reason) == ("move", NIGHT, NIGHT + 4 * HOUR, "a move")
    assert [name for name in ("db-orders", "db", "shop") if found.covers(name)] == ["db-orders"]
    assert maintenance_windows(documents(ONCE), NIGHT - HOUR, NIGHT) == ()
    assert maintenance_windows(documents(ONCE), NIGHT + 4 * HOUR, NIGHT + 9 * HOUR) == ()


def test_a_weekly_window_opens_every_week_also_the_one_that_began_the_day_before():
    weekly = Window(days=("fri",), start="22:00", end="02:00")
    after = NIGHT + 3 * HOUR
    assert list(openings(weekly, after, after + 1)) == [(NIGHT, NIGHT + 4 * HOUR)]
    weeks = list(openings(weekly, NIGHT - 14 * 24 * HOUR, NIGHT + 1))
    assert [start - NIGHT for start, _ in weeks] == [-14 * 24 * HOUR, -7 * 24 * HOUR, 0]


@pytest.mark.parametrize(
    ("spec", "folder", "why"),
    [
        ('{reason: r, windows: [{start: "2026-06-05T22:00Z", end: "2026-06-06T02:00Z"}]}', "policies", "components"),
        (ONCE.replace("db-*", "db|x"), "policies", "components"),
        (ONCE.replace("06-06T02", "06-05T02"), "policies", "never be open"),
        (ONCE, "sensors", "Maintenance"),
    ],
)
def test_what_silences_nobody_knows_whom_is_refused_and_so_is_another_folder(spec, folder, why):
    with pytest.raises(Misconfigured, match=why):
        documents(spec, folder)


def test_a_note_shows_only_what_is_open_and_nonsense_as_nothing():
    told = encode(maintenance_windows(documents(ONCE), NIGHT, NIGHT + 1)).decode()
    assert [one.about for one in noted(told, NIGHT)] == ["db-*"]
    assert noted(told, NIGHT + 4 * HOUR) == noted("{", NIGHT) == noted("[1]", NIGHT) == noted("", NIGHT) == ()
