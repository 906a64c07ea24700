"""A Kubernetes cluster as a Target: `KubernetesTarget`. `access` and `api` speak to the server, `kinds` knows what it serves,
`watching` and `live` hold what is there, `fields` says who owns what, `record` and `order` and `applying` change it.
"""

from reconciler.adapters.targets.kubernetes.target import KubernetesTarget

__all__ = ["KubernetesTarget"]
