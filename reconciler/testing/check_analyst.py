"""check_analyst: what every Analyst must do, wherever it works.

`make` gives a fresh one, over whatever telemetry; `settle` lets time pass until it is no longer working (a worker needs some).
"""

from __future__ import annotations

from collections.abc import Callable

from reconciler.ports.analyst import Analyst, Answer, Inquiry
from reconciler.testing.expecting import expect

AT_MS = 1_700_000_000_000
Make = Callable[[], Analyst]
Settle = Callable[[Analyst], None]


def _inquiry(minutes: int = 60) -> Inquiry:
    return Inquiry(AT_MS - minutes * 60_000, AT_MS)


def _answered(analyst: Analyst, inquiry: Inquiry, settle: Settle) -> Answer:
    analyst.ask(inquiry)
    settle(analyst)
    answer = analyst.ask(inquiry)
    if answer is None:
        raise AssertionError("once it no longer works, the answer is there")
    return answer


def answers_in_the_end(make: Make, settle: Settle) -> None:
    analyst = make()
    answer = _answered(analyst, _inquiry(), settle)
    expect(bool(answer.findings) or bool(answer.missing) or answer == Answer(), "an answer has findings or says why not")
    analyst.close()


def answers_the_same_twice(make: Make, settle: Settle) -> None:
    analyst = make()
    first = _answered(analyst, _inquiry(), settle)
    expect(analyst.ask(_inquiry()) == first, "the same inquiry has the same answer, at once")
    analyst.close()


def keeps_several_apart(make: Make, settle: Settle) -> None:
    analyst = make()
    analyst.ask(_inquiry(60))
    analyst.ask(_inquiry(120))
    settle(analyst)
    expect(analyst.ask(_inquiry(60)) is not None, "an inquiry is not lost to the one after it")
    expect(analyst.ask(_inquiry(120)) is not None, "nor is that one")
    analyst.close()


def counts_its_answers(make: Make, settle: Settle) -> None:
    analyst = make()
    analyst.prepare()
    settle(analyst)
    expect(analyst.answered == 0, "getting ready is no answer")
    _answered(analyst, _inquiry(), settle)
    expect(analyst.answered == 1, "an answer is counted once it is there")
    _answered(analyst, _inquiry(), settle)
    expect(analyst.answered == 1, "and not again when it is heard again")
    analyst.close()
    analyst.prepare()


def says_when_it_has_ended(make: Make, settle: Settle) -> None:
    analyst = make()
    analyst.ask(_inquiry())
    analyst.close()
    settle(analyst)
    expect(not analyst.working, "what is closed works on nothing")
    answer = analyst.ask(_inquiry(90))
    expect(answer is not None and bool(answer.missing), "what is closed says so, and keeps nobody waiting")
    analyst.close()


ANALYST_PROMISES: tuple[Callable[[Make, Settle], None], ...] = (
    answers_in_the_end,
    answers_the_same_twice,
    keeps_several_apart,
    counts_its_answers,
    says_when_it_has_ended,
)


def check_analyst(make: Make, settle: Settle) -> None:
    """Runs every promise."""
    for promise in ANALYST_PROMISES:
        promise(make, settle)
