// Only the objects that Argo CD tests its health checks with, to score ours on what it was not written for. Nothing is built of it.
module homeostat.dev/peers/argocd-cases

go 1.26.0

require github.com/argoproj/argo-cd/v3 v3.5.7
