"""Detectors are asked one by one, and one that breaks takes no other with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from reconciler.analysis.detectors import built_in, examine
from reconciler.analysis.detectors.saying import LONGEST, Speaker, named
from reconciler.model.canonical import decode, plain
from reconciler.model.findings import Finding
from reconciler.plugins import BUILT_IN
from reconciler.ports.detector import Window

NOTHING = Window({}, (), now_ms=1_000)


class Says:
    version = "1"
    settings: Mapping[str, str] = {"limit": "3"}

    def __init__(self, name: str, often: int = 1, error: Exception | None = None) -> None:
        self.name, self._often, self._error = name, often, error

    def detect(self, window: Window) -> Sequence[Finding]:
        if self._error:
            raise self._error
        speaker = Speaker(self.name, self.version, self.settings)
        return [speaker.say("anomaly", ("cart", "cpu"), window.now_ms, 0.5, {"z": 4.0}, "odd")] * self._often


def test_every_detector_is_asked_in_order():
    assert [f.detector for f in examine(NOTHING, [Says("b"), Says("a")])] == ["b", "a"]


def test_a_detector_that_fails_is_unknown_and_stops_no_other():
    found = examine(NOTHING, [Says("broken", error=ZeroDivisionError()), Says("well")])
    assert [(f.detector, f.kind) for f in found] == [("broken", "unknown"), ("well", "anomaly")]
    assert "ZeroDivisionError" in found[0].text


def test_a_detector_that_never_ends_its_list_is_cut():
    assert len(examine(NOTHING, [Says("talker", often=10_000)])) == 200


def test_every_built_in_detector_is_there_under_its_name():
    assert tuple(d.name for d in built_in())[: len(BUILT_IN["detector"])] == tuple(BUILT_IN["detector"])


def test_a_finding_survives_its_record():
    found = examine(NOTHING, [Says("a")])[0]
    assert decode(Finding, plain(found)) == found


def test_the_settings_are_in_the_finding_and_another_setting_is_another_digest():
    mine, other = (Speaker("a", "1", {"limit": s}).unknown(0, "why").settings for s in ("3", "4"))
    assert mine != other


def test_a_value_that_is_no_number_is_left_out_and_no_zero():
    found = Speaker("a", "1", {}).say("anomaly", ("c", "m"), 0, float("nan"), {"x": float("nan"), "y": 1.5}, "")
    assert (found.values, found.confidence) == ((("y", "1.5"),), "0")


def test_a_hostile_name_is_cut_and_made_harmless():
    shown = named("<script>`\x1b[31m\n" + "a" * 1_000)
    assert not set(shown) & set("<>`\x1b\n")
    assert len(shown) <= LONGEST + 3
