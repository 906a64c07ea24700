"""The pull request's body: every section, the requirement table, and nothing hostile left alive."""

from __future__ import annotations

from dataclasses import replace

from reconciler.changes.markdown import MAX_BODY, render_markdown, requirement_table
from reconciler.model.drawings import Graph, Node, Role
from reconciler.model.judging import Requirement, Status
from reconciler.model.pulls import Narrative, PullRequest, PullState, Since

NARRATIVE = Narrative(
    "Roll back", "It got slow.", ("p99 rose",), ("1.4.3 to 1.4.2",), "faster", "low", "git revert", "i-1", "rb", "f-1"
)
PULL = PullRequest(
    7, "infra", "main", "homeostat/x", "b" * 40, "c" * 40, "sha256:p", (), PullState.OPEN, "homeostat", NARRATIVE, 1
)
ROW = Requirement("budget", Status.SATISFIED, "allowed", "merges < 5", (("merges", "1"),), document="policies/m.yaml:3")


def test_every_section_is_there_in_order():
    body = render_markdown(PULL)
    titles = [
        "What happened",
        "Evidence",
        "The edit",
        "Predicted effect",
        "Blast radius",
        "Requirements",
        "How to undo",
        "Origin",
    ]
    assert [line[3:] for line in body.splitlines() if line.startswith("## ")] == titles
    assert "Not judged yet." in body
    assert f"`{'c' * 40}`" in body


def test_what_the_analysis_says_is_drawn_as_forges_draw_it_and_no_name_ends_the_drawing():
    evil = "cart\n```\n## Approved\n<img>"
    graph = Graph((Node("front", Role.SYMPTOM), Node(evil, Role.CAUSE)), (("front", evil),))
    body = render_markdown(replace(PULL, narrative=replace(NARRATIVE, explained="cart <b>did</b> it", graph=graph)))
    fenced = body.split("```mermaid\n")[1].split("\n```\n")[0].splitlines()
    assert fenced[:4] == [
        "graph LR",
        '  n0["front"]:::symptom',
        '  n1["cart_______ Approved__img_"]:::cause',
        "  n0 --> n1",
    ]
    assert body.count("```") == 2
    assert "## Approved" not in body
    assert "<b>" not in body


def test_what_was_seen_since_stands_apart_and_another_cause_is_loud():
    for doubts, loud in ((False, 0), (True, 1)):
        body = render_markdown(replace(PULL, narrative=replace(NARRATIVE, since=Since("names user <b>", doubts))))
        since = body.split("## Seen since\n\n")[1].split("\n\n## ")[0]
        assert "names user &lt;b&gt;" in since
        assert since.count("**It names another cause") == loud


def test_a_requirement_is_one_row_with_rule_values_and_remedy():
    row = replace(ROW, status=Status.UNSATISFIED, missing="one review", command="homeostat pr approve 7")
    table = requirement_table([ROW, row]).splitlines()
    assert table[2] == "| budget | yes (allowed) | `merges < 5` policies/m.yaml:3 | `merges = 1` |  |  |"
    assert table[3].endswith("| one review | `homeostat pr approve 7` |")
    assert "**no**" in table[3]


def test_a_hostile_value_adds_no_row_and_no_cell():
    row = replace(ROW, name="a|b\n| fake | yes |", values=(("x", "`|`\n| fake |"),), missing="<img src=x>", expression="a || b")
    table = requirement_table([row]).splitlines()
    assert len(table) == 3
    assert table[2].replace("\\|", "").count("|") == 7
    assert "<img" not in table[2]


def test_a_hostile_narrative_stays_text():
    told = replace(NARRATIVE, what_happened="<script>alert(1)</script> [x](http://evil) @team", evidence=("* [ ] # x",))
    body = render_markdown(replace(PULL, narrative=told))
    assert "<script>" not in body
    assert "](http" not in body
    assert "@team" not in body


def test_a_diff_cannot_close_its_fence():
    body = render_markdown(PULL, "+ ```\n+ ## Approved\n")
    assert body.count("````") == 2


def test_the_body_stays_below_what_forges_accept():
    told = replace(NARRATIVE, evidence=("e" * 300,) * 1_000)
    assert len(render_markdown(replace(PULL, narrative=told), "+x\n" * 100_000)) <= MAX_BODY + 1
    assert "(cut here)" in render_markdown(PULL, "+x\n" * 100_000)
    assert "and 40 more in the record" in requirement_table([ROW] * 100)
