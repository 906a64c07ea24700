"""Rendering tools: the renderers and keys of one machine, from its settings; or those of whoever plans in a checkout.

Digests of Secrets are published with the objects, so they are keyed: by what only the author's key can make. All replicas of one
installation make the same digests; a new key means that each Secret is applied once more.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from reconciler import plugins
from reconciler.adapters.renderers.sops import AgeSecrets
from reconciler.converge.render import Tools
from reconciler.ports.renderer import Renderer
from reconciler.ports.signing import Signer
from reconciler.settings import Home, RenderSettings, Settings

LABEL = b"homeostat: key of the digests of secrets, version 1\n"


def tools(home: Home, settings: Settings, author: Signer) -> Tools:
    """Those of a home."""
    keys = AgeSecrets(home.root / settings.secrets.age_key_file, settings.secrets.age_key_env)
    return Tools(_renderers(settings.render), keys, hashlib.sha256(author.sign(LABEL)).digest())


def looking_tools(home: Home, settings: Settings) -> Tools:
    """Those of a home, for whoever only compares renders with each other: digests of Secrets are this process's own."""
    return Tools(_renderers(settings.render), AgeSecrets(home.root / settings.secrets.age_key_file, settings.secrets.age_key_env))


def offline_tools() -> Tools:
    """Without a home: the programs on PATH, and the keys that sops itself would use."""
    file = os.environ.get("SOPS_AGE_KEY_FILE", "")
    return Tools(_renderers(RenderSettings()), AgeSecrets(Path(file) if file else None, "SOPS_AGE_KEY"))


def _renderers(settings: RenderSettings) -> dict[str, Renderer]:
    return {name: plugins.load("renderer", name)(getattr(settings, name)) for name in ("kustomize", "helm")}
