"""What a unit declares is put into its parsed manifests: variables, labels, annotations, images."""

import json

import pytest

from reconciler.converge.adjust import adjusted, replaced, split_image
from reconciler.converge.shapes import Place
from reconciler.documents.installation_render import Adjust, Image
from reconciler.errors import Misconfigured
from reconciler.yamltext import Reading, kubernetes, parse

HEAD = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"
SHA = "sha256:" + "a" * 64


def adjust(text: str, **told: object) -> dict[str, object]:
    (document,) = parse(text.encode(), "m.yaml", Reading(plain=kubernetes))
    assert isinstance(document.value, dict)
    found = adjusted(Place(document, document.value), Adjust.model_validate_json(json.dumps(told)))
    return dict(found.value)


def data(text: str, **variables: object) -> object:
    return adjust(f"{HEAD}data:\n  x: {text}\n", substitute=variables)["data"]["x"]  # type: ignore[index]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a-${NAME}-b", "a-web-b"),
        ("${NAME}${NAME}", "webweb"),
        ("${NUMBER}", 3),
        ("'${NUMBER}'", "3"),
        ("n${NUMBER}", "n3"),
        ("${FLAG}", True),
        ("is ${FLAG}", "is true"),
        ("$${NAME}", "${NAME}"),
        ("$$${NAME}", "$${NAME}"),
        ("$NAME $(NAME) $", "$NAME $(NAME) $"),
        ("[{deep: '${NAME}'}]", [{"deep": "web"}]),
        ("${SLY}", "${NAME}: [1]\nkind: Secret"),
    ],
)
def test_a_variable_becomes_its_value_and_never_structure(text: str, expected: object) -> None:
    assert data(text, NAME="web", NUMBER=3, FLAG=True, SLY="${NAME}: [1]\nkind: Secret") == expected


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a ${OTHER}", r"m\.yaml:5:6: \$\{OTHER\} is not declared \(declare OTHER in the unit's adjust\.substitute"),
        ("a ${}", r"m\.yaml:5:6: a \$\{ that begins no"),
        ("a ${NAME:-x}", r"begins no \$\{NAME\}"),
        ("a ${PATH}", r"\$\{PATH\} is not declared"),
    ],
)
def test_what_is_not_declared_is_an_error_at_its_place(text: str, said: str) -> None:
    with pytest.raises(Misconfigured, match=said):
        data(text, NAME="web")


def test_without_declared_variables_nothing_is_looked_at() -> None:
    text = f"{HEAD}data: {{run: 'echo ${{HOME}}'}}\n"
    assert adjust(text)["data"] == {"run": "echo ${HOME}"}
    with pytest.raises(Misconfigured):
        adjust(text, substitute={})


def test_an_object_can_keep_its_text() -> None:
    text = HEAD.replace("name: a", "name: a, annotations: {homeostat.dev/substitute: disabled}") + "data: {x: '${Y}'}\n"
    assert adjust(text, substitute={})["data"] == {"x": "${Y}"}


def test_the_data_of_a_secret_is_never_touched() -> None:
    text = "apiVersion: v1\nkind: Secret\nmetadata: {name: '${N}'}\nstringData: {p: 'a${N}b'}\ndata: {q: '${N}'}\n"
    found = adjust(text, substitute={"N": "x"})
    assert found["metadata"] == {"name": "x"}
    assert (found["stringData"], found["data"]) == ({"p": "a${N}b"}, {"q": "${N}"})


def test_labels_and_annotations_complete_what_an_object_says_itself() -> None:
    text = HEAD.replace("name: a", "name: a, labels: {team: pay}")
    found = adjust(text, labels={"team": "shop", "env": "prod"}, annotations={"note": "x"})
    assert found["metadata"] == {"name": "a", "labels": {"team": "pay", "env": "prod"}, "annotations": {"note": "x"}}


POD = """apiVersion: apps/v1
kind: Deployment
metadata: {name: a}
spec:
  template:
    spec:
      initContainers: [{name: i, image: "r.example:5000/tools"}]
      containers:
      - {name: a, image: "nginx:1.25"}
      - {name: b, image: "other:1"}
      volumes: [{name: v, image: {reference: "nginx:1"}}, {name: w}]
"""


def test_images_are_replaced_wherever_a_pod_names_them() -> None:
    images = [
        {"name": "nginx", "newTag": "1.27", "digest": SHA},
        {"name": "r.example:5000/tools", "newName": "mirror/tools"},
    ]
    spec = adjust(POD, images=images)["spec"]["template"]["spec"]  # type: ignore[index]
    assert [c["image"] for c in spec["initContainers"] + spec["containers"]] == ["mirror/tools", f"nginx:1.27@{SHA}", "other:1"]
    assert spec["volumes"][0]["image"]["reference"] == f"nginx:1.27@{SHA}"


def test_an_image_that_is_not_pinned_is_refused_where_pins_are_required() -> None:
    with pytest.raises(Misconfigured, match=r"m\.yaml:9:26: image nginx:1\.25 has no digest"):
        adjust(POD.replace("r.example:5000/tools", f"tools@{SHA}"), requireDigests=True)


def test_a_new_tag_drops_the_digest_of_the_old_one() -> None:
    images = {"nginx": Image(name="nginx", new_tag="2")}
    assert replaced(f"nginx:1@{SHA}", "", images, require=False) == "nginx:2"


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("nginx", ("nginx", "", "")),
        ("r:5000/a/b", ("r:5000/a/b", "", "")),
        ("r:5000/a/b:1", ("r:5000/a/b", "1", "")),
        (f"a:1@{SHA}", ("a", "1", SHA)),
    ],
)
def test_an_image_is_taken_apart(text: str, parts: tuple[str, str, str]) -> None:
    assert split_image(text) == parts


def test_one_image_cannot_become_two() -> None:
    with pytest.raises(ValueError, match="stands there twice"):
        Adjust(images=(Image(name="a", new_tag="1"), Image(name="a", new_tag="2")))
    with pytest.raises(ValueError, match="nothing is replaced"):
        Image(name="a")
