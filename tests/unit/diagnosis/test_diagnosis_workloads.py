"""Since which commit a target's object is in trouble, or that no commit explains it."""

import textwrap

import pygit2
import pytest

from reconciler.adapters.repos.pygit import PygitRepo
from reconciler.diagnosis import Applied, Files, workload_causes
from reconciler.model.diagnosis import CauseKind
from reconciler.model.troubles import Trouble, TroubleKind
from reconciler.ports.repo import Identity

NOW = 1_700_000_000_000
WEB = """\
    apiVersion: apps/v1
    kind: Deployment
    metadata:
      name: web
    spec:
      replicas: 2
      template:
        spec:
          containers:
          - name: app
            image: registry/web:1.0
            envFrom:
            - configMapRef: {name: settings}
          - name: sidecar
            image: registry/proxy:3
    """
PATH = "apps/shop/web.yaml"
KUBERNETES = "Deployment.apps/shop/web"
SETTINGS = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {0}\ndata:\n  level: {1}\n"


def trouble(kind=TroubleKind.IMAGE_PULL, container="app", since=NOW, name="web"):
    return Trouble("shop", f"Deployment.apps/shop/{name}", name, kind, since, f"Pod/shop/{name}-1", container, "it says\nso")


class History:
    """Commits of one unit; the last is applied `ago` before the trouble."""

    def __init__(self, folder):
        pygit2.init_repository(str(folder / "infra.git"), bare=True)
        self.repo, self.tip, self.applied = PygitRepo(folder / "infra.git"), "", []

    def commit(self, files, ago=20_000):
        data = {path: textwrap.dedent(text).encode() if text else None for path, text in files.items()}
        self.tip = self.repo.write(self.tip, data, "m", Identity("Ada", "ada@example.invalid"), NOW, None)
        self.applied.append(Applied(self.tip, NOW - ago))
        return self.tip

    def cause(self, said, folder="apps/shop", read_by=lambda path: path.startswith("apps/shop/")):
        (found,) = workload_causes([said], self.repo, self.tip, self.applied, {"shop": Files(folder, read_by)})
        return found


@pytest.fixture
def history(tmp_path):
    made = History(tmp_path)
    made.commit({PATH: WEB, "apps/shop/settings.yaml": SETTINGS.format("settings", "info")}, ago=7_200_000)
    return made


def test_an_image_that_cannot_be_pulled_right_after_a_commit_changed_it_is_that_release(history):
    release = history.commit({PATH: WEB.replace("web:1.0", "web:2.O")})
    found = history.cause(trouble())
    assert (found.kind, found.commit, found.component) == (CauseKind.RELEASE, release, "web")
    assert float(found.confidence) >= 0.9
    assert (found.trouble, found.object, found.container, found.unit) == ("image-pull", KUBERNETES, "app", "shop")
    told, changed, timing = found.evidence
    assert told.kind == "told"
    assert "it says so" in told.text
    field = "spec.template.spec.containers[app].image"
    assert (changed.metric, changed.before, changed.after) == (field, "registry/web:1.0", "registry/web:2.O")
    assert timing.score == "20"


def test_another_container_s_image_does_not_explain_it(history):
    history.commit({PATH: WEB.replace("proxy:3", "proxy:4")})
    assert history.cause(trouble()).kind is CauseKind.WORKLOAD
    assert history.cause(trouble(container="sidecar")).kind is CauseKind.RELEASE


def test_a_container_that_moved_in_its_list_is_the_same_container(history):
    first, second = WEB.index("          - name: app"), WEB.index("          - name: sidecar")
    moved = WEB[:first] + WEB[second:].rstrip() + "\n" + WEB[first:second]
    history.commit({PATH: moved})
    assert history.cause(trouble(TroubleKind.CRASH_LOOP)).kind is CauseKind.WORKLOAD


@pytest.mark.parametrize(
    ("kind", "old", "new", "cause"),
    [
        (TroubleKind.NO_ROOM, "replicas: 2", "replicas: 200", CauseKind.CONFIG),
        (TroubleKind.CRASH_LOOP, "web:1.0", "web:1.1", CauseKind.RELEASE),
        (TroubleKind.BAD_CONFIG, "settings", "setings", CauseKind.CONFIG),
        (TroubleKind.IMAGE_PULL, "replicas: 2", "replicas: 3", CauseKind.WORKLOAD),
        (TroubleKind.NODE_PRESSURE, "web:1.0", "web:1.1", CauseKind.WORKLOAD),
        (TroubleKind.STUCK_ROLLOUT, "replicas: 2", "replicas: 3", CauseKind.CONFIG),
    ],
)
def test_a_commit_explains_what_its_fields_can_bring_about(history, kind, old, new, cause):
    history.commit({PATH: WEB.replace(old, new)})
    found = history.cause(trouble(kind, container=""))
    assert found.kind is cause
    assert bool(found.commit) == (cause is not CauseKind.WORKLOAD)
    assert float(found.confidence) >= 0.6


def test_without_a_commit_the_word_is_all_and_as_sure_as_it_is_telling(history):
    telling, vague = history.cause(trouble()), history.cause(trouble(TroubleKind.CRASH_LOOP))
    assert (telling.kind, telling.commit) == (CauseKind.WORKLOAD, "")
    assert 0.6 <= float(vague.confidence) < float(telling.confidence) <= 0.8
    assert {e.kind for e in telling.evidence} == {"told", "absence"}


@pytest.mark.parametrize("ago", [3_700_000, -20_000])
def test_a_commit_from_long_before_or_from_after_is_not_blamed(history, ago):
    history.commit({PATH: WEB.replace("web:1.0", "web:2.0")}, ago=ago)
    assert history.cause(trouble()).kind is CauseKind.WORKLOAD


def test_a_configmap_is_blamed_by_those_that_name_it_and_a_secret_s_values_stay_unsaid(history):
    other = WEB.replace("name: web", "name: other").replace("settings", "others")
    history.commit({"apps/shop/other.yaml": other}, ago=7_000_000)
    config = history.commit({"apps/shop/settings.yaml": SETTINGS.format("settings", "debug")})
    assert history.cause(trouble(TroubleKind.CRASH_LOOP)).commit == config
    assert history.cause(trouble(TroubleKind.CRASH_LOOP, name="other")).commit == ""
    secret = SETTINGS.replace("ConfigMap", "Secret")
    history.commit({"apps/shop/secret.yaml": secret.format("settings", "hidden-before")}, ago=7_000_000)
    history.commit({"apps/shop/secret.yaml": secret.format("settings", "hidden-after")})
    found = history.cause(trouble(TroubleKind.CRASH_LOOP))
    assert found.commit == history.tip
    assert "hidden" not in str(found)


def test_the_same_name_in_another_namespace_is_another_object(history):
    stage = WEB.replace("name: web", "name: web\n      namespace: stage")
    history.commit({"apps/shop/stage.yaml": stage}, ago=7_000_000)
    history.commit({"apps/shop/stage.yaml": stage.replace("web:1.0", "web:2.0")})
    assert history.cause(trouble()).kind is CauseKind.WORKLOAD


def test_what_it_is_rendered_from_counts_wherever_the_unit_reads_it(history):
    kustomization = "resources: [../base]\nimages:\n- name: registry/web\n  newTag: {0}\n- name: registry/api\n  newTag: {1}\n"
    history.commit({"apps/shop/kustomization.yaml": kustomization.format(1, 1)}, ago=7_000_000)
    history.commit({"apps/shop/kustomization.yaml": kustomization.format(1, 2)})
    assert history.cause(trouble()).kind is CauseKind.WORKLOAD
    web = history.commit({"apps/shop/kustomization.yaml": kustomization.format(2, 2)})
    assert (history.cause(trouble()).kind, history.cause(trouble()).commit) == (CauseKind.RELEASE, web)
    history.commit({"apps/base/values.yaml": "image: {tag: a}\n"}, ago=7_000_000)
    base = history.commit({"apps/base/values.yaml": "image: {tag: b}\n"}, ago=10_000)
    assert history.cause(trouble()).commit == web
    assert history.cause(trouble(name="rendered"), read_by=lambda path: True).commit == base


def test_of_two_commits_the_later_is_the_likelier(history):
    history.commit({PATH: WEB.replace("web:1.0", "web:2.0")}, ago=60_000)
    later = history.commit({PATH: WEB.replace("web:1.0", "web:2.1")}, ago=30_000)
    assert history.cause(trouble()).commit == later


def test_a_file_that_cannot_be_read_makes_no_claim(history):
    history.commit({PATH: WEB + "  {{ if broken }}"})
    assert history.cause(trouble()).kind is CauseKind.WORKLOAD
