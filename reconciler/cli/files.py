"""Files that verbs write for people to commit: one object each, named by what it is, the same bytes every time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from reconciler.errors import Permanent
from reconciler.yamltext.writing import write

Manifest = Mapping[str, Any]


def named(manifests: Iterable[Manifest]) -> dict[str, str]:
    """File name to text. Two kinds of one name and two namespaces keep apart."""
    found: dict[str, str] = {}
    for manifest in manifests:
        metadata = manifest["metadata"]
        parts = [manifest["kind"].lower(), metadata.get("namespace", ""), metadata["name"].replace(":", "-").lower()]
        name = "_".join(filter(None, parts))
        if name + ".yaml" in found:
            group = manifest["apiVersion"].rpartition("/")[0]
            name = f"{name}_{group}" if group else f"{name}_{len(found)}"
        found[name + ".yaml"] = write([manifest])
    return found


def put(out: Path, files: Mapping[str, str], *, overwrite: bool) -> list[str]:
    """Writes them and says which were not there like this. What a person has edited since is not overwritten unasked."""
    others = [n for n, text in files.items() if (out / n).exists() and (out / n).read_text(encoding="utf-8") != text]
    if others and not overwrite:
        raise Permanent(
            f"{len(others)} files in {out} say something else: {', '.join(sorted(others)[:5])}",
            next_step="look at them; --overwrite writes them anew",
        )
    out.mkdir(parents=True, exist_ok=True)
    new = [name for name in files if name in others or not (out / name).exists()]
    for name in new:
        (out / name).write_text(files[name], encoding="utf-8")
    return new
