"""The page of an incident shows what the analysis says, drawn, and obeys nothing that telemetry named."""

from __future__ import annotations

from html.parser import HTMLParser

from reconciler.console.explanations import Explained, SeenSince, explained, seen_since
from reconciler.console.pages import _environment
from reconciler.model.canonical import plain
from reconciler.model.diagnosis import Diagnosis
from reconciler.model.drawings import Drawings, Event, Graph, Node, Plot, Role
from reconciler.model.explanations import Explanation, Path, Row
from reconciler.model.looks import Says, SecondLook
from reconciler.model.records import LoggedRecord, Record, RecordKind, Stamp

AT = 1_700_000_000_000
HOSTILE = '</text></svg><script>alert(1)</script>" onload="x'


def explanation(name: str = "cart", summary: str = "cart is the likeliest cause") -> Explanation:
    plot = Plot(name, "latency_p99", ((AT, "1"), (AT + 1_000, "9")), (), "", ())
    graph = Graph((Node("front", Role.SYMPTOM), Node(name, Role.CAUSE)), (("front", name),))
    drawings = Drawings((plot,), graph, (Event(AT, name, "change", f"latency of {name}"),))
    row = Row(AT, name, "latency_p99", "cause", "0.8", "causes", f"{name} is slow")
    path = Path((("front", "1"), (name, "90")), "91", "latency_p99")
    return Explanation(
        summary, "0.8", name, (name,), (row,), ((name, "cpu", "0.91"),), (path,), ("front",), ("c",), ("r",), drawings
    )


def logged(told: Explanation | None, *, payload: object = None) -> LoggedRecord:
    diagnosis = Diagnosis("inc-1", AT, "c0ffee", (), (0, 1), (1, 2), "slow", explanation=told)
    value = {"diagnosis": plain(diagnosis) if payload is None else payload}
    record = Record(RecordKind.DIAGNOSIS, "inc-1/1", "inc-1", "inc-1", Stamp(AT, AT), value)
    return LoggedRecord(1, record, {})


def looked(
    says: Says, told: Explanation | None = None, *, doubts: bool = False, summary: str = "later it names cart"
) -> LoggedRecord:
    look = SecondLook("inc-1", AT, AT + 1, says, "user", "cart", "0.9", doubts, doubts, summary, (), told)
    record = Record(RecordKind.SECOND_LOOK, "inc-1", "inc-1", "inc-1", Stamp(AT, AT), {"look": plain(look)})
    return LoggedRecord(2, record, {})


def page(found: Explained | None, since: SeenSince | None = None) -> str:
    parts = _environment().get_template("_parts.html").module
    return _environment().get_template("_explanation.html").render(explained=found, since=since, parts=parts)


class Tags(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.names: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.names |= {name for name, _ in attributes}


def test_the_newest_explanation_of_the_records_is_shown():
    found = explained([logged(explanation(summary="old")), logged(explanation()), logged(None)])
    assert found is not None
    assert found.told.summary == "cart is the likeliest cause"


def test_without_an_explanation_or_with_one_of_another_release_nothing_is():
    assert explained([]) is None
    assert explained([logged(None)]) is None
    assert explained([logged(None, payload={"incident": "inc-1"})]) is None


def test_it_tells_and_draws_everything_that_there_is():
    found = explained([logged(explanation())])
    shown = page(found)
    assert Tags(shown).tags.count("svg") == 3
    for text in ("cart is the likeliest cause", "0.80", "cpu of cart: 0.91", "front 1 &gt; cart 90", "Falls when cart falls"):
        assert text in shown


def test_nothing_that_telemetry_named_is_obeyed():
    shown = Tags(page(explained([logged(explanation(HOSTILE, HOSTILE))])))
    assert "script" not in shown.tags
    assert not [name for name in shown.names if name.startswith("on")]
    assert "style" not in shown.tags
    assert "style" not in shown.names


def test_what_was_seen_since_stands_apart_from_what_was_known():
    records = [logged(explanation(summary="known then")), looked(Says.AGREES, explanation(summary="seen later"))]
    known, since = page(explained(records), seen_since(records)).split('<h2 id="since">')
    assert "known then" in known
    assert "seen later" not in known
    assert "later it names cart." in since
    assert "seen later" in since
    assert Tags(since).tags.count("svg") == 3
    assert "alert" not in since


def test_a_second_look_that_names_another_cause_is_loud():
    for says, doubts, loud in ((Says.ANOTHER, True, "It names another cause."), (Says.FOUND, False, "It names a cause.")):
        shown = page(None, seen_since([looked(says, doubts=doubts)]))
        assert "alert" in shown
        assert loud in shown


def test_a_second_look_is_not_shown_beside_a_diagnosis_that_was_made_after_it():
    assert seen_since([looked(Says.AGREES), logged(explanation())]) is None


def test_a_second_look_of_another_release_is_not_shown():
    odd = LoggedRecord(3, Record(RecordKind.SECOND_LOOK, "k", "inc-1", "inc-1", Stamp(AT, AT), {"look": {"incident": 1}}), {})
    assert seen_since([odd]) is None
    assert seen_since([]) is None


def test_nothing_that_a_second_look_names_is_obeyed():
    shown = Tags(page(None, seen_since([looked(Says.ANOTHER, explanation(HOSTILE, HOSTILE), doubts=True, summary=HOSTILE)])))
    assert "script" not in shown.tags
    assert not [name for name in shown.names if name.startswith("on")]
