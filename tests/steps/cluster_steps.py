"""Steps on a real cluster: what people do to it past Git or through Git, and what it says."""

from __future__ import annotations

from collections.abc import Iterator

from cluster.controlplane import Cluster
from cluster.till import FILE, Till
from installation import Installation
from pytest_bdd import given, parsers, step, then

PATCH = {"Content-Type": "application/strategic-merge-patch+json"}
OPERATION = """\
apiVersion: homeostat/v1
kind: Operation
metadata:
  name: {name}
spec:
  action: restart
  unit: till
  component: till
  expiresMs: {expires}
  irreversibility: costly
"""


@given("a till of two pods on a cluster, as Git says", target_fixture="till")
def _(site: Installation, failing_cluster: Cluster, namespace: str) -> Iterator[Till]:
    with failing_cluster.client() as api:
        yield Till(site, failing_cluster, api, namespace)


@step(parsers.parse('Ada releases "{image}"'))
def _(till: Till, image: str) -> None:
    till.site.push({FILE: ("till:1.4.2", image)}, "Release the till")
    till.site.settle()


@step(parsers.parse('Ada moves the sessions to "{address}"'))
def _(till: Till, address: str) -> None:
    till.site.push({FILE: ("redis://sessions", address)}, "Move the sessions")
    till.site.settle()


@step("Ada removes every file of the till but one and pushes")
def _(till: Till) -> None:
    till.site.pull()
    (till.site.clone / FILE).unlink()
    till.push("Tidy up")


@step("Ada reverts that and pushes")
def _(till: Till) -> None:
    till.site.git_revert(till.site.head())
    till.site.settle()


@step(parsers.parse('Ada merges the Operation "{name}" that restarts the till'))
def _(till: Till, name: str) -> None:
    till.site.pull()
    text = OPERATION.format(name=name, expires=till.site.clock.now() + 3_600_000)
    (till.site.clone / f"operations/{name}.yaml").write_text(text)
    till.push("Restart the till")
    till.wait(lambda: _events(till, name)[-1:] == ["finished"], "the Operation is done")


@step(parsers.parse('somebody sets the image to "{image}" by hand'))
def _(till: Till, image: str) -> None:
    body = {"spec": {"template": {"spec": {"containers": [{"name": "till", "image": image}]}}}}
    till.api.patch(f"{till.path}?fieldManager=kubectl-edit", json=body, headers=PATCH).raise_for_status()


@step("somebody deletes the till by hand")
def _(till: Till) -> None:
    till.api.delete(till.path).raise_for_status()


@step(parsers.parse('the cluster says "{reason}"'))
def _(till: Till, reason: str) -> None:
    till.wait(lambda: till.waiting() == {reason}, f"the cluster says {reason}")


@step("the machine merges a repair")
def _(till: Till) -> None:
    till.site.until(lambda: till.site.payloads("merge"), seconds=180)


@step("the rollout is complete")
def _(till: Till) -> None:
    till.rolled_out()


@then(parsers.parse('the till runs "{image}"'))
def _(till: Till, image: str) -> None:
    assert till.container()["image"] == image
    assert till.waiting() == set()


@then(parsers.parse('the till is to run "{image}"'))
def _(till: Till, image: str) -> None:
    assert till.container()["image"] == image


@then(parsers.parse('the till is put back to "{image}"'))
def _(till: Till, image: str) -> None:
    till.wait(lambda: till.container().get("image") == image, f"the till is to run {image}")


@then(parsers.parse('the sessions are at "{address}"'))
def _(till: Till, address: str) -> None:
    assert till.container()["env"] == [{"name": "SESSIONS", "value": address}]


@then("the machine changed one line")
def _(till: Till) -> None:
    till.site.pull()
    (commit,) = till.site.machine_commits()
    assert till.site.git("show", "--format=", "--numstat", commit) == f"1\t1\t{FILE}"


@then("Ada's commit is undone exactly")
def _(till: Till) -> None:
    till.site.pull()
    assert till.site.git("diff", "HEAD~2", "HEAD") == ""
    assert till.site.machine_commits() == [till.site.head()]


@then(parsers.parse('the log names Ada\'s commit, "{kind}" and "{trouble}"'))
def _(till: Till, kind: str, trouble: str) -> None:
    cause = till.site.payloads("diagnosis")[0]["diagnosis"]["causes"][0]
    bad = till.site.git("log", "--format=%H", "--author=ada@example.org", "-1")
    assert (cause["kind"], cause["trouble"], cause["commit"]) == (kind, trouble, bad)


@then("the repair is verified as better")
def _(till: Till) -> None:
    assert [(o["stage"], o["state"]) for o in till.site.payloads("outcome")] == [("guard", "better"), ("outcome", "better")]


@then("the till is the same object as before")
def _(till: Till) -> None:
    assert till.live()["metadata"]["uid"] == till.uid
    assert set(till.pods()) == set(till.pods_before)


@then("a person was told that its pruneBudget is in the way")
def _(till: Till) -> None:
    assert "would delete 2 objects" in till.site.pages()[-1]["text"]
    assert "pruneBudget" in till.site.pages()[-1]["text"]


@then("what Git says is applied")
def _(till: Till) -> None:
    last = [a for a in till.site.payloads("apply") if a["unit"] == "till"][-1]
    assert (last["revision"], last["reason"]) == (till.site.head(), "applied")


@then("every pod of the till is a new one")
def _(till: Till) -> None:
    till.wait(lambda: len(till.pods()) == 2, "two pods")
    assert not set(till.pods()) & set(till.pods_before)
    till.pods_before = till.pods()


@then("no pod has been replaced since")
def _(till: Till) -> None:
    assert set(till.pods()) == set(till.pods_before)


@then(parsers.parse('the Operation "{name}" is done'))
def _(till: Till, name: str) -> None:
    till.site.advance(30)
    told = _events(till, name)
    assert (told.count("started"), told.count("finished"), told[-1]) == (1, 1, "finished")


def _events(till: Till, name: str) -> list[str]:
    return [str(p["event"]) for p in till.site.payloads("operation") if p["id"] == name]
