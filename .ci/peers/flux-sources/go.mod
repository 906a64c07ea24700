// Only Flux's descriptions of sources, which its kustomize-controller watches. Apart, so that the controller keeps its own dependencies.
module homeostat.dev/peers/flux-sources

go 1.26.0

require github.com/fluxcd/source-controller v1.9.0
