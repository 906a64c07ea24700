"""`homeostat diagnose` as a stranger runs it: on the recorded outage that is shipped, and on files that are wrong."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from reconciler.cli import diagnose, main

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "slow-release"
ASKED = ["--alarm", "2024-05-01T12:33:00Z", "--symptom", "gateway"]


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """One call in a process of its own, in a folder without a home."""
    out = tmp_path_factory.mktemp("report")
    command = [sys.executable, "-m", "reconciler.cli", "--json", "diagnose", "--from-dir", EXAMPLE, *ASKED, "--out", out]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "HOMEOSTAT_HOME": "/nonexistent"}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=environment, timeout=90), out


def test_the_shipped_outage_is_explained_by_the_release_that_was_slow(report):
    answer, _ = report
    assert answer.returncode == 0, answer.stderr
    told = json.loads(answer.stdout)["explanation"]
    assert told["cause"] == "checkout"
    assert float(told["confidence"]) > 0.7
    assert "release of checkout (commit b0a710ad)" in told["chain"][0]
    assert "catalog" not in told["summary"]
    assert told["falls"] == ["frontend", "gateway"]


def test_every_finding_says_which_version_with_which_settings_spoke(report):
    found = json.loads(report[0].stdout)["findings"]
    assert {"causes", "levels"} <= {f["detector"] for f in found}
    assert all(f["version"] and f["settings"].startswith("sha256:") for f in found)


def test_the_report_is_one_page_with_drawings_that_needs_nothing_from_elsewhere(report):
    out = report[1]
    page = (out / "index.html").read_text(encoding="utf-8")
    assert page.count("<svg") >= 5
    assert "<script" not in page
    assert "://" not in page.replace("http://www.w3.org/2000/svg", "")
    assert {"explanation.json", "graph.svg", "graph.mmd", "timeline.svg", "plot-1.svg"} <= {p.name for p in out.iterdir()}


def test_what_is_wrong_in_a_file_is_told_with_its_line(tmp_path, capsys):
    (tmp_path / "m.csv").write_text("time,cart|cpu\n1,2\n2,much\n", encoding="utf-8")
    assert main(["diagnose", "--from-dir", str(tmp_path)]) == 78
    assert f"{tmp_path}/m.csv:3: 'much' is no number" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (["--alarm", "yesterday"], "'yesterday' is no time"),
        (["--alarm", "1999-01-01"], "nothing was recorded within an hour of the alarm"),
        (["--normal", "1..x"], "'x' is no time"),
        (["--normal", "9..1"], "ends before it begins"),
        (["--limit", "cart|cpu=x"], "'x' is no number"),
        (["--limit", "cart|nothing=1"], "of cart there is cart|cpu"),
    ],
)
def test_an_argument_that_is_wrong_says_what_is_right(tmp_path, more, told, capsys):
    (tmp_path / "m.csv").write_text("time,cart|cpu\n1,2\n2,3\n", encoding="utf-8")
    assert main(["diagnose", "--from-dir", str(tmp_path), *more]) == 78
    assert told in capsys.readouterr().err


def test_without_the_packages_of_the_analysis_it_says_how_to_install_them(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(diagnose, "find_spec", lambda name: None if name == "networkx" else find_spec(name))
    assert main(["diagnose", "--from-dir", str(tmp_path)]) == 78
    told = capsys.readouterr().err
    assert "networkx" in told
    assert "pip install 'homeostat[analysis]'" in told


def test_nobody_complains_is_an_answer_and_growth_to_a_limit_is_foretold(tmp_path, capsys):
    rows = "".join(f"{1_714_564_800 + i * 15},{0.3 + i * 0.004:.4f}\n" for i in range(120))
    (tmp_path / "m.csv").write_text("time,cart|memory_usage\n" + rows, encoding="utf-8")
    assert main(["diagnose", "--from-dir", str(tmp_path)]) == 0
    told = capsys.readouterr().out
    assert "Nobody complains." in told
    assert "memory_usage of cart grew steadily for 20 min and reaches 1" in told


def test_a_mistyped_symptom_is_answered_with_the_nearest_name(capsys):
    """It was taken as given, and the answer was about the trouble of nobody."""
    assert main(["diagnose", "--from-dir", str(EXAMPLE), *ASKED[:3], "gatewy"]) == 78
    assert "--symptom: nothing was recorded of 'gatewy', and nobody calls it (did you mean 'gateway'?)" in capsys.readouterr().err


def test_an_alarm_out_of_reach_is_told_the_times_that_were_recorded(capsys):
    assert main(["diagnose", "--from-dir", str(EXAMPLE), "--alarm", "2025-05-01T12:33:00Z"]) == 78
    assert "the samples are from 2024-05-01 12:00:00Z to 2024-05-01 12:41:45Z" in capsys.readouterr().err
