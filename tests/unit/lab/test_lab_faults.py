"""Faults are read strictly and bound to what they name."""

from __future__ import annotations

import pytest

from reconciler.lab.faults import Effects, Fault, HandEdit, read_fault
from reconciler.lab.specs import SpecError

BAD_RELEASE = {"kind": "bad-release", "service": "checkout", "release": "1.5.0", "mode": "slow", "factor": 8}


def test_a_bad_release_slows_only_its_release() -> None:
    fault = read_fault(BAD_RELEASE, "f1")
    assert isinstance(fault, Fault)
    effects = Effects("checkout", (fault,))
    assert (effects.slow("1.5.0"), effects.slow("1.4.2")) == (8.0, 1.0)
    assert Effects("payment", (fault,)).slow("1.5.0") == 1.0


def test_failing_releases_add_up_without_passing_one() -> None:
    faults = tuple(Fault(str(i), "bad-release", "a", 0.5, "2", "failing") for i in range(2))
    assert Effects("a", faults).errors("2") == 0.75


def test_a_leak_without_release_is_of_every_release() -> None:
    fault = read_fault({"kind": "leak", "service": "cart", "release": "", "factor": 60}, "f1")
    assert isinstance(fault, Fault)
    assert Effects("cart", (fault,)).leak("anything") == 1.0


def test_the_shown_form_is_the_form_it_was_read_from() -> None:
    fault = read_fault(BAD_RELEASE, "f1")
    assert isinstance(fault, Fault)
    shown = fault.shown()
    assert shown.pop("id") == "f1"
    assert shown == BAD_RELEASE


def test_a_fault_may_end_by_itself() -> None:
    fault = read_fault({**BAD_RELEASE, "seconds": 60}, "f1", 5_000)
    assert isinstance(fault, Fault)
    assert fault.until_ms == fault.shown()["until_ms"] == 65_000


def test_a_hand_edit_is_no_lasting_fault() -> None:
    edit = read_fault({"kind": "hand-edit", "id": "Service/cart", "set": {"replicas": 1}}, "f1")
    assert edit == HandEdit("Service/cart", {"replicas": 1})


@pytest.mark.parametrize(
    ("data", "named"),
    [
        (None, "expected an object"),
        ({"kind": "meteor"}, "kind"),
        ({"kind": ["leak"]}, "kind"),
        ({**BAD_RELEASE, "mode": "odd"}, "mode"),
        ({**BAD_RELEASE, "release": ""}, "release"),
        ({**BAD_RELEASE, "factor": "8"}, "factor"),
        ({**BAD_RELEASE, "factor": True}, "factor"),
        ({**BAD_RELEASE, "factor": float("nan")}, "factor"),
        ({**BAD_RELEASE, "factor": float("inf")}, "factor"),
        ({**BAD_RELEASE, "mode": "failing", "factor": 1.1}, "factor"),
        ({**BAD_RELEASE, "seconds": -1}, "seconds"),
        ({**BAD_RELEASE, "seconds": 1.5}, "seconds"),
        ({**BAD_RELEASE, "extra": 1}, "unknown key 'extra'"),
        ({"kind": "surge", "service": "../x", "factor": 2}, "service"),
        ({"kind": "surge", "service": "a", "factor": -1}, "factor"),
        ({"kind": "surge", "service": "a", "factor": 2, "mode": "slow"}, "unknown key 'mode'"),
        ({"kind": "slow-database", "service": "a", "factor": 0}, "factor"),
        ({"kind": "hand-edit", "id": "x"}, "id"),
        ({"kind": "hand-edit", "id": 3}, "id"),
        ({"kind": "hand-edit", "id": "Service/cart", "set": {}}, "set"),
    ],
)
def test_what_is_no_fault_is_refused_by_field(data: object, named: str) -> None:
    with pytest.raises(SpecError, match=named):
        read_fault(data, "f1")
