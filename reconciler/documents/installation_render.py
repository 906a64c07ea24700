"""How a unit's files become objects: its renderer, and what is done to the objects afterwards.

Everything here is read from the protected branch and nothing from the environment: the same revision renders to the same
objects everywhere. Paths are those of the repository.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, JsonValue, model_validator

from reconciler.documents.base import NAME, Spec

FOLDER = r"^[A-Za-z0-9_][A-Za-z0-9._-]*(/[A-Za-z0-9_][A-Za-z0-9._-]*)*$"
NAMESPACE = r"^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)?$"
DIGEST = r"^(sha256:[0-9a-f]{64})?$"
IMAGE = r"^[a-z0-9][A-Za-z0-9._:/-]{0,254}$"
KEY = r"^([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$"
LABEL = r"^([A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?$"

LabelKey = Annotated[str, Field(pattern=KEY)]
LabelValue = Annotated[str, Field(pattern=LABEL)]
Variable = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,99}$")]
File = Annotated[str, Field(pattern=FOLDER, max_length=500)]


class ManifestsRender(Spec):
    """Every YAML file below the unit's folder is manifests (and every JSON file, for a target of kind `kubernetes`)."""

    kind: Literal["manifests"] = Field(default="manifests", description="Plain manifests.")


class KustomizeRender(Spec):
    """The unit's folder is a kustomization; the installed `kustomize` builds it, without a network and without plug-ins."""

    kind: Literal["kustomize"] = Field(description="A kustomization.")


class HelmRender(Spec):
    """A chart in the repository; the installed `helm` renders it, without a network, a cluster and plug-ins."""

    kind: Literal["helm"] = Field(description="A Helm chart.")
    chart: str = Field(
        default="",
        pattern=rf"^$|{FOLDER}",
        max_length=500,
        description="The chart's folder, from the repository root, its dependencies inside. Default empty: the unit's folder.",
    )
    release: str = Field(
        default="", pattern=rf"^$|{NAME}", max_length=53, description="The release's name. Default empty: the unit's name."
    )
    values_files: tuple[File, ...] = Field(
        default=(),
        max_length=50,
        description="Files of values, from the repository root; later ones win. Files encrypted by sops are decrypted. Default "
        "none.",
    )
    values: dict[str, JsonValue] = Field(default_factory=dict, description="Values that win over all files. Default none.")
    include_crds: bool = Field(
        default=True,
        alias="includeCRDs",
        description="Whether the chart's `crds` folder is applied and updated, too. Default true: objects of a kind that is not "
        "there fail.",
    )
    api_versions: tuple[Annotated[str, Field(pattern=r"^[A-Za-z0-9./-]{1,200}$")], ...] = Field(
        default=(),
        max_length=500,
        description="API versions that the chart may ask for, such as `monitoring.coreos.com/v1`: no cluster is asked. Default "
        "only those that Helm knows itself.",
    )
    kube_version: str = Field(
        default="",
        pattern=r"^(v?1\.[0-9]{1,3}(\.[0-9]{1,3})?)?$",
        description="The Kubernetes version that the chart sees. Default empty: the one that the installed Helm was made for.",
    )
    hooks: Literal["refuse", "skip", "apply"] = Field(
        default="refuse",
        description="What happens to objects that the chart means as hooks (`helm.sh/hook`), which Helm runs once and this "
        "loop does not. `refuse` lists them and renders nothing, `skip` leaves them out, `apply` keeps them as ordinary objects. "
        "Test hooks are always left out. Default refuse: whoever takes the chart in decides.",
    )


Render = Annotated[ManifestsRender | KustomizeRender | HelmRender, Field(discriminator="kind")]


class Image(Spec):
    """What one image becomes, wherever a pod names it."""

    name: str = Field(pattern=IMAGE, description="The image as written, without tag and digest.")
    new_name: str = Field(default="", pattern=rf"^$|{IMAGE}", description="The name that replaces it. Default empty: it stays.")
    new_tag: str = Field(
        default="",
        pattern=r"^([A-Za-z0-9_][A-Za-z0-9._-]{0,127})?$",
        description="The tag that replaces tag and digest. Default empty: what is written stays.",
    )
    digest: str = Field(
        default="",
        pattern=DIGEST,
        description="The digest that pins it (`sha256:` and 64 digits). Default empty: not pinned here.",
    )

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not (self.new_name or self.new_tag or self.digest):
            raise ValueError(f"{self.name}: nothing is replaced; give newName, newTag or digest")
        return self


class Adjust(Spec):
    """What is done to every object of the unit after rendering. For targets of kind `kubernetes`."""

    namespace: str = Field(
        default="",
        pattern=NAMESPACE,
        description="The namespace of objects that live in one and name none. Default empty: such an object is refused.",
    )
    cluster_scoped: tuple[Annotated[str, Field(pattern=r"^[A-Z][A-Za-z0-9]{0,62}\.[a-z0-9.-]{1,253}$")], ...] = Field(
        default=(),
        max_length=500,
        description="Kinds as `Kind.group` that live in no namespace, beside the built-in ones and those whose "
        "CustomResourceDefinition the unit holds. Default none.",
    )
    labels: dict[LabelKey, LabelValue] = Field(
        default_factory=dict, description="Labels that every object gets unless it has them itself. Default none."
    )
    annotations: dict[LabelKey, str] = Field(
        default_factory=dict, description="Annotations that every object gets unless it has them itself. Default none."
    )
    substitute: dict[Variable, bool | int | str] | None = Field(
        default=None,
        description="Variables: `${NAME}` in any text becomes its value, `$${NAME}` stays `${NAME}`, an unknown name is an "
        "error. An unquoted `${NAME}` that is the whole value gets the variable's type. Never from the environment; never in the "
        "data of a Secret; not in objects annotated `homeostat.dev/substitute: disabled`. Default none: nothing is substituted.",
    )
    images: tuple[Image, ...] = Field(
        default=(),
        max_length=500,
        description="Images that are renamed, retagged or pinned, wherever a pod names them. Default none.",
    )
    require_digests: bool = Field(
        default=False,
        description="Whether an image without a digest is refused: a tag can be moved after the review. Default false.",
    )

    @model_validator(mode="after")
    def _images_are_unique(self) -> Self:
        names = [image.name for image in self.images]
        if twice := next((name for name in names if names.count(name) > 1), ""):
            raise ValueError(f"images: {twice} stands there twice; keep one")
        return self
