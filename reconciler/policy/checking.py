"""Everything that is wrong with a tree of documents, all at once: `homeostat policy check`.

In: path to bytes. Out: problems with their places. What passes here loads, compiles, has one owner for every key, agrees
with the published schemas, and has cases files that can be read; the loop then finds nothing new.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from reconciler.documents import Problem, check, check_tree, is_cases, load, load_one, load_tree
from reconciler.documents.base import NAME
from reconciler.documents.merge_policy import CONDITION_VARIABLES, MergePolicy
from reconciler.documents.operation import Operation
from reconciler.documents.people import people
from reconciler.documents.schemas import violations
from reconciler.documents.tree import DocumentSet
from reconciler.documents.trust import Trust
from reconciler.errors import Misconfigured
from reconciler.expressions import compile_condition


def check_files(files: Mapping[str, bytes]) -> tuple[Problem, ...]:
    """All problems, by place; () when the tree can be used. Files that are no documents are ignored."""
    problems = [*check_tree(files), *_cases(files), *_operations(files)]
    if not problems:
        documents = load_tree(files)
        problems = [*_schemas(documents), *_conditions(documents), *_owners(documents)]
    return tuple(problems)


def _cases(files: Mapping[str, bytes]) -> Iterator[Problem]:
    for path in sorted(path for path in files if is_cases(path) and path.partition("/")[0] in ("policies", "playbooks")):
        found = check(files[path], path)
        yield from found
        for item in () if found else load(files[path], path):
            yield from violations(item)


def _operations(files: Mapping[str, bytes]) -> Iterator[Problem]:
    """One-shot Operations, as they are read when their commit is admitted; whether one is still in time is asked then."""
    for path in sorted(
        path for path in files if path.startswith("operations/") and not path.endswith((".md", ".txt", ".gitkeep"))
    ):
        if not re.fullmatch(NAME, path.removeprefix("operations/").removesuffix(".yaml")) or not path.endswith(".yaml"):
            yield Problem(f"{path}:1:1", "this file would not run: its name is no id", "name it operations/ID.yaml")
            continue
        try:
            yield from violations(load_one(files[path], path, Operation))
        except Misconfigured as error:
            yield Problem(error.where, error.message.removeprefix(f"{error.where}: "), error.next_step)


def _schemas(documents: DocumentSet) -> Iterator[Problem]:
    for item in documents.documents:
        yield from violations(item)


def _conditions(documents: DocumentSet) -> Iterator[Problem]:
    for item in documents.of(MergePolicy):
        for index, condition in enumerate(item.document.spec.require.conditions):
            where = item.locate("spec", "require", "conditions", index, "expression")
            try:
                compile_condition(condition.expression, CONDITION_VARIABLES, where)
            except Misconfigured as error:
                yield Problem(where, error.message.removeprefix(f"{where}: "), error.next_step)


def _owners(documents: DocumentSet) -> Iterator[Problem]:
    try:
        people(documents.of(Trust))
    except Misconfigured as error:
        yield Problem(error.where, error.message.removeprefix(f"{error.where}: "), error.next_step)
