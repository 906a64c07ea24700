"""Documents: every YAML file that says how Homeostat behaves, as frozen models with their places.

In: bytes of a commit's tree. Out: `Loaded` documents, a `DocumentSet` with its digest, or Misconfigured at
file:line:column with the nearest valid key. What a document means is left to the stage that reads it.
"""

from reconciler.documents.loader import Loaded, Problem, check, load, load_one
from reconciler.documents.tree import DocumentSet, check_tree, document_paths, is_cases, load_tree

__all__ = [
    "DocumentSet",
    "Loaded",
    "Problem",
    "check",
    "check_tree",
    "document_paths",
    "is_cases",
    "load",
    "load_one",
    "load_tree",
]
