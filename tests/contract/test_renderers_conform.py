"""Every Renderer keeps every promise of the port, with the real programs."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from renderer_peers import Files, helm, kustomize

from reconciler.ports.renderer import Ask, Renderer
from reconciler.testing.check_renderer import RENDERER_PROMISES, Bench, RendererCase

CONFIG = b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: base}\ndata: {found: here}\n"
ROOT = b"resources: [../../base]\nnamePrefix: shop-\n"
TEMPLATE = b"""apiVersion: v1
kind: ConfigMap
metadata: {name: {{ .Release.Name }}}
data: {x: {{ .Values.x }}}
"""
CHART = {
    "charts/web/Chart.yaml": b"apiVersion: v2\nname: web\nversion: 1.0.0\n",
    "charts/web/templates/c.yaml": TEMPLATE,
}
KUSTOMIZE = RendererCase(
    ask=Ask("shop", "apps/shop", settings={"kind": "kustomize"}),
    files={
        "apps/shop/kustomization.yaml": ROOT + b"configMapGenerator: [{name: g, files: [a=some.txt]}]\n",
        "apps/shop/some.txt": b"some",
        "base/kustomization.yaml": b"resources: [c.yaml]\n",
        "base/c.yaml": CONFIG,
    },
    shows=b"name: shop-base",
    unread={"base/README.md": b"x", "apps/shop/other.yaml": b"x", "else/x": b"x"},
    outside="base/c.yaml",
    broken={"apps/shop/kustomization.yaml": ROOT},
    wrong={"apps/shop/kustomization.yaml": b"resources: [c.yaml]\n", "apps/shop/c.yaml": b"a: ["},
)
HELM = RendererCase(
    ask=Ask("shop", "apps/shop", "shop", {"kind": "helm", "chart": "charts/web", "valuesFiles": ["apps/shop/values.yaml"]}),
    files={**CHART, "apps/shop/values.yaml": b"x: from-the-file\n"},
    shows=b"from-the-file",
    unread={"apps/shop/other.yaml": b"x", "charts/other/Chart.yaml": b"x"},
    outside="charts/web/templates/c.yaml",
    broken=CHART,
    wrong={**CHART, "apps/shop/values.yaml": b"x: a\n", "charts/web/templates/d.yaml": b"{{ .Values.y.z }}"},
)


@pytest.mark.peer
@pytest.mark.parametrize(("make", "case"), [(kustomize, KUSTOMIZE), (helm, HELM)], ids=["kustomize", "helm"])
@pytest.mark.parametrize("promise", RENDERER_PROMISES, ids=lambda promise: promise.__name__)
def test_every_renderer_keeps(
    promise: Callable[[Bench], None], make: Callable[[], Renderer], case: RendererCase, tmp_path_factory: pytest.TempPathFactory
) -> None:
    promise(Bench(make(), Files(tmp_path_factory.getbasetemp()), case))
