"""Real kustomizations, good and hostile: what is read is known beforehand, and nothing else can be."""

from collections.abc import Callable, Mapping

import pytest
from renderer_peers import Files, kustomize

from reconciler.adapters.renderers.child import Limits
from reconciler.adapters.renderers.kustomize import KustomizeRenderer
from reconciler.errors import HomeostatError, Misconfigured
from reconciler.ports.renderer import Ask, Reads

ASK = Ask("shop", "apps/shop", settings={"kind": "kustomize"})
K = "apps/shop/kustomization.yaml"
CONFIG = b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n"
Make = Callable[[Mapping[str, bytes]], tuple[Reads, Callable[[], str]]]


@pytest.fixture
def make(tmp_path_factory: pytest.TempPathFactory) -> Make:
    commit = Files(tmp_path_factory.getbasetemp())

    def made(files: Mapping[str, bytes]) -> tuple[Reads, Callable[[], str]]:
        repo, revision = commit(files)
        reads = KustomizeRenderer("none").reads(ASK, repo, revision)
        data = {path: repo.blob(blob) for path, blob in reads.files.items()}
        return reads, lambda: kustomize().render(ASK, data, secret=False).decode()

    return made


FIELDS = {
    K: b"""resources: [a.yaml, nested/, ../../base]
components: [../../parts/x]
crds: [crd.json]
configurations: [names.yaml]
patches: [{path: patch.yaml}, {patch: "[]", target: {kind: Nothing}}]
replacements: [{path: replace.yaml}]
configMapGenerator:
- {name: g, files: [one.txt, key=two.txt], envs: [some.env]}
transformers: [label.yaml]
""",
    "apps/shop/a.yaml": CONFIG,
    "apps/shop/nested/kustomization.yaml": b"resources: [n.yaml]\n",
    "apps/shop/nested/n.yaml": CONFIG.replace(b"name: c", b"name: nest"),
    "apps/shop/crd.json": b"{}",
    "apps/shop/names.yaml": b"nameReference: []\n",
    "apps/shop/patch.yaml": b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {patched: 'yes'}\n",
    "apps/shop/replace.yaml": b"source: {kind: ConfigMap, name: c, fieldPath: metadata.name}\n"
    b"targets: [{select: {kind: ConfigMap, name: nest}, fieldPaths: [data.from], options: {create: true}}]\n",
    "apps/shop/one.txt": b"1",
    "apps/shop/two.txt": b"2",
    "apps/shop/some.env": b"A=b\n",
    "apps/shop/label.yaml": b"apiVersion: builtin\nkind: PatchTransformer\nmetadata: {name: x}\npath: deep/patch.yaml\n"
    b"target: {name: c}\n",
    "apps/shop/deep/patch.yaml": b"- {op: add, path: /data/deep, value: found}\n",
    "base/kustomization.yml": b"resources: [b.yaml]\n",
    "base/b.yaml": CONFIG.replace(b"name: c", b"name: b"),
    "parts/x/Kustomization": b"apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\ncommonAnnotations: {part: x}\n",
}
UNREAD = {"apps/shop/README.md": b"x", "apps/shop/unused.yaml": b"x", "base/unused.yaml": b"x", "parts/y/z.yaml": b"x", "z": b"x"}


def test_everything_that_is_read_is_found_from_the_files(make: Make) -> None:
    reads, _ = make({**FIELDS, **UNREAD})
    assert sorted(reads.files) == sorted(FIELDS)
    assert reads.around == {"base", "parts/x"}


@pytest.mark.peer
def test_and_it_is_all_that_kustomize_needs(make: Make) -> None:
    _, render = make({**FIELDS, **UNREAD})
    text = render()
    for part in ("patched", "deep: found", "from: c", "name: b", "part: x", "key: ", "A: b"):
        assert part in text


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("https://example.org/a.yaml", "lies on another machine, and nothing is fetched"),
        ("github.com/org/repo//base?ref=main", "lies on another machine"),
        ("git@github.com:org/repo.git", "lies on another machine"),
        ("ssh://git@example.org/repo", "lies on another machine"),
        ("../../../../etc/passwd", "is not in the repository below apps/shop"),
        ("/etc/passwd", "is not in the repository below apps/shop"),
        ("../../else/file.yaml", "is not in the repository below apps/shop"),
        ("../..", "is not in the repository"),
        ("missing.yaml", "is not in the repository below apps/shop"),
    ],
)
def test_what_is_not_in_the_repository_is_refused_at_its_place(make: Make, entry: str, said: str) -> None:
    for field in ("resources", "bases", "components", "crds"):
        with pytest.raises(Misconfigured, match=said) as caught:
            make({K: f"{field}:\n- {entry}\n".encode(), "else/file.yaml": CONFIG})
        assert str(caught.value).startswith(f"{K}:2:3: ")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("patches: [{path: https://example.org/x}]", "lies on another machine"),
        ("configMapGenerator: [{name: a, files: [../../../etc/passwd]}]", "is not in the repository"),
        ("secretGenerator: [{name: a, envs: [/proc/self/environ]}]", "is not in the repository"),
        ("openapi: {path: https://example.org/x}", "lies on another machine"),
        ("transformers: [https://example.org/x]", "lies on another machine"),
        ("helmCharts: [{name: x, repo: https://example.org}]", "kustomize is not let run Helm"),
        ("resources: &a [a.yaml]", "anchors are not allowed"),
        ("[1]", "a kustomization is one mapping"),
    ],
)
def test_hostile_kustomizations_are_refused_before_anything_runs(make: Make, text: str, said: str) -> None:
    with pytest.raises(Misconfigured, match=said) as caught:
        make({K: text.encode()})
    assert str(caught.value).startswith(f"{K}:1:")


def test_two_kustomizations_in_one_folder_and_none_are_refused(make: Make) -> None:
    with pytest.raises(Misconfigured, match="kustomization has exactly one"):
        make({K: b"resources: []\n", "apps/shop/kustomization.yml": b"{}"})
    with pytest.raises(Misconfigured, match=r"apps/shop/kustomization.yaml:1:13: base holds no kustomization\.yaml"):
        make({K: b"resources: [../../base]\n", "base/x.yaml": CONFIG})


def test_kustomizations_in_a_circle_are_read_once_each(make: Make) -> None:
    reads, _ = make({K: b"resources: [../../base]\n", "base/kustomization.yaml": b"resources: [../apps/shop]\n"})
    assert sorted(reads.files) == [K, "base/kustomization.yaml"]


@pytest.mark.peer
def test_kustomize_refuses_a_circle_and_says_so(make: Make) -> None:
    _, render = make({K: b"resources: [../../base]\n", "base/kustomization.yaml": b"resources: [../apps/shop]\n"})
    with pytest.raises(Misconfigured, match="cycle detected"):
        render()


EXEC = b"""apiVersion: example.org/v1
kind: Run
metadata:
  name: x
  annotations:
    config.kubernetes.io/function: |
      exec: {path: ./evil.sh}
"""


@pytest.mark.peer
@pytest.mark.parametrize("field", ["generators", "transformers", "validators"])
@pytest.mark.parametrize("plugin", [EXEC, EXEC.replace(b"exec: {path: ./evil.sh}", b"container: {image: evil, network: true}")])
def test_plug_ins_do_not_run(make: Make, field: str, plugin: bytes) -> None:
    evil = b"#!/bin/sh\necho owned\n"
    _, render = make({K: f"{field}: [p.yaml]\n".encode(), "apps/shop/p.yaml": plugin, "apps/shop/evil.sh": evil})
    with pytest.raises(Misconfigured, match="external plugins disabled"):
        render()


@pytest.mark.peer
def test_an_error_names_the_file_and_nothing_of_this_machine(make: Make) -> None:
    _, render = make({K: b"resources: [a.yaml]\n", "apps/shop/a.yaml": b"a: ["})
    with pytest.raises(Misconfigured) as caught:
        render()
    assert "a.yaml" in str(caught.value)
    assert "homeostat-render" not in str(caught.value)


BOMB = b"a: &a [x,x,x,x,x,x,x,x,x]\n" + b"".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [{','.join([f'*{chr(97 + n)}'] * 9)}]\n".encode() for n in range(9)
)


@pytest.mark.peer
def test_a_yaml_bomb_ends_within_its_limits(make: Make, tmp_path_factory: pytest.TempPathFactory) -> None:
    head = b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n"
    repo, revision = Files(tmp_path_factory.getbasetemp())({K: b"resources: [a.yaml]\n", "apps/shop/a.yaml": head + BOMB})
    reads = KustomizeRenderer("none").reads(ASK, repo, revision)
    renderer = kustomize()
    renderer._limits = Limits(seconds=20, cpu_s=20, memory=512 * 1024**2, output=10_000_000)
    with pytest.raises(HomeostatError):
        renderer.render(ASK, {path: repo.blob(blob) for path, blob in reads.files.items()}, secret=False)
