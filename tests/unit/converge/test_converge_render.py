"""Manifests of one folder become objects, or errors with their places; an unrelated commit renders nothing."""

import os

import pytest
from converge_history import History, service, unit

from reconciler.adapters.repos.pygit import PygitRepo
from reconciler.converge.manifests import PLAIN
from reconciler.converge.render import Outcome, RenderCache, RenderedUnit, render
from reconciler.converge.shapes import body_digest
from reconciler.converge.values import RenderFailure
from reconciler.model.canonical import digest

SHOP = unit("shop")


def rendered(history: History) -> Outcome:
    return render(history.repo, history.head, SHOP, history.repo.tree(history.head, SHOP.path) or "")


def errors(history: History) -> str:
    made = rendered(history)
    assert isinstance(made, RenderFailure)
    return made.detail


def good(history: History) -> RenderedUnit:
    made = rendered(history)
    assert isinstance(made, RenderedUnit)
    return made


def test_a_manifest_becomes_an_object_with_its_body_and_place(history: History) -> None:
    history.commit({"apps/shop/checkout.yaml": service("checkout", 3)})
    made = good(history)
    (found,) = made.rendered.objects
    assert (found.id, found.unit, found.path, found.spec) == (
        "Service/checkout",
        "shop",
        "apps/shop/checkout.yaml",
        {"replicas": 3},
    )
    assert found.digest == digest({"replicas": 3})
    assert made.places[found.id] == "apps/shop/checkout.yaml:1:1"


def test_files_of_other_kinds_and_other_folders_are_not_read(history: History) -> None:
    history.commit({"apps/shop/README.md": b"\xff", "apps/shop/a.yml": service("a"), "apps/shopping/b.yaml": b"\xff"})
    assert [o.id for o in good(history).rendered.objects] == ["Service/a"]


def test_one_file_may_hold_several_documents_and_folders_nest(history: History) -> None:
    history.commit({"apps/shop/x/y/all.yaml": service("b") + b"---\n" + service("a")})
    assert [o.id for o in good(history).rendered.objects] == ["Service/a", "Service/b"]


def test_a_manifest_without_spec_has_its_other_keys_as_body(history: History) -> None:
    history.commit({"apps/shop/c.yaml": b"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: c\ndata:\n  a: b\n"})
    assert good(history).rendered.objects[0].spec == {"data": {"a": "b"}}


def test_a_folder_that_is_not_there_has_no_objects(history: History) -> None:
    history.commit({"a": b"1"})
    assert good(history).rendered.objects == ()


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"a: [", "apps/shop/x.yaml:2:1"),
        (b"a: 1\na: 2\n", "apps/shop/x.yaml:2:1"),
        (b"a: &x 1\nb: *x\n", "apps/shop/x.yaml:1:4"),
        (b"\xff\xfe", "apps/shop/x.yaml"),
        (b"[1, 2]\n", "a manifest is a mapping"),
        (b"kind: Service\n", "metadata.name"),
        (b"kind: service\nmetadata: {name: a}\n", "apps/shop/x.yaml:1:7: kind has to be"),
        (b"apiVersion: v1\nkind: Service\nmetadata: {name: ../../etc}\n", "apps/shop/x.yaml:3:18"),
        (b"kind: Service\nmetadata: {name: a}\nspec: {}\n", "apiVersion is missing"),
        (b"apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: []\n", "apps/shop/x.yaml:4:7: spec is a mapping"),
        (
            b"apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {}\nspecs: 1\n",
            "apps/shop/x.yaml:5:1: 'specs' beside spec",
        ),
    ],
)
def test_a_manifest_that_is_wrong_is_refused_at_its_place(history: History, data: bytes, said: str) -> None:
    history.commit({"apps/shop/x.yaml": data})
    assert said in errors(history)


def test_all_errors_of_a_unit_are_told_at_once(history: History) -> None:
    history.commit({"apps/shop/a.yaml": b"a: [", "apps/shop/b.yaml": b"[]", "apps/shop/c.yaml": service("c")})
    told = errors(history)
    assert "apps/shop/a.yaml:2:1" in told
    assert "apps/shop/b.yaml:1" in told


def test_the_same_object_twice_names_both_places(history: History) -> None:
    history.commit({"apps/shop/a.yaml": service("same"), "apps/shop/b.yaml": service("same")})
    assert errors(history) == "apps/shop/b.yaml:4:9: Service/same is already written at apps/shop/a.yaml:1:1"


def test_a_symlink_in_the_folder_is_refused_with_its_path(history: History, tmp_path: os.PathLike[str]) -> None:
    history.head = _with_symlink(history)
    assert "apps/shop/link.yaml" in errors(history)


def _with_symlink(history: History) -> str:
    """Written with the library itself: our own port refuses to write one."""
    import pygit2

    assert isinstance(history.repo, PygitRepo)
    git = pygit2.Repository(str(history.repo.path))
    tree = git.TreeBuilder()
    tree.insert("link.yaml", git.create_blob(b"../../../etc/passwd"), pygit2.GIT_FILEMODE_LINK)
    for name in ("shop", "apps"):
        above = git.TreeBuilder()
        above.insert(name, tree.write(), pygit2.GIT_FILEMODE_TREE)
        tree = above
    who = pygit2.Signature("a", "a@example.org", 1, 0)
    return str(git.create_commit(None, who, who, "link", tree.write(), []))


def test_too_many_files_are_refused_before_any_is_read(history: History) -> None:
    history.commit({f"apps/shop/{i}.yaml": b"x" for i in range(PLAIN.files + 1)})
    assert f"at most {PLAIN.files}" in errors(history)


def test_fractions_have_a_digest_of_their_own(history: History) -> None:
    assert body_digest({"a": 0.5}) != body_digest({"a": "0.5"})
    assert body_digest({"a": 1, "b": 2}) == body_digest({"b": 2, "a": 1})


def test_an_unrelated_commit_renders_nothing(history: History) -> None:
    cache = RenderCache()
    first = cache.get(history.repo, history.commit({"apps/shop/a.yaml": service("a")}), SHOP, "lab")
    again = cache.get(history.repo, history.commit({"docs/x": b"1"}), SHOP, "lab")
    assert again is first
    assert cache.misses == 1
    cache.get(history.repo, history.commit({"apps/shop/a.yaml": service("a", 2)}), SHOP, "lab")
    assert cache.misses == 2


def test_two_units_never_share_a_cached_render(history: History) -> None:
    cache = RenderCache()
    head = history.commit({"apps/shop/a.yaml": service("a"), "apps/edge/a.yaml": service("a")})
    made = [cache.get(history.repo, head, unit(name), "lab") for name in ("shop", "edge")]
    assert [m.rendered.unit for m in made if isinstance(m, RenderedUnit)] == ["shop", "edge"]


def test_the_cache_forgets_the_least_recently_used(history: History) -> None:
    cache = RenderCache(size=2)
    head = history.commit({"apps/shop/a.yaml": service("a")})
    for name in ("shop", "edge", "shop", "data", "shop"):
        cache.get(history.repo, head, unit(name), "lab")
    assert cache.misses == 3


@pytest.mark.parametrize("emptied", [b"", b"\n", b"# gone\n", b"---\n# gone\n---\n", b"null\n", b"--- ~\n--- # nothing\n"])
def test_a_file_that_was_emptied_is_an_error_and_no_deletion(history: History, emptied: bytes) -> None:
    history.commit({"apps/shop/a.yaml": service("a"), "apps/shop/b.yaml": emptied})
    assert errors(history).startswith("apps/shop/b.yaml:")
    assert "holds no object (delete the file if its objects should go, or bring them back)" in errors(history)
