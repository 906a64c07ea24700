"""Adjusting: what a unit declares to be done to each of its manifests after rendering. Pure.

In: a manifest with its place, the unit's `adjust`. Out: the manifest with variables put in, labels and annotations
completed and images replaced. Steps, in this order: 1. variables, 2. labels and annotations, 3. images (which may be
named by a variable). Values are put into parsed text and never parsed again, so that no value can become structure.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterator, Mapping

from reconciler.converge.shapes import Manifest, Place, is_secret, qualified
from reconciler.documents.installation_render import Adjust, Image
from reconciler.errors import Misconfigured
from reconciler.yamltext import Pointer, Value

Variables = Mapping[str, bool | int | str]
Change = Callable[[str, Pointer], str]
PARTS = re.compile(r"\$\$\{|\$\{([A-Za-z_][A-Za-z0-9_]*)\}|\$\{")
WHOLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}\Z")
OFF = "homeostat.dev/substitute"
CONTAINERS = frozenset({"containers", "initContainers", "ephemeralContainers"})
UNTOUCHED = frozenset({"data", "stringData"})  # of a Secret: passwords may hold anything
MAX_TEXT = 4 * 1024 * 1024


def adjusted(place: Place, adjust: Adjust) -> Place:
    """Steps 1-3."""
    manifest = place.value
    if adjust.substitute is not None and _metadata(manifest, "annotations").get(OFF) != "disabled":  # 1
        manifest = _substituted(place, adjust.substitute)
    manifest = _completed(manifest, "labels", adjust.labels)  # 2
    manifest = _completed(manifest, "annotations", adjust.annotations)
    if adjust.images or adjust.require_digests:  # 3
        images = {image.name: image for image in adjust.images}
        manifest = _pinned(Place(place.document, manifest, place.at), images, require=adjust.require_digests)
    return dataclasses.replace(place, value=manifest)


# --- 1. variables


def _substituted(place: Place, variables: Variables) -> Manifest:
    kept = UNTOUCHED if is_secret(qualified(place.value)) else frozenset[str]()
    return {k: v if k in kept else _value(place, v, (k,), variables) for k, v in place.value.items()}


def _value(place: Place, value: Value, at: Pointer, variables: Variables) -> Value:
    if isinstance(value, dict):
        return {key: _value(place, item, (*at, key), variables) for key, item in value.items()}
    if isinstance(value, list):
        return [_value(place, item, (*at, index), variables) for index, item in enumerate(value)]
    return _scalar(place, value, at, variables) if isinstance(value, str) and "${" in value else value


def _scalar(place: Place, text: str, at: Pointer, variables: Variables) -> Value:
    if (whole := WHOLE.match(text)) and place.written_plain(at):
        return _known(place, whole[1], at, variables)
    made = substitute(text, lambda name: _text(_known(place, name, at, variables)), lambda: _unclear(place, at))
    if len(made) > MAX_TEXT:
        raise Misconfigured(f"more than {MAX_TEXT} characters after substitution", where=place.locate(*at))
    return made


def substitute(text: str, known: Callable[[str], str], unclear: Callable[[], str]) -> str:
    """`${NAME}` by `known(name)`, `$${` by `${`; any other `${` is `unclear()`."""

    def one(found: re.Match[str]) -> str:
        if found[0] == "$${":
            return "${"
        return known(found[1]) if found[1] else unclear()

    return PARTS.sub(one, text)


def _known(place: Place, name: str, at: Pointer, variables: Variables) -> bool | int | str:
    if name not in variables:
        raise Misconfigured(
            f"${{{name}}} is not declared",
            where=place.locate(*at),
            next_step=f"declare {name} in the unit's adjust.substitute, or write $${{{name}}} to keep the text",
        )
    return variables[name]


def _unclear(place: Place, at: Pointer) -> str:
    raise Misconfigured("a ${ that begins no ${NAME}", where=place.locate(*at), next_step="write $${ to keep the text")


def _text(value: bool | int | str) -> str:
    return value if isinstance(value, str) else str(value).lower()


# --- 2. labels and annotations


def _metadata(manifest: Manifest, part: str) -> Manifest:
    metadata = manifest.get("metadata")
    found = metadata.get(part) if isinstance(metadata, dict) else None
    return found if isinstance(found, dict) else {}


def _completed(manifest: Manifest, part: str, wanted: Mapping[str, str]) -> Manifest:
    """An object's own labels win: they say more about it than the unit does."""
    metadata = manifest.get("metadata")
    if not wanted or not isinstance(metadata, dict):
        return manifest
    return {**manifest, "metadata": {**metadata, part: {**wanted, **_metadata(manifest, part)}}}


# --- 3. images


def _pinned(place: Place, images: Mapping[str, Image], *, require: bool) -> Manifest:
    def change(text: str, at: Pointer) -> str:
        return replaced(text, place.locate(*at), images, require=require)

    def walk(value: Value, at: Pointer) -> Value:
        if isinstance(value, list):
            return [walk(item, (*at, index)) for index, item in enumerate(value)]
        return inner(value, at) if isinstance(value, dict) else value

    def inner(value: Manifest, at: Pointer) -> Manifest:
        found = {key: walk(item, (*at, key)) for key, item in value.items()}
        return found | dict(_images(found, at, change))

    return inner(place.value, ())


def _images(holder: Manifest, at: Pointer, change: Change) -> Iterator[tuple[str, Value]]:
    """The parts of a mapping that name images: its containers, and its volumes made of images."""
    for key in CONTAINERS & holder.keys():
        if isinstance(items := holder[key], list):
            yield key, [_changed(item, "image", (*at, key, index), change) for index, item in enumerate(items)]
    if isinstance(volumes := holder.get("volumes"), list):
        yield (
            "volumes",
            [
                {**item, "image": _changed(item["image"], "reference", (*at, "volumes", index, "image"), change)}
                if isinstance(item, dict) and isinstance(item.get("image"), dict)
                else item
                for index, item in enumerate(volumes)
            ],
        )


def _changed(item: Value, key: str, at: Pointer, change: Change) -> Value:
    if not isinstance(item, dict) or not isinstance(text := item.get(key), str):
        return item
    return {**item, key: change(text, (*at, key))}


def replaced(text: str, where: str, images: Mapping[str, Image], *, require: bool) -> str:
    """One image as it is applied, or Misconfigured when it has to be pinned and is not."""
    name, tag, digest = split_image(text)
    if image := images.get(name):
        name = image.new_name or name
        if image.new_tag:
            tag, digest = image.new_tag, ""
        digest = image.digest or digest
    if require and not digest:
        raise Misconfigured(
            f"image {text[:200]} has no digest, and the unit requires one",
            where=where,
            next_step="write NAME@sha256:..., or pin it in the unit's adjust.images",
        )
    return name + (f":{tag}" if tag else "") + (f"@{digest}" if digest else "")


def split_image(text: str) -> tuple[str, str, str]:
    """Name, tag and digest; a colon before the last slash belongs to a registry's port."""
    rest, _, digest = text.partition("@")
    folder, slash, last = rest.rpartition("/")
    name, _, tag = last.partition(":")
    return folder + slash + name, tag, digest
