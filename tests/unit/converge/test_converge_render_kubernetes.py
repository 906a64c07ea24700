"""A unit of a Kubernetes target: whole manifests, limits that fit, and one wrong object that holds back no other."""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from converge_history import History, unit

from reconciler.converge import manifests
from reconciler.converge.render import Outcome, RenderCache, RenderedUnit, Tools
from reconciler.converge.rounds import Converger, Round
from reconciler.converge.units import UnitIndex
from reconciler.converge.values import RenderFailure
from reconciler.documents.installation import InstallationSpec, Unit
from reconciler.errors import Misconfigured, Retryable
from reconciler.model.reasons import Reason
from reconciler.ports.renderer import Ask, Reads
from reconciler.ports.repo import Repo
from reconciler.testing.targets import FakeTarget

SHOP = unit("shop")


def config(name: str, **more: str) -> bytes:
    data = "".join(f"  {key}: {json.dumps(value)}\n" for key, value in more.items())
    head = f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}, namespace: shop}}\n"
    return f"{head}{'data:' if data else ''}\n{data}".encode()


def rendered(history: History, made: Unit = SHOP, tools: Tools | None = None) -> Outcome:
    return RenderCache(tools=tools).get(history.repo, history.head, made, "kubernetes")


def good(outcome: Outcome) -> RenderedUnit:
    assert isinstance(outcome, RenderedUnit), outcome.detail
    return outcome


def test_yaml_and_json_files_hold_manifests(history: History) -> None:
    manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "j", "namespace": "shop"}}
    history.commit({"apps/shop/a.yaml": config("a"), "apps/shop/b.json": json.dumps(manifest, indent=1).encode()})
    assert [o.id for o in good(rendered(history)).rendered.objects] == ["ConfigMap/shop/a", "ConfigMap/shop/j"]


def test_a_wrong_manifest_is_told_at_its_place_and_holds_back_no_other(history: History) -> None:
    history.commit(
        {"apps/shop/a.yaml": config("a") + b"---\nkind: Pod\n", "apps/shop/b.yaml": b"a: [", "apps/shop/c.yaml": config("c")}
    )
    made = good(rendered(history))
    assert [o.id for o in made.rendered.objects] == ["ConfigMap/shop/a", "ConfigMap/shop/c"]
    assert "apps/shop/a.yaml:6:1: apiVersion is missing" in made.detail
    assert "apps/shop/b.yaml:2:1: not YAML" in made.detail


@pytest.mark.parametrize("emptied", [b"", b"# gone\n", b"---\n# gone\n---\n", b"kind: ConfigMapList\nitems: []\n"])
def test_a_file_that_was_emptied_is_told_and_holds_back_no_other(history: History, emptied: bytes) -> None:
    history.commit({"apps/shop/a.yaml": config("a"), "apps/shop/b.yaml": emptied, "apps/shop/c.json": b"null"})
    made = good(rendered(history))
    assert [o.id for o in made.rendered.objects] == ["ConfigMap/shop/a"]
    assert [str(e).partition(" (delete the file")[0] for e in made.errors] == [
        "apps/shop/b.yaml:1:1: the file holds no object",
        "apps/shop/c.json:1:1: the file holds no object",
    ]


def test_a_unit_in_which_everything_is_wrong_does_not_render(history: History) -> None:
    history.commit({"apps/shop/b.yaml": b"a: ["})
    assert isinstance(rendered(history), RenderFailure)


def test_the_same_object_twice_names_both_places_also_across_files(history: History) -> None:
    history.commit({"apps/shop/a.yaml": config("a"), "apps/shop/b.yaml": b"\n" + config("a")})
    assert good(rendered(history)).detail == "apps/shop/b.yaml:4:18: ConfigMap/shop/a is already written at apps/shop/a.yaml:1:1"


def test_ten_thousand_objects_in_one_file_and_an_object_of_three_megabytes_render(history: History) -> None:
    many = b"---\n".join(config(f"c{n}") for n in range(10_000))
    history.commit({"apps/shop/many.yaml": many, "apps/shop/big.yaml": config("big", text="x" * 3_000_000)})
    assert len(good(rendered(history)).rendered.objects) == 10_001


def test_even_a_large_unit_has_an_end(history: History, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(manifests, "WHOLE", dataclasses.replace(manifests.WHOLE, objects=3))
    history.commit({"apps/shop/a.yaml": b"---\n".join(config(f"c{n}") for n in range(4))})
    assert "more than 3 objects" in rendered(history).detail


class Echo:
    """A renderer that prints the files it is given, and can be told to fail."""

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.calls: list[tuple[Ask, Mapping[str, bytes]]] = []

    def version(self) -> str:
        return "1"

    def reads(self, ask: Ask, repo: Repo, revision: str) -> Reads:
        text = repo.read(revision, f"{ask.path}/uses") or b""
        folders = [ask.path, *text.decode().split()]
        found = {p: b for folder in folders if repo.tree(revision, folder) for p, b in repo.files(revision, folder).items()}
        return Reads({p: b for p, b in found.items() if p.endswith(".yaml")} | {}, frozenset(folders[1:]))

    def render(self, ask: Ask, files: Mapping[str, bytes], *, secret: bool) -> bytes:
        self.calls.append((ask, files))
        if self.error:
            raise self.error
        return b"---\n".join(files[path] for path in sorted(files))


@pytest.fixture
def echo() -> Echo:
    return Echo()


def helm(name: str = "shop", **render: object) -> Unit:
    return unit(name, render={"kind": "helm", **render})


def test_a_renderer_gets_exactly_what_it_reads_and_its_output_is_made_into_objects(history: History, echo: Echo) -> None:
    history.commit(
        {"apps/shop/a.yaml": config("a"), "apps/shop/other": b"x", "base/b.yaml": config("b"), "apps/shop/uses": b"base"}
    )
    made = good(rendered(history, helm(values={"x": 1}), Tools({"helm": echo})))
    assert [o.id for o in made.rendered.objects] == ["ConfigMap/shop/a", "ConfigMap/shop/b"]
    ((ask, files),) = echo.calls
    assert (ask.unit, ask.path, ask.settings["values"], sorted(files)) == (
        "shop",
        "apps/shop",
        {"x": 1},
        ["apps/shop/a.yaml", "base/b.yaml"],
    )
    assert made.places["ConfigMap/shop/a"] == "apps/shop (helm):1:1"


def test_only_what_is_read_and_what_homeostat_yaml_says_makes_a_new_render(history: History, echo: Echo) -> None:
    cache = RenderCache(tools=Tools({"helm": echo}))
    files = {"apps/shop/a.yaml": config("a"), "apps/shop/uses": b"base", "base/b.yaml": config("b")}
    for changed, times in (
        (files, 1),
        ({"apps/shop/notes": b"x", "base/notes": b"x", "else/x": b"1"}, 1),
        ({"base/b.yaml": config("c")}, 2),
    ):
        history.commit(dict(changed))
        cache.get(history.repo, history.head, helm(), "kubernetes")
        assert len(echo.calls) == times
    cache.get(history.repo, history.head, helm(values={"x": 1}), "kubernetes")
    assert len(echo.calls) == 3


def test_what_another_try_may_cure_is_not_remembered(history: History, echo: Echo) -> None:
    cache = RenderCache(tools=Tools({"helm": echo}))
    history.commit({"apps/shop/a.yaml": config("a")})
    echo.error = Retryable("the program helm is not there")
    assert "not there" in cache.get(history.repo, history.head, helm(), "kubernetes").detail
    echo.error = Misconfigured("bad chart")
    assert "bad chart" in cache.get(history.repo, history.head, helm(), "kubernetes").detail
    echo.error = None
    assert "bad chart" in cache.get(history.repo, history.head, helm(), "kubernetes").detail
    assert len(echo.calls) == 2


HOOK = 'apiVersion: v1\nkind: Pod\nmetadata: {name: h, namespace: shop, annotations: {helm.sh/hook: "%s"}}\n'


@pytest.mark.parametrize(
    ("hook", "hooks", "kept"),
    [
        ("pre-install", "skip", 1),
        ("pre-install,post-upgrade", "apply", 2),
        ("test", "refuse", 1),
        ("test-success", "apply", 1),
    ],
)
def test_hooks_are_what_the_unit_says(history: History, echo: Echo, hook: str, hooks: str, kept: int) -> None:
    history.commit({"apps/shop/a.yaml": config("a") + b"---\n" + (HOOK % hook).encode()})
    assert len(good(rendered(history, helm(hooks=hooks), Tools({"helm": echo}))).rendered.objects) == kept


def test_hooks_are_refused_by_name_unless_somebody_decided(history: History, echo: Echo) -> None:
    history.commit({"apps/shop/a.yaml": config("a") + b"---\n" + (HOOK % "pre-install").encode()})
    told = rendered(history, helm(), Tools({"helm": echo})).detail
    assert "1 objects of the chart are hooks" in told
    assert "Pod h (pre-install) (set render.hooks to skip" in told


def test_a_renderer_that_is_not_set_up_is_said(history: History) -> None:
    history.commit({"apps/shop/a.yaml": config("a")})
    assert "rendered by helm, which is not set up here" in rendered(history, helm()).detail


class Fleet:
    """Units of one fake target that calls itself a cluster."""

    def __init__(self, history: History, echo: Echo, units: Sequence[Unit]) -> None:
        self.history, self.generation, self.applied = history, 0, ""
        self.target = FakeTarget("lab")
        self.converger = Converger(history.repo, {"lab": self.target}, cache=RenderCache(tools=Tools({"helm": echo})))
        told: dict[str, Any] = {
            "repository": "r",
            "targets": [{"name": "lab", "kind": "kubernetes", "settings": {}}],
            "units": [],
        }
        self.index = UnitIndex.of(units, InstallationSpec.model_validate_json(json.dumps(told)).targets)

    def turn(self, pending: frozenset[str] = frozenset()) -> dict[str, Reason]:
        self.generation += 1
        result = self.converger.converge(Round(self.index, self.history.head, self.applied, self.generation, 0, pending))
        self.applied = self.history.head
        self.last = result
        return {o.unit: o.reason for o in result.outcomes}


def test_a_base_that_units_share_concerns_them_all_and_nobody_else(history: History, echo: Echo) -> None:
    fleet = Fleet(history, echo, [helm("shop"), helm("edge"), helm("data"), unit("web")])
    files = {f"apps/{name}/a.yaml": config(f"{name}a") for name in ("shop", "edge", "data", "web")}
    history.commit({**files, "apps/shop/uses": b"base", "apps/edge/uses": b"base lib/x", "base/README": b"1"})
    assert set(fleet.turn()) == {"shop", "edge", "data", "web"}
    history.commit({"docs/x": b"1"})
    assert fleet.turn() == {}
    history.commit({"base/README": b"2"})
    assert set(fleet.turn()) == {"shop", "edge"}
    history.commit({"lib/x/b.yaml": config("new")})
    assert set(fleet.turn()) == {"edge"}
    assert sorted(i for i, owner in fleet.target.inventory().items() if owner == "edge") == [
        "ConfigMap/shop/edgea",
        "ConfigMap/shop/new",
    ]


def test_who_reads_a_path_is_known_before_it_is_changed(history: History, echo: Echo) -> None:
    fleet = Fleet(history, echo, [helm("shop"), helm("edge"), unit("web")])
    history.commit({"apps/shop/uses": b"base", "apps/edge/uses": b"base/deep apps/web", "apps/web/a.yaml": config("a")})
    asked = {"base/x": {"shop"}, "base/deep/y": {"shop", "edge"}, "apps/web/a.yaml": {"edge"}, "apps/shop/uses": set()}
    for path, readers in asked.items():
        assert fleet.converger.readers(fleet.index, history.head, [path]) == readers


def test_what_a_unit_begins_and_ceases_to_read_is_followed(history: History, echo: Echo) -> None:
    fleet = Fleet(history, echo, [helm("shop")])
    history.commit({"apps/shop/a.yaml": config("a"), "apps/shop/uses": b"base", "base/x": b"1", "next/x": b"1"})
    fleet.turn()
    history.commit({"apps/shop/uses": b"next"})
    assert set(fleet.turn()) == {"shop"}
    history.commit({"base/x": b"2"})
    assert fleet.turn() == {}
    history.commit({"next/x": b"2"})
    assert set(fleet.turn()) == {"shop"}


def test_a_unit_that_renders_in_part_is_applied_in_part_and_nothing_is_deleted(history: History, echo: Echo) -> None:
    fleet = Fleet(history, echo, [unit("shop")])
    history.commit({"apps/shop/a.yaml": config("a"), "apps/shop/b.yaml": config("b")})
    assert fleet.turn() == {"shop": Reason.APPLIED}
    history.commit({"apps/shop/a.yaml": config("a", x="new"), "apps/shop/b.yaml": b"a: [", "apps/shop/c.yaml": config("c")})
    assert fleet.turn() == {"shop": Reason.INVALID}
    assert fleet.last.pending == {"shop"}
    (outcome,) = fleet.last.outcomes
    assert "apps/shop/b.yaml:2:1" in outcome.detail
    assert sorted(fleet.target.inventory()) == ["ConfigMap/shop/a", "ConfigMap/shop/b", "ConfigMap/shop/c"]
    history.commit({"apps/shop/b.yaml": None})
    assert fleet.turn(fleet.last.pending) == {"shop": Reason.APPLIED}
    assert sorted(fleet.target.inventory()) == ["ConfigMap/shop/a", "ConfigMap/shop/c"]
