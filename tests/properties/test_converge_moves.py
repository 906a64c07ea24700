"""However objects move between units, fail and come back: what Git wants somewhere is never deleted."""

from pathlib import Path

import pytest
from examples import many
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.adapters.repos.bare import init_bare
from reconciler.adapters.repos.pygit import PygitRepo
from reconciler.converge.rounds import Converger, Round
from reconciler.converge.units import UnitIndex
from reconciler.documents.installation import Unit
from reconciler.model.revisions import Verb
from reconciler.ports.repo import Identity
from reconciler.testing.signing import MemorySigner
from reconciler.testing.targets import FakeTarget

UNITS = ("a", "b", "c")
OBJECTS = ("x", "y", "z")
WHO = Identity("Alice", "alice@example.org")

# Where each object is written (None: nowhere), which unit has a broken file, which object the target refuses.
Homes = tuple[str | None, ...]
State = st.tuples(
    st.tuples(*[st.sampled_from([*UNITS, None]) for _ in OBJECTS]),
    st.sampled_from([None, None, *UNITS]),
    st.sampled_from([None, None, *OBJECTS]),
)


@pytest.fixture(scope="module")
def repo(tmp_path_factory: pytest.TempPathFactory) -> PygitRepo:
    path: Path = tmp_path_factory.mktemp("moves") / "infra.git"
    return PygitRepo(init_bare(path, author=MemorySigner("author", "x").public))


def files(homes: Homes, broken: str | None) -> dict[str, bytes | None]:
    found: dict[str, bytes | None] = {f"apps/{u}/{o}.yaml": None for u in UNITS for o in OBJECTS}
    found |= {f"apps/{u}/bad.yaml": b"[" if u == broken else None for u in UNITS}
    for name, home in zip(OBJECTS, homes, strict=True):
        if home:
            found[f"apps/{home}/{name}.yaml"] = (
                f"apiVersion: v1\nkind: Service\nmetadata: {{name: {name}}}\nspec: {{}}\n".encode()
            )
    return found


@settings(max_examples=many(25), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(states=st.lists(State, min_size=1, max_size=6))
def test_what_git_wants_somewhere_is_never_deleted(repo: PygitRepo, states: list[tuple[Homes, str, str]]) -> None:
    units = [Unit(name=u, path=f"apps/{u}", target="lab", allow_empty=True) for u in UNITS]
    target = FakeTarget("lab")
    converger, index = Converger(repo, {"lab": target}), UnitIndex.of(units)
    head = applied = repo.write("", {"README": b"x"}, "Root", WHO, 1_000, None)
    pending = frozenset(UNITS)
    for generation, (homes, broken, refused) in enumerate(states, 1):
        present = repo.files(head)
        edit = {p: d for p, d in files(homes, broken).items() if d is not None or p in present}
        head = repo.write(head, edit, f"Step {generation}", WHO, 1_000 + generation, None)
        target.refuse = {f"Service/{refused}"} if refused else set()
        del target.applied[:]
        result = converger.converge(Round(index, head, applied, generation, 0, pending))
        pending, applied = result.pending, head
        deleted = {s.id for p in target.applied for s in p.steps if s.verb is Verb.PRUNE}
        wanted = {f"Service/{o}" for o, home in zip(OBJECTS, homes, strict=True) if home}
        assert not deleted & wanted
    target.refuse = set()
    last = tuple(states[-1][0])
    head = repo.write(
        head, {p: None for p in repo.files(head) if p.endswith("bad.yaml")} | {"done": b"1"}, "Mend", WHO, 9_000, None
    )
    for generation in (100, 101):
        result = converger.converge(Round(index, head, applied, generation, 0, pending))
        pending, applied = result.pending, head
    assert {i: o.unit for i, o in target.objects.items()} == {
        f"Service/{o}": home for o, home in zip(OBJECTS, last, strict=True) if home
    }
    assert result.ok
    assert pending == frozenset()
