import functools
import time

import pytest

from reconciler.errors import Misconfigured
from reconciler.expressions import CelType, compile_condition, tree
from reconciler.expressions.types import MAX_INPUT, MAX_ITEMS, MAX_TEXT

VARIABLES = {
    "n": CelType.INT,
    "x": CelType.DOUBLE,
    "s": CelType.STRING,
    "b": CelType.BOOL,
    "names": CelType.STRINGS,
    "scores": CelType.NUMBERS,
    "labels": CelType.TEXTS,
}
VALUES = {"n": 1, "x": 0.5, "s": "web", "b": True, "names": ["a", "b"], "scores": {"k": 1.0}, "labels": {"team": "shop"}}


def evaluate(source, **changes):
    return compile_condition(source, VARIABLES, "policies/gate.yaml:7:11").evaluate({**VALUES, **changes})


@pytest.mark.parametrize(
    "source",
    [
        "n == 1",
        "x < 0.6 && b",
        "'a' in names",
        "names.all(name, name in ['a', 'b'])",
        "names.exists(name, labels['team'] == 'shop')",
        "scores.k >= 1.0",
        "s.startsWith('w') || n / (n - 1) == 1",
        "s.matches('^w[a-z]{2}$')",
        "names.filter(name, name != 'a').size() == 1",
        "s + s == 'webweb'  // a comment with 'quotes' and map(",
        "has(labels.team)",
    ],
)
def test_a_condition_that_is_true_passes_without_an_error(source):
    assert evaluate(source) == evaluate(source)
    assert (evaluate(source).passed, evaluate(source).error) == (True, "")


def test_a_condition_that_is_false_fails_without_an_error():
    result = evaluate("n == 2")
    assert (result.passed, result.error) == (False, "")


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("n / (n - 1) == 1", "divide by zero"),
        ("scores['zz'] > 1.0", "Key not found"),
        ("labels.zz == 'a'", "Key not found"),
        ("n + 9223372036854775807 > 0", "overflow"),
        ("int(s) == 3", ""),
        ("timestamp(s) > timestamp('2020-01-01T00:00:00Z')", ""),
    ],
)
def test_a_runtime_error_value_which_is_truthy_text_never_passes(source, words):
    result = evaluate(source)
    assert result.passed is False
    assert result.error
    assert words in result.error


def test_the_engine_really_returns_truthy_error_values_so_the_trap_is_real():
    from cel_expr_python import cel

    value = cel.NewEnv(variables={"n": cel.Type.INT}).compile("n / 0 == 1").eval(data={"n": 1})
    assert bool(value.value()) is True
    assert value.type() == cel.Type.ERROR


def test_a_missing_variable_fails_with_its_name():
    condition = compile_condition("b", {"b": CelType.BOOL, "n": CelType.INT}, "here")
    assert condition.evaluate({"b": True}).error == "no value for 'n'"
    assert not condition.evaluate({"b": True}).passed


def test_an_extra_variable_fails_with_its_name():
    result = evaluate("b", typo=1)
    assert (result.passed, result.error) == (False, "'typo' is not a variable of this condition")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"b": 1}, "'b' is int, not bool"),
        ({"b": "True"}, "'b' is str, not bool"),
        ({"b": None}, "not bool"),
        ({"n": True}, "'n' is bool, not int"),
        ({"n": 2**63}, "64 bits"),
        ({"x": 1}, "'x' is int, not double"),
        ({"x": float("nan")}, "finite"),
        ({"x": float("inf")}, "finite"),
        ({"s": b"web"}, "not string"),
        ({"s": "\ud800"}, "Unicode"),
        ({"s": "a" * (MAX_TEXT + 1)}, "longer than"),
        ({"names": "ab"}, "not a list"),
        ({"names": ["a", 1]}, "not string"),
        ({"names": ["a"] * (MAX_ITEMS + 1)}, "more than"),
        ({"names": ["a" * 300] * 999}, "together"),
        ({"scores": {"k": True}}, "not double"),
        ({"scores": {1: 1.0}}, "not string"),
        ({"labels": ["team"]}, "not a map"),
    ],
)
def test_a_value_of_the_wrong_type_or_size_fails_even_if_the_condition_does_not_need_it(change, words):
    result = evaluate("true", **change)
    assert result.passed is False
    assert words in result.error


def test_the_values_it_looked_at_are_told_and_the_others_are_not():
    assert evaluate("n == 1 && s == 'x'").values == (("n", "1"), ("s", "web"))


def test_a_long_or_odd_value_is_told_in_a_form_that_can_be_written():
    shown = dict(evaluate("s == 'x'", s="\ud800" + "a" * 500).values)["s"]
    assert len(shown) <= 120
    shown.encode()


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("n", "must be bool"),
        ("dyn(b)", "must be bool"),
        ("nope == 1", "undeclared reference to 'nope'"),
        ("x > 1", "no matching overload"),
        ("n ==", "Syntax error"),
        ("", "empty"),
        ("   ", "empty"),
        ("now() > 1", "undeclared reference"),
        ("(" * 40 + "b" + ")" * 40, "recursion limit"),
        ("!" * 3000 + "b", "longer than"),
    ],
)
def test_what_does_not_compile_to_bool_is_refused_with_its_place_and_the_known_variables(source, words):
    with pytest.raises(Misconfigured, match=words) as caught:
        compile_condition(source, VARIABLES, "policies/gate.yaml:7:11")
    assert caught.value.where == "policies/gate.yaml:7:11"


def test_nested_loops_end_at_the_iteration_budget():
    started = time.monotonic()
    result = evaluate("names.all(a, names.all(c, names.all(d, names.all(e, true))))", names=["a"] * 200)
    assert (result.passed, "budget" in result.error) == (False, True)
    assert time.monotonic() - started < 2


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("names.map(a, a + a).map(a, a + a).size() > 0", "`map`"),
        ("names . map (a, a).size() > 0", "`map`"),
        ("names.exists(a, s + a == s)", "must not grow"),
        ("[[names, names]].exists(a, [[a, a]].exists(c, c == c))", "literals only"),
        ("names.exists(a, a in [a, s])", "literals only"),
        ("names.exists(a, a in ['x'", "literals only"),
        ("names.exists(a, a in [('x')])", "literals only"),
        ("names.exists(a, {'k': a} == {'k': a})", "must not grow"),
        ("names.exists(a, s.matches(a))", "literal pattern"),
        ("s.matches(s)", "literal pattern"),
        ("matches(s, 'a')", "literal pattern"),
        ("names.exists(a, a.matches('(a{1,100}){1,9}b'))", "cannot hold"),
        (" && ".join(["names.all(a, true)"] * 9), "more than 8 macros"),
    ],
)
def test_what_could_grow_or_cost_too_much_is_refused_before_it_runs(source, words):
    with pytest.raises(Misconfigured, match=words):
        compile_condition(source, VARIABLES, "here")


def test_the_costliest_allowed_condition_stays_bounded():
    names = ["a" * 2_000] * 90
    started = time.monotonic()
    result = evaluate("names.all(a, names.all(c, !a.matches('(a*)*(a+)+(a?)?b') && a.contains(c)))", names=names)
    assert result.passed
    assert time.monotonic() - started < 10


def test_macro_names_inside_strings_and_comments_count_for_nothing():
    assert evaluate("s != 'x.map(a, a + a)' // .map(").passed


def test_conditions_are_equal_when_source_and_variables_are():
    assert compile_condition("b", VARIABLES, "here") == compile_condition("b", VARIABLES, "here")
    assert compile_condition("b", VARIABLES, "here") != compile_condition("b && b", VARIABLES, "here")


OBJECT = {"status": CelType.OBJECT}


def asked(source, value):
    return compile_condition(source, OBJECT, "health/a.yaml:7:11").evaluate({"status": value})


def test_an_object_is_asked_as_json():
    value = tree({"phase": "Ready", "count": 2, "parts": [{"ok": True}], "none": None})
    assert asked("status.phase == 'Ready' && status.count < 3 && status.parts.all(p, p.ok) && status.none == null", value).passed


def test_a_missing_field_of_an_object_is_an_error_and_not_a_no():
    assert "phase" in asked("status.phase == 'Ready'", tree({})).error


def test_an_object_that_was_not_checked_is_refused():
    assert "not a checked object" in asked("has(status.phase)", {"phase": "Ready"}).error


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"a": object()}, "no JSON"),
        ({"a": 2**64}, "64 bits"),
        ({"a": float("nan")}, "finite"),
        ({"a": ["x"] * (MAX_ITEMS + 1)}, "more than"),
        ({"a": "x" * (MAX_INPUT + 1)}, "longer than"),
        ({"a": ["x" * 1_000] * 500}, "larger than"),
        ({1: "a"}, "not string"),
        (functools.reduce(lambda inner, _: {"a": inner}, range(100), {}), "deeper"),
    ],
)
def test_only_bounded_json_is_an_object(value, words):
    with pytest.raises((TypeError, ValueError), match=words):
        tree(value)


def test_the_worst_condition_over_an_object_ends_within_a_second():
    value = tree({"a": [{"b": ["x" * 200] * 20} for _ in range(50)]})
    start = time.perf_counter()
    asked("status.a.exists(a, status.a.exists(b, status.a.exists(c, c.b.exists(d, d.matches('(x+x+)+y')))))", value)
    assert time.perf_counter() - start < 5
