"""The four acts. Each plays its part of the world, waits until it can be seen, and returns what was observed."""

from __future__ import annotations

from typing import Any

from demo_kube_stage import APPS, SHOP, Stage

from reconciler.cli import demo_look as look
from reconciler.cli.demo_voice import Voice

AUTONOMY = "policies/autonomy.yaml"
BY_ITSELF, WITH_A_PERSON = "cluster-image-missing", "cluster-crash-config"
OPENED = f"""\
    - playbooks: [{BY_ITSELF}]
      units: [shop]
      mode: autonomous
    - playbooks: [{WITH_A_PERSON}]
      units: [shop]
      mode: review
"""
PATIENT, IMPATIENT = "    healthy: true\n", "    healthy: true\n    guardAfterSeconds: 10\n    outcomeAfterSeconds: 30\n"
CHECKOUT, CART = f"{SHOP}/checkout.yaml", f"{SHOP}/cart.yaml"
GOOD, BAD = "checkout:1.4.2", "checkout:1.5.0-missing"
SESSIONS, NOWHERE = "redis://sessions:6379", "redis://nowhere:6379"

Seen = list[tuple[str, bool]]


def open_up(stage: Stage) -> str:
    """A person edits the Autonomy document and the playbooks, as policy is edited here: in Git. Returns the new lines."""
    edits = {f"playbooks/{name}.yaml": (PATIENT, IMPATIENT) for name in (BY_ITSELF, WITH_A_PERSON)}
    stage.push({AUTONOMY: ("  rules:\n", "  rules:\n" + OPENED), **edits}, "Let the demo's playbooks act in the shop")
    return OPENED


def missing_image(stage: Stage, voice: Voice) -> Seen:
    """1. Said by the cluster, cause found, one line proposed, judged, merged, rolled out, verified."""
    bad = stage.push({CHECKOUT: (GOOD, BAD)}, "Release checkout 1.5.0")
    voice.say(f"ada releases checkout 1.5.0 ({bad[:12]}), but nobody has pushed that image")
    stage.until(lambda: bool(stage.failing("checkout")), 30, "the nodes try to get the image")
    voice.say(f"the nodes say: {', '.join(sorted(set(stage.failing('checkout'))))}; the old pods go on serving")
    stage.until(lambda: len(stage.machine_commits()) == 1, 60, "the loop finds the cause and repairs it")
    pull = stage.pulls()[-1]
    look.tell_repair(stage, voice, pull)
    stage.until(lambda: stage.ready_pods("checkout") == 3, 60, "the rollout is complete")
    outcome = look.outcome(stage, voice, pull["merged"])
    diff = stage.git("diff", "--stat", f"{pull['merged']}^", pull["merged"], where=stage.home.repository)
    return [
        (f"Git: main holds the machine's commit {pull['merged'][:12]}, one line", "1 insertion(+), 1 deletion(-)" in diff),
        ("Git: the machine's author key signed it", look.verified(stage, pull["merged"])),
        (f"API server: checkout runs {GOOD}, 3 of 3 pods ready", _runs(stage, "checkout", GOOD)),
        (f"log: the outcome is {outcome}", outcome == "better"),
    ]


def crashing_setting(stage: Stage, voice: Voice) -> Seen:
    """2. The image is the same, a setting is not: the commit is to be undone, and a person approves that."""
    known = len(stage.pulls())
    bad = stage.push({CART: (SESSIONS, NOWHERE)}, "Move the sessions of cart")
    voice.say(f"ada moves the sessions of cart ({bad[:12]}); its new pods find nothing there")
    stage.until(lambda: len(stage.pulls()) > known and bool(stage.pulls()[0]["effect"]), 60, "the loop finds the cause")
    pull = stage.pulls()[0]
    number, key = pull["number"], stage.home.key("owner")
    voice.say(
        f"the nodes say: {', '.join(sorted(set(stage.failing('cart'))))}; cause found: {pull['narrative']['what_happened']}"
    )
    voice.say(f"proposed: {pull['narrative']['title']}   verdict: {pull['effect']} ({pull['reason']})")
    waits = stage.head() == bad and pull["state"] == "open"
    voice.say(f"it waits. A person looks at {stage.page(f'/pr/{number}')} or at `homeostat pr show {number}`, and approves:")
    voice.command(f"homeostat pr approve {number} --as ada --key {key.name}")
    voice.more(stage.cli("pr", "approve", str(number), "--as", "ada", "--key", str(key), "--text", "not today"))
    stage.until(lambda: stage.pull(number)["state"] == "merged", 30, "the approved repair lands")
    stage.until(lambda: stage.ready_pods("cart") == 3, 60, "the rollout is complete")
    merged = stage.pull(number)["merged"]
    reviewed = [r["payload"]["review"] for r in stage.records("review") if r["payload"]["number"] == number]
    value = stage.container("cart")["env"][0]["value"]
    return [
        (f"Git: while it waited, main stayed at {bad[:12]}", waits),
        (f"log: ada approved exactly the head that landed, {merged[:12]}", look.approved(reviewed, merged)),
        ("Git: it is the exact inverse of ada's commit", look.inverse(stage, bad, merged)),
        (f"API server: cart has {value} again, 3 of 3 pods ready", value == SESSIONS and not stage.failing("cart")),
    ]


def drift(stage: Stage, voice: Voice) -> Seen:
    """3. Past Git: an edit and a deletion, both put back."""
    body: Any = {"spec": {"template": {"spec": {"containers": [{"name": "search", "image": "registry.example/search:debug"}]}}}}
    voice.say("somebody debugs in production, past Git:")
    voice.command("kubectl edit deployment search      # image: registry.example/search:debug")
    stage.edit("search", body)
    edited = stage.seconds_until(lambda: stage.container("search")["image"].endswith(":1.4.2"), 10)
    voice.say(f"put back after {edited * 1000:.0f} ms")
    uid = stage.deployment("search")["metadata"]["uid"]
    voice.command("kubectl delete deployment search")
    stage.delete("search")
    deleted = stage.seconds_until(
        lambda: "search" in stage.deployments() and stage.deployment("search")["metadata"]["uid"] != uid, 10
    )
    voice.say(f"made again after {deleted * 1000:.0f} ms")
    stage.until(lambda: stage.ready_pods("search") == 3, 60, "search runs again")
    return [
        ("API server: the edit was gone within a second", edited < 1),
        ("API server: the Deployment was there again within a second", deleted < 1),
        ("API server: search runs 1.4.2, 3 of 3 pods ready", _runs(stage, "search", "search:1.4.2")),
        ("Git: nothing had to be committed for it", not stage.git("log", "--format=%H", "--grep=search", "main")),
    ]


def mass_deletion(stage: Stage, voice: Voice) -> Seen:
    """4. A commit that deletes nearly everything is refused with its reason, and taken back."""
    before = {name: stage.deployment(name)["metadata"]["uid"] for name in APPS}
    voice.say("ada cleans up, in the wrong folder:")
    voice.command("git rm apps/shop/*.yaml && git commit && git push      # all but namespace.yaml")
    stage.git("pull", "-q", "--ff-only")
    stage.git("rm", "-q", *(f"{SHOP}/{name}.yaml" for name in APPS))
    stage.git("commit", "-qm", "Remove what nobody needs")
    stage.git("push", "-q")
    bad = stage.head()
    stage.until(lambda: bool(_refused(stage, bad)), 30, "the unit is refused")
    told = stage.paged()
    voice.say("refused, before anything was touched, and a person was told:")
    voice.more(told)
    kept = {name: stage.deployment(name)["metadata"]["uid"] for name in stage.deployments()} == before
    voice.command("git revert --no-edit HEAD && git push")
    stage.git("revert", "--no-edit", bad)
    stage.git("push", "-q")
    good = stage.head()
    stage.until(lambda: _applied(stage, good), 30, "the revert is applied")
    return [
        (f"log: {bad[:12]} was refused: {_refused(stage, bad)}", _refused(stage, bad) == "prune-budget" and "6 objects" in told),
        ("API server: all three Deployments are the same objects as before", kept),
        (f"log: the revert {good[:12]} was applied", _applied(stage, good)),
        ("API server: every pod of the app is ready", all(stage.ready_pods(name) == 3 for name in APPS)),
    ]


def _runs(stage: Stage, name: str, image: str) -> bool:
    return bool(stage.container(name)["image"].endswith(image)) and stage.ready_pods(name) == 3


def _refused(stage: Stage, commit: str) -> str:
    """Why the log says that nothing of this commit was applied to the shop; "" while it says nothing."""
    told = [r["payload"] for r in stage.records("apply") if r["payload"]["revision"] == commit]
    return next((str(p["reason"]) for p in told if p["unit"] == "shop" and not p["results"] and p["reason"] != "applied"), "")


def _applied(stage: Stage, commit: str) -> bool:
    told = [r["payload"] for r in stage.records("apply") if r["payload"]["revision"] == commit]
    return any(p["unit"] == "shop" and p["reason"] == "applied" for p in told)
