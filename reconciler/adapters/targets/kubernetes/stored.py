"""Stored: manifests as the API server keeps them, where it takes them in another form.

`stringData` of a Secret is a way of writing `data`, and no field that anything holds: whoever applies it owns fields that are
not there, so that a change of the value is nobody's drift and a key that leaves Git stays in the cluster.
"""

from __future__ import annotations

import base64
import dataclasses
from collections.abc import Mapping
from typing import TypeGuard

from reconciler.adapters.targets.kubernetes.live import SECRETS
from reconciler.model.revisions import DesiredObject, Rendered

_A_SECRET = SECRETS + "/"


def stored(rendered: Rendered) -> Rendered:
    """The digests stay those of what is in Git. Without a Secret it is the same value, so that what is known of it holds."""
    if not any(o.id.startswith(_A_SECRET) for o in rendered.objects):
        return rendered
    return dataclasses.replace(rendered, objects=tuple(map(_stored, rendered.objects)))


def _stored(desired: DesiredObject) -> DesiredObject:
    written, data = desired.spec.get("stringData"), desired.spec.get("data") or {}
    if not desired.id.startswith(_A_SECRET) or not isinstance(data, Mapping) or not _texts(written):
        return desired  # what is no Secret as the API has it is left for the server to refuse
    coded = {key: base64.b64encode(text.encode()).decode() for key, text in written.items()}
    kept = {name: part for name, part in desired.spec.items() if name != "stringData"}
    return dataclasses.replace(desired, spec={**kept, "data": {**data, **coded}})


def _texts(written: object) -> TypeGuard[Mapping[str, str]]:
    return isinstance(written, Mapping) and all(isinstance(text, str) for text in written.values())
