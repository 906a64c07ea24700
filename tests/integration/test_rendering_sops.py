"""Files that the real sops wrote are opened with age keys in memory, altered ones are refused, and no value is shown anywhere."""

import dataclasses
import logging
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from renderer_peers import Files, helm, kustomize, program, unit

from reconciler.adapters.renderers.sops import AgeSecrets
from reconciler.converge.diffing import make_plan
from reconciler.converge.render import Outcome, RenderCache, RenderedUnit, Tools
from reconciler.converge.sealed import unsealed
from reconciler.converge.values import RenderFailure
from reconciler.documents.installation import Unit
from reconciler.errors import Misconfigured
from reconciler.model.revisions import Observed
from reconciler.yamltext import Reading, kubernetes, parse

pytestmark = pytest.mark.peer
READING = Reading(plain=kubernetes)
CANARY = "hunter2-canary-value"
SECRET = f"""# who reads this
apiVersion: v1
kind: Secret
metadata:
  name: db # inline
  namespace: shop
  creationTimestamp: null
  annotations: {{switch: "yes", mode: "0644", empty: ""}}
stringData:
  # of the database
  password: {CANARY}
  pem: |
    first-line-canary
    second-line-canary
  number: 12
  fraction: 1.50
  flag: true
  list: [a, 1, {{x: z}}]
""".encode()
Seal = Callable[..., bytes]


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("age")
    for name in ("mine", "other"):
        subprocess.run([program("age-keygen"), "-o", folder / name], check=True, capture_output=True)
    return folder


@pytest.fixture
def seal(keys: Path, tmp_path: Path) -> Seal:
    def sealed(data: bytes, *more: str, name: str = "secret.yaml", key: str = "mine", config: str = "") -> bytes:
        public = [
            subprocess.run([program("age-keygen"), "-y", keys / one], check=True, capture_output=True, text=True).stdout.strip()
            for one in key.split(",")
        ]
        (tmp_path / name).write_bytes(data)
        (tmp_path / "sops.yaml").write_text(f"creation_rules: [{{age: '{','.join(public)}'{config}}}]\n")
        asked = [program("sops"), "--config", tmp_path / "sops.yaml", "encrypt", *more, tmp_path / name]
        return subprocess.run(asked, check=True, capture_output=True, env={"HOME": str(tmp_path)}).stdout

    return sealed


def opened(data: bytes, key: Path | None, name: str = "secret.yaml") -> str:
    def open_(values: object) -> list[object]:
        return AgeSecrets(key).decrypt(values, name)  # type: ignore[arg-type]

    return unsealed(data, name, READING, open_).decode()  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "config",
    ["", ", encrypted_regex: '^(data|stringData)$'", ", encrypted_regex: '^stringData$', mac_only_encrypted: true",
     ", unencrypted_regex: '^(kind|metadata)$'", ", encrypted_suffix: Data"],
)  # fmt: skip
@pytest.mark.parametrize("more", [b"", b"---\nkind: Second\nmode: 0644\nmany: 1e3\nok: no\n"])
def test_yaml_is_opened_to_what_it_was(seal: Seal, keys: Path, config: str, more: bytes) -> None:
    sealed = seal(SECRET + more, config=config)
    assert CANARY.encode() not in sealed
    found = [d.value for d in parse(opened(sealed, keys / "mine").encode(), "x", READING)]
    assert found == [d.value for d in parse(SECRET + more.replace(b"no\n", b"'no'\n"), "x", READING)]  # as sops reads it


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.json", b'{"a": {"b": "secret", "n": 1.5, "m": 3, "l": [1, "x"]}}'),
        ("a.env", b"A=secret\nB=x y=z\n"),
        ("a.txt", 'any "text"\nat all é\n'.encode()),
    ],
)
def test_other_forms_are_opened_to_what_they_were(seal: Seal, keys: Path, name: str, data: bytes) -> None:
    assert opened(seal(data, name=name), keys / "mine", name) == data.decode()


def test_any_of_several_keys_opens_a_file_for_several_people(seal: Seal, keys: Path) -> None:
    both = keys / "both"
    both.write_text((keys / "other").read_text() + "\n# a remark\n" + (keys / "mine").read_text())
    both.chmod(0o600)
    assert CANARY in opened(seal(SECRET), both)
    assert CANARY in opened(seal(SECRET, key="other,mine"), keys / "mine")


def test_a_key_can_come_from_a_variable_that_is_named(seal: Seal, keys: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sealed = [d.value for d in parse(seal(SECRET), "x", READING)]
    monkeypatch.setenv("MY_AGE", (keys / "mine").read_text())
    assert AgeSecrets(None, "MY_AGE").decrypt(sealed, "x")[0]["stringData"]["password"] == CANARY
    with pytest.raises(Misconfigured, match="there is no age key at"):
        AgeSecrets(None, "").decrypt(sealed, "x")


def refused(data: bytes, key: Path | None) -> str:
    with pytest.raises(Misconfigured) as caught:
        opened(data, key)
    text = str(caught.value)
    assert text.startswith("secret.yaml:1:1: cannot be decrypted: ")
    assert "canary" not in text
    return text


def test_a_wrong_missing_or_readable_key_is_said(seal: Seal, keys: Path, tmp_path: Path) -> None:
    sealed = seal(SECRET)
    assert "none of the age keys here opens it" in refused(sealed, keys / "other")
    assert f"there is no age key at {tmp_path}/none" in refused(sealed, tmp_path / "none")
    loose = tmp_path / "loose"
    loose.write_bytes((keys / "mine").read_bytes())
    loose.chmod(0o644)
    assert "others could have read" in refused(sealed, loose)
    wrong = tmp_path / "wrong"
    wrong.write_text("AGE-SECRET-KEY-1QQQQ-canary\n")
    wrong.chmod(0o600)
    assert "typing error" in refused(sealed, wrong)
    link = tmp_path / "link"
    link.symlink_to(keys / "mine")
    assert "cannot be read" in refused(sealed, link)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (b"name: db", b"name: dc", "altered, added or removed"),
        (b"    name: db", b"    added: x\n    name: db", "altered, added or removed"),
        (b"kind: Secret\n", b"", "altered, added or removed"),
        (b"    password: ", b"    renamed: ", "stringData.renamed was altered"),
        (b"password: ENC[AES256_GCM,data:", b"password: ENC[AES256_GCM,data:AAAA", "was altered"),
        (b"mac: ENC", b"mac: XXX", "it has no MAC"),
        (b"-----BEGIN AGE", b"-----BEGIN NOT", "not an age file"),
        (b'lastmodified: "2', b'lastmodified: "1', "its MAC was altered"),
    ],
)
def test_one_altered_place_is_found(seal: Seal, keys: Path, old: bytes, new: bytes, said: str) -> None:
    sealed = seal(SECRET, config=", encrypted_regex: '^stringData$'")
    assert old in sealed
    assert said in refused(sealed.replace(old, new, 1), keys / "mine")


def test_two_values_cannot_be_swapped(seal: Seal, keys: Path) -> None:
    sealed = seal(b"stringData: {a: one-canary, b: two-canary}\n").decode().splitlines()
    a, b = (next(i for i, line in enumerate(sealed) if line.strip().startswith(f"{key}:")) for key in "ab")
    sealed[a], sealed[b] = sealed[b].replace("b:", "a:"), sealed[a].replace("a:", "b:")
    assert "stringData.a was altered" in refused("\n".join(sealed).encode(), keys / "mine")


# --- in units


@pytest.fixture
def render(tmp_path_factory: pytest.TempPathFactory, keys: Path) -> Callable[..., Outcome]:
    commit = Files(tmp_path_factory.getbasetemp())

    def rendered(files: dict[str, bytes], made: Unit, key: str = "mine", digest_key: bytes = b"k") -> Outcome:
        tools = Tools({"kustomize": kustomize(), "helm": helm()}, AgeSecrets(keys / key), digest_key)
        return RenderCache(tools=tools).get(*commit(files), made, "kubernetes")

    return rendered


SHOP = unit("shop")
PLAIN = b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: plain, namespace: shop}\n"


def test_an_encrypted_manifest_is_an_object_like_any_other(seal: Seal, render: Callable[..., Outcome]) -> None:
    made = render({"apps/shop/s.yaml": seal(SECRET), "apps/shop/p.yaml": PLAIN}, SHOP)
    assert isinstance(made, RenderedUnit), made.detail
    plain, secret = made.rendered.objects
    assert (plain.secret, secret.secret, secret.id) == (False, True, "Secret/shop/db")
    assert secret.spec["stringData"]["password"] == CANARY
    assert "sops" not in secret.spec
    assert CANARY not in repr(made)


def test_a_wrong_key_is_said_at_the_file_and_everything_else_renders(seal: Seal, render: Callable[..., Outcome]) -> None:
    files = {"apps/shop/s.yaml": seal(SECRET), "apps/shop/p.yaml": PLAIN}
    made = render(files, SHOP, key="other")
    assert isinstance(made, RenderedUnit)
    assert [o.id for o in made.rendered.objects] == ["ConfigMap/shop/plain"]
    assert "apps/shop/s.yaml:1:1: cannot be decrypted: none of the age keys" in made.detail


KUSTOMIZATION = b"namespace: shop\nresources: [s.yaml]\nsecretGenerator: [{name: g, files: [x.txt], envs: [x.env]}]\n"


def test_kustomize_builds_from_decrypted_files_and_leaves_none_behind(seal: Seal, render: Callable[..., Outcome]) -> None:
    files = {
        "apps/shop/kustomization.yaml": KUSTOMIZATION,
        "apps/shop/s.yaml": seal(SECRET),
        "apps/shop/x.txt": seal(b"text-canary", name="x.txt"),
        "apps/shop/x.env": seal(b"VARIABLE=env-canary\n", name="x.env"),
    }
    made = render(files, unit("shop", render={"kind": "kustomize"}))
    assert isinstance(made, RenderedUnit), made.detail
    assert [o.id.partition("-")[0] for o in made.rendered.objects] == ["Secret/shop/db", "Secret/shop/g"]
    values = str([dict(o.spec) for o in made.rendered.objects])
    assert CANARY in values
    assert {"dGV4dC1jYW5hcnk=", "ZW52LWNhbmFyeQ=="} <= set(values.replace("'", " ").split())
    assert not list(Path("/dev/shm").glob(f"homeostat-render-{os.getpid()}-*"))


CHART = {
    "apps/shop/Chart.yaml": b"apiVersion: v2\nname: web\nversion: 1.0.0\n",
    "apps/shop/templates/c.yaml": b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c, namespace: shop}\n"
    b"data: {url: 'postgres://u:{{ .Values.password }}@db'}\n---\napiVersion: v1\nkind: ConfigMap\n"
    b"metadata: {name: d, namespace: shop}\n",
}
HELM = unit("shop", render={"kind": "helm", "valuesFiles": ["apps/shop/v.yaml"]})


def test_an_object_that_a_chart_puts_a_decrypted_value_into_counts_as_secret(seal: Seal, render: Callable[..., Outcome]) -> None:
    made = render({**CHART, "apps/shop/v.yaml": seal(f"password: {CANARY}\n".encode())}, HELM)
    assert isinstance(made, RenderedUnit), made.detail
    assert {o.id: o.secret for o in made.rendered.objects} == {"ConfigMap/shop/c": True, "ConfigMap/shop/d": False}


def test_no_error_of_a_renderer_shows_a_decrypted_value(
    seal: Seal, render: Callable[..., Outcome], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    for line in (b"{{ fail .Values.password }}", b"{{ fail (b64enc .Values.password) }}", b"a: {{ .Values.password }}: b"):
        made = render(
            {**CHART, "apps/shop/v.yaml": seal(f"password: {CANARY}\n".encode()), "apps/shop/templates/e.yaml": line}, HELM
        )
        assert isinstance(made, RenderFailure)
        assert "canary" not in made.detail + repr(made) + caplog.text
        assert "aHVudGVyMi1jYW5hcnktdmFsdWU" not in made.detail


def test_plans_show_which_fields_of_a_secret_change_and_no_value(seal: Seal, render: Callable[..., Outcome]) -> None:
    made = render({"apps/shop/s.yaml": seal(SECRET)}, SHOP)
    assert isinstance(made, RenderedUnit)
    (secret,) = made.rendered.objects
    live = {**secret.spec, "stringData": {**secret.spec["stringData"], "password": "old-canary"}}
    for held in ({}, {secret.id: "sha256:old"}):
        plan = make_plan(made.rendered, Observed("shop", 0, "", held, held), lambda _: live, "r", 1)
        shown = str([dataclasses.asdict(step) for step in plan.steps]) + repr(plan)
        assert "canary" not in shown
        assert "stringData.password" in shown


def test_published_digests_are_no_help_in_guessing(seal: Seal, render: Callable[..., Outcome]) -> None:
    files = {"apps/shop/s.yaml": seal(SECRET)}
    one, again, other = (render(files, SHOP, digest_key=key) for key in (b"k", b"k", b"other"))
    assert isinstance(one, RenderedUnit)
    assert isinstance(again, RenderedUnit)
    assert isinstance(other, RenderedUnit)
    assert one.rendered.objects[0].digest == again.rendered.objects[0].digest != other.rendered.objects[0].digest


def test_what_is_encrypted_does_not_go_to_a_target_that_keeps_it_readable(
    seal: Seal, keys: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    repo, revision = Files(tmp_path_factory.getbasetemp())({"apps/shop/s.yaml": seal(SECRET)})
    made = RenderCache(tools=Tools(secrets=AgeSecrets(keys / "mine"))).get(repo, revision, SHOP, "directory")
    assert "a target of kind directory keeps what it gets readable" in made.detail
