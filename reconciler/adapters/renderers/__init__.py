"""Renderers: the installed `kustomize` and `helm` as locked-in child processes, and files that sops encrypted.

What each may read is decided before it starts (`reads`), by reading the repository. What it then is given is exactly that, in a
folder that is gone when it ends. See `jail` for what else holds it.
"""
