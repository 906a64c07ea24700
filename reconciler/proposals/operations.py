"""The bytes of an Operation file. Every word in it is ours or a name that the tree already holds."""

from __future__ import annotations

from reconciler.model.proposals import Irreversibility


def operation_file(
    *, name: str, action: str, unit: str, component: str, expires_ms: int, irreversibility: Irreversibility
) -> tuple[str, bytes]:
    """Path and bytes of one new Operation; names are checked by the document's model when it is loaded."""
    lines = (
        "apiVersion: homeostat/v1",
        "kind: Operation",
        "metadata:",
        f'  name: "{name}"',
        "spec:",
        f'  action: "{action}"',
        f'  unit: "{unit}"',
        f'  component: "{component}"',
        f"  expiresMs: {expires_ms}",
        f"  irreversibility: {irreversibility.value}",
    )
    return f"operations/{name}.yaml", ("\n".join(lines) + "\n").encode()
