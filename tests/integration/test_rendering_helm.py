"""Real charts, good and hostile: rendered from the repository alone, the same every time."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from renderer_peers import Files, helm

from reconciler.adapters.renderers.child import Limits
from reconciler.adapters.renderers.helm import HelmRenderer
from reconciler.errors import HomeostatError, Misconfigured, Permanent
from reconciler.ports.renderer import Ask

pytestmark = pytest.mark.peer
Make = Callable[..., str]
CHART = b"apiVersion: v2\nname: web\nversion: 1.0.0\n"
HEAD = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: '{{ .Release.Name }}', namespace: '{{ .Release.Namespace }}'}\ndata:\n"


def chart(*lines: str, **more: bytes) -> dict[str, bytes]:
    template = HEAD + "".join(f"  {line}\n" for line in lines)
    return {"apps/shop/Chart.yaml": CHART, "apps/shop/templates/c.yaml": template.encode(), **more}


def ask(**settings: Any) -> Ask:
    return Ask("shop", "apps/shop", "prod", {"kind": "helm", **settings})


@pytest.fixture
def make(tmp_path_factory: pytest.TempPathFactory) -> Make:
    commit = Files(tmp_path_factory.getbasetemp())

    def made(files: Mapping[str, bytes], limits: Limits | None = None, **settings: Any) -> str:
        renderer = helm()
        renderer._limits = limits or renderer._limits
        repo, revision = commit(files)
        reads = renderer.reads(ask(**settings), repo, revision)
        return renderer.render(ask(**settings), {p: repo.blob(b) for p, b in reads.files.items()}, secret=False).decode()

    return made


def test_values_of_files_and_of_the_unit_win_in_this_order(make: Make) -> None:
    files = chart("a: '{{ .Values.a }}{{ .Values.b }}{{ .Values.c }}{{ .Values.d }}'")
    files |= {
        "apps/shop/values.yaml": b"{a: 1, b: 1, c: 1, d: 1}",
        "v/x.yaml": b"{b: 2, c: 2, d: 2}",
        "v/y.yaml": b"{c: 3, d: 3}",
    }
    assert "a: '1234'" in make(files, valuesFiles=["v/x.yaml", "v/y.yaml"], values={"d": 4})


def test_release_namespace_versions_and_definitions_are_those_of_the_unit(make: Make) -> None:
    files = chart("k: '{{ .Capabilities.KubeVersion.Version }}'", "a: '{{ .Capabilities.APIVersions.Has \"x.org/v1\" }}'")
    files["apps/shop/crds/x.yaml"] = b"apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {name: x}\n"
    text = make(files, release="front", kubeVersion="1.33", apiVersions=["x.org/v1"])
    for part in ("name: 'front'", "namespace: 'prod'", "k: 'v1.33'", "a: 'true'", "CustomResourceDefinition"):
        assert part in text
    assert "CustomResourceDefinition" not in make(files, includeCRDs=False)
    assert "name: 'shop'" in make(files)


def test_a_chart_asks_no_cluster_no_name_server_and_no_file_of_this_machine(make: Make) -> None:
    text = make(
        chart(
            'l: "{{ lookup "v1" "Secret" "" "" | len }}"'.replace('"{{', "'{{").replace('}}"', "}}'"),
            "h: '{{ getHostByName \"example.org\" }}'",
            "f: '{{ .Files.Get \"../../../../../../etc/passwd\" }}'",
            "g: '{{ .Files.Get \"/etc/passwd\" }}'",
            "e: '{{ .Values.env }}'",
        ),
        values={"env": "${HOME}"},
    )
    for line in ("l: '0'", "h: ''", "f: ''", "g: ''", "e: '${HOME}'"):
        assert line in text
    with pytest.raises(Misconfigured, match='function "env" not defined'):
        make(chart("x: '{{ env \"PATH\" }}'"))


def test_dependencies_have_to_be_in_the_chart(make: Make) -> None:
    files = chart("a: b")
    files["apps/shop/Chart.yaml"] = CHART + b"dependencies: [{name: sub, version: 1.0.0, repository: 'https://example.org'}]\n"
    with pytest.raises(Misconfigured, match="missing in charts/ directory: sub"):
        make(files)
    files |= {"apps/shop/charts/sub/Chart.yaml": CHART.replace(b"web", b"sub")}
    files |= {"apps/shop/charts/sub/templates/x.yaml": b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: of-sub}\n"}
    assert "of-sub" in make(files)


def test_test_hooks_are_left_out(make: Make) -> None:
    files = chart("a: b")
    pod = b"apiVersion: v1\nkind: Pod\nmetadata: {name: t, annotations: {helm.sh/hook: test}}\n"
    files["apps/shop/templates/tests/t.yaml"] = pod
    assert "kind: Pod" not in make(files)


@pytest.mark.parametrize("call", ["{{ randAlphaNum 12 }}", "{{ uuidv4 }}", '{{ genPrivateKey "ed25519" | b64enc }}'])
def test_a_chart_that_makes_something_up_is_refused(make: Make, call: str) -> None:
    with pytest.raises(Misconfigured, match=r"apps/shop/templates/c\.yaml: the chart renders differently each time"):
        make(chart(f"a: '{call}'"))


def test_a_chart_that_only_could_make_something_up_renders(make: Make) -> None:
    line = "a: '{{ .Values.password | default (randAlphaNum 12) }}'"
    assert "given" in make(chart(line), values={"password": "given"})


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("a: {{ .Values.x.y }}", "nil pointer|<.Values.x.y>"),
        ('a: {{ fail "told by the chart" }}', "told by the chart"),
        ('a: {{ required "x is needed" .Values.x }}', "x is needed"),
        ('a: {{ include "nothing" . }}', "nothing"),
        ("a: {{", "parse error|unclosed action"),
    ],
)
def test_what_is_wrong_is_said_in_helms_words(make: Make, line: str, said: str) -> None:
    with pytest.raises(Misconfigured, match=said) as caught:
        make(chart(line))
    assert "homeostat-render" not in str(caught.value)


LOOP = {"apps/shop/templates/_t.tpl": b'{{ define "t" }}{{ template "t" . }}{{ end }}'}


def test_a_chart_that_never_ends_or_floods_is_ended(make: Make) -> None:
    limits = Limits(seconds=5, cpu_s=5, memory=512 * 1024**2, output=1_000_000)
    endless = "{{ range $i := until 100000 }}{{ range $j := until 100000 }}{{ end }}{{ end }}"
    with pytest.raises(HomeostatError):
        make(chart(f"a: '{endless}'"), limits)
    with pytest.raises(HomeostatError):
        make(chart("a: '{{ range until 5000000 }}xxxxxxxxxxxxxxxxxxxxxxxx{{ end }}'"), limits)
    with pytest.raises(HomeostatError):
        make(
            chart("a: '{{ template \"t\" . }}'")
            | {"apps/shop/templates/_t.tpl": b'{{ define "t" }}{{ template "t" . }}{{ end }}'},
            limits,
        )


def test_what_is_not_there_is_said_before_anything_runs(tmp_path_factory: pytest.TempPathFactory) -> None:
    commit, renderer = Files(tmp_path_factory.getbasetemp()), HelmRenderer("none")
    repo, revision = commit(chart("a: b"))
    with pytest.raises(Misconfigured, match=r"charts/web holds no Chart\.yaml"):
        renderer.reads(ask(chart="charts/web"), repo, revision)
    for missing in ("apps/values.yaml", "nowhere/values.yaml", "values.yaml"):
        with pytest.raises(Misconfigured, match=f"{missing} is not in the repository"):
            renderer.reads(ask(valuesFiles=[missing]), repo, revision)


def test_a_link_in_a_chart_is_refused(tmp_path_factory: pytest.TempPathFactory) -> None:
    import pygit2

    commit = Files(tmp_path_factory.getbasetemp())
    git = pygit2.Repository(str(commit.repo.path))
    inner, outer, root = git.TreeBuilder(), git.TreeBuilder(), git.TreeBuilder()
    inner.insert("Chart.yaml", git.create_blob(CHART), pygit2.GIT_FILEMODE_BLOB)
    inner.insert("values.yaml", git.create_blob(b"/etc/passwd"), pygit2.GIT_FILEMODE_LINK)
    outer.insert("shop", inner.write(), pygit2.GIT_FILEMODE_TREE)
    root.insert("apps", outer.write(), pygit2.GIT_FILEMODE_TREE)
    who = pygit2.Signature("a", "a@example.org", 1, 0)
    revision = str(git.create_commit(None, who, who, "link", root.write(), []))
    with pytest.raises(Permanent, match="symbolic link"):
        HelmRenderer("none").reads(ask(), commit.repo, revision)
