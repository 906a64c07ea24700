"""The tail of a container's log as it may be shown: a program wrote it, and perhaps a secret into it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, cast

import pytest

from reconciler.adapters.targets.kubernetes.api import Api, Request
from reconciler.adapters.targets.kubernetes.logs import LINES, MAX_BYTES, lines, tails
from reconciler.converge.redaction import KnownValues
from reconciler.model.revisions import DesiredObject


def same(text: str) -> str:
    return text


class Recording:
    """Answers every log with one line, and remembers what was asked."""

    def __init__(self) -> None:
        self.asked: list[Mapping[str, str]] = []

    async def send(self, request: Request, _rank: object) -> str:
        self.asked.append(request.params)
        return "it broke\n"


def asked(**status: Any) -> list[tuple[str, bool]]:
    api = Recording()
    pod = {"metadata": {"namespace": "shop", "name": "web-1"}, "status": {"containerStatuses": [{"name": "web", **status}]}}
    asyncio.run(tails(cast("Api", api), pod, same))
    return [(params["container"], "previous" in params) for params in api.asked]


def test_control_characters_are_taken_out_and_lines_are_cut() -> None:
    (shown,) = lines("\x1b[31mred\x07 " + "x" * 1_000, same)
    assert shown.startswith(" [31mred  xxx")
    assert len(shown) <= 300


def test_only_the_last_lines_are_kept() -> None:
    assert lines("\n".join(map(str, range(100))), same) == tuple(map(str, range(100 - LINES, 100)))


def test_a_secret_is_hidden_before_a_line_is_cut_in_the_middle_of_it() -> None:
    known = KnownValues()
    known.add("correct horse battery staple")
    (shown,) = lines("x" * 290 + "correct horse battery staple", known.hide)
    assert "corr" not in shown


def test_a_secret_of_several_lines_is_hidden_before_the_lines_are_parted() -> None:
    known = KnownValues()
    known.add("short1\nshort2")
    assert lines("a\nshort1\nshort2\nb", known.hide) == ("a", "(hidden)", "b")


def test_a_last_line_that_the_limit_cut_in_two_is_left_out() -> None:
    assert lines("a\n" + "s" * MAX_BYTES, same) == ("a",)


def test_what_a_secret_object_in_git_holds_is_known_decoded_too() -> None:
    known = KnownValues()
    said = {"data": {"password": "aHVudGVyMjI="}, "stringData": {"user": "shopkeeper"}}
    spec = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "db-credentials"}, **said}
    known.learn_objects([DesiredObject("Secret/shop/db", "shop", spec, "db.yaml", "d", secret=True)])
    told = "hunter22 and aHVudGVyMjI= for shopkeeper of db-credentials"
    assert known.hide(told) == "(hidden) and (hidden) for (hidden) of db-credentials"


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ({"ready": True, "state": {"running": {"startedAt": "x"}}}, []),
        ({"ready": False, "state": {"waiting": {"reason": "ImagePullBackOff"}}}, []),
        ({"ready": False, "state": {"running": {"startedAt": "x"}}}, [("web", False)]),
        ({"ready": False, "state": {"terminated": {"exitCode": 0}}}, []),
        ({"ready": False, "state": {"terminated": {"exitCode": 3}}}, [("web", False)]),
        (
            {"ready": False, "state": {"waiting": {"reason": "CrashLoopBackOff"}}, "lastState": {"terminated": {"exitCode": 1}}},
            [("web", True)],
        ),
    ],
)
def test_the_log_that_tells_why_is_asked_for(status: dict[str, Any], expected: list[tuple[str, bool]]) -> None:
    assert asked(**status) == expected
