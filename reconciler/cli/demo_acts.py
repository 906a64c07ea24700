"""The five acts. Each plays its part of the world, waits until it can be seen, and returns what was observed."""

from __future__ import annotations

from reconciler.cli import demo_look as look
from reconciler.cli.demo_stage import Stage
from reconciler.cli.demo_voice import Voice

CALM_S = 120
AUTONOMY = "policies/autonomy.yaml"
CHECKOUT, CART = "apps/shop/checkout.yaml", "apps/shop/cart.yaml"
BAD, GOOD = 'release: "1.5.0"', 'release: "1.4.2"'
OPENED = """\
    - playbooks: [rollback-release, scale-out]
      units: [shop]
      mode: autonomous
    - playbooks: [raise-limit]
      units: [shop]
      mode: review
"""

Seen = list[tuple[str, bool]]


def open_up(stage: Stage) -> str:
    """A person edits the Autonomy document, as policy is edited here: in Git. Returns the lines with their place."""
    stage.push({AUTONOMY: ("  rules:\n", "  rules:\n" + OPENED)}, "Let the demo's playbooks act in the shop")
    stage.settle()
    lines = stage.read(AUTONOMY).splitlines()
    first = lines.index("  rules:") + 1
    shown = range(first, first + len(OPENED.splitlines()))
    return "\n".join(f"{AUTONOMY}:{at + 1}  {lines[at]}" for at in shown)


def bad_release(stage: Stage, voice: Voice) -> Seen:
    """1. Alert in, cause found, one line proposed, judged, merged, applied, verified."""
    before = stage.metric("checkout", "latency_p99")
    stage.fault(kind="bad-release", service="checkout", release="1.5.0", mode="slow", factor=8)
    bad = stage.push({CHECKOUT: (GOOD, BAD)}, "Release checkout 1.5.0")
    voice.say(f"ada releases checkout 1.5.0 ({bad[:12]}); it is eight times as slow, but nobody knows")
    stage.until(lambda: stage.metric("checkout", "latency_p99") > 2 * before, 120, "checkout gets slow")
    stage.alert("CheckoutSlow", "checkout")
    stage.settle()
    voice.say(f"alert in: latency_p99 of checkout went from {before:.0f} to {stage.metric('checkout', 'latency_p99'):.0f} ms")
    stage.until(lambda: len(stage.machine_commits()) == 1, 240, "the loop finds the cause and repairs it")
    pull = stage.pulls()[-1]
    look.tell_repair(stage, voice, pull)
    stage.until(lambda: GOOD.split('"')[1] == stage.live("checkout", "release"), 60, "the rollback is applied")
    outcome = look.outcome(stage, voice, pull["merged"])
    after = stage.metric("checkout", "latency_p99")
    diff = stage.git("diff", "--stat", f"{pull['merged']}^", pull["merged"], where=stage.home.repository)
    return [
        (
            f"Git: main holds the machine's commit {pull['merged'][:12]}, one line in one file",
            "1 insertion(+), 1 deletion(-)" in diff,
        ),
        ("Git: the machine's author key signed it", look.verified(stage, pull["merged"])),
        ("Git: checkout is at 1.4.2 again", GOOD in stage.read(CHECKOUT)),
        (
            f"lab: checkout runs 1.4.2, latency_p99 {after:.0f} ms",
            stage.live("checkout", "release") == "1.4.2" and after < 2 * before,
        ),
        (f"log: the outcome is {outcome}", outcome == "better"),
        *look.examined(stage, pull["narrative"]["incident"]),
    ]


def wants_a_person(stage: Stage, voice: Voice) -> Seen:
    """2. It waits; a person sees the command and the page, and approves."""
    known = len(stage.pulls())
    stage.fault(kind="leak", service="cart", release="", factor=40)
    voice.say("cart begins to leak memory")
    stage.until(lambda: len(stage.pulls()) > known, 420, "memory of cart grows")
    stage.until(lambda: bool(stage.pulls()[0]["effect"]), 60, "the judges look at it")
    pull = stage.pulls()[0]
    number = pull["number"]
    voice.say(f"proposed: {pull['narrative']['title']}   verdict: {pull['effect']} ({pull['reason']})")
    missing = [r for r in pull["requirements"] if r["status"] in ("unsatisfied", "error")]
    voice.more("\n".join(f"missing: {r['name']}: {r['missing']}   ({r['document']})" for r in missing))
    waited = stage.head()
    stage.advance(20)
    still = stage.head() == waited and stage.pull(number)["state"] == "open"
    key = stage.home.key("owner")
    voice.say(f"it waits. A person looks at {stage.page(f'/pr/{number}')} or at `homeostat pr show {number}`, and approves:")
    voice.command(f"homeostat pr approve {number} --as ada --key {key}")
    voice.more(stage.cli("pr", "approve", str(number), "--as", "ada", "--key", str(key), "--text", "the leak is being fixed"))
    stage.until(lambda: stage.pull(number)["state"] == "merged", 60, "the approved repair lands")
    limit = look.number(stage.read(CART), "memoryMiB")
    stage.until(lambda: stage.live("cart", "memoryMiB") == limit, 60, "the repair is applied")
    merged = stage.pull(number)
    look.outcome(stage, voice, merged["merged"], "guard")
    reviewed = [r["payload"]["review"] for r in stage.records("review") if r["payload"]["number"] == number]
    return [
        (f"Git: while it waited, main stayed at {waited[:12]} and #{number} stayed open", still),
        (f"log: ada approved exactly the head that landed, {merged['merged'][:12]}", look.approved(reviewed, merged["merged"])),
        (f"lab: cart has {limit} MiB a replica", stage.live("cart", "memoryMiB") == limit),
    ]


def makes_it_worse(stage: Stage, voice: Voice) -> Seen:
    """3. Reverted by itself, verified, remembered, not proposed again."""
    stage.until(lambda: not look.is_open(stage), 600, "the loop finishes what is open")
    stage.heal()
    stage.advance(60)
    commits = len(stage.machine_commits())
    replicas = stage.live("checkout", "replicas")
    stage.fault(kind="surge", service="checkout", factor=2.0)
    voice.say("a sale doubles the load of checkout; more replicas will take the database's last connections")
    stage.until(lambda: len(stage.machine_commits()) > commits, 240, "the loop scales checkout out")
    repair = stage.machine_commits()[0]
    voice.say(f"merged by itself: {repair[1]} ({repair[0][:12]})")
    stage.until(lambda: look.undo_of(stage, repair[0]) != "", 240, "everybody gets slower")
    undo = look.undo_of(stage, repair[0])
    guard = next(r["payload"] for r in stage.records("outcome") if r["payload"]["commit"] == repair[0])
    voice.say(f"the guard after 60 s: {guard['summary']}")
    voice.say(f"undone by itself: {undo[:12]}, on the fast lane")
    stage.until(lambda: stage.live("checkout", "replicas") == replicas, 60, "the undo is applied")
    verified = look.outcome(stage, voice, undo)
    look.until_over(stage, voice, 1_500, "the loop looks for something smaller")
    refused = [r["payload"] for r in stage.records("refusal") if r["payload"]["reason"] == "remembered"]
    if refused:
        voice.say(f"remembered: {refused[0]['detail']}")
    again = [c for c, subject in stage.machine_commits() if subject == repair[1]]
    stage.heal()
    stage.advance(60)
    look.until_over(stage, voice, 600, "the loop finishes what the end of the sale leaves open")
    return [
        (f"Git: {undo[:12]} is the exact inverse of {repair[0][:12]}", look.inverse(stage, repair[0], undo)),
        (f"lab: checkout has {replicas} replicas again", stage.live("checkout", "replicas") == replicas),
        (f"log: the undo was verified: {verified}", verified == "better"),
        ("log and Git: the same patch was refused as remembered and landed only once", bool(refused) and len(again) == 1),
    ]


def git_revert(stage: Stage, voice: Voice) -> Seen:
    """4. A person's plain git revert: admitted, applied, held."""
    raised = next(c for c, subject in stage.machine_commits() if subject.startswith("cart: memoryMiB"))
    stage.git("pull", "-q", "--ff-only")
    voice.say("ada wants cart's memory limit back as it was; nothing but git is needed:")
    voice.command(f"git revert --no-edit {raised[:12]} && git push")
    stage.git("revert", "--no-edit", raised)
    stage.git("push", "-q")
    reverted = stage.head()
    stage.settle()
    limit = look.number(stage.read(CART), "memoryMiB")
    stage.until(lambda: stage.live("cart", "memoryMiB") == limit, 60, "the revert is applied")
    admitted = [r["payload"]["kind"] for r in stage.records("admission") if r["payload"]["commit"] == reverted]
    commits = len(stage.machine_commits())
    stage.fault(kind="leak", service="cart", release="", factor=60)
    voice.say("cart leaks again; the machine knows the cure, and keeps away:")
    closed = len(stage.records("closed"))
    stage.until(lambda: len(stage.records("closed")) > closed, 900, "the loop sees the leak")
    voice.more(stage.cli("brake", "list"))
    stage.heal()
    return [
        (f"log: {reverted[:12]} was admitted ({', '.join(admitted)})", bool(admitted)),
        (f"lab: cart has {limit} MiB again", stage.live("cart", "memoryMiB") == limit),
        (
            "log: a hold names the file that the person took back",
            any(r["payload"]["scope"] == CART for r in stage.records("hold")),
        ),
        ("Git: the machine did not do it again", len(stage.machine_commits()) == commits and stage.head() == reverted),
    ]


def panic(stage: Stage, voice: Voice) -> Seen:
    """5. Everything of the last five minutes undone in one signed commit; the whole story proved."""
    stage.until(lambda: not look.is_open(stage), 900, "the loop finishes what is open")
    stage.advance(120)
    commits = len(stage.machine_commits())
    stage.fault(kind="surge", service="search", factor=2.2)
    voice.say("people search more than twice as often; the loop scales search out")
    stage.until(lambda: len(stage.machine_commits()) > commits, 300, "the loop scales search out")
    look.tell_findings(stage, voice, stage.pulls()[0]["narrative"]["incident"])
    stage.advance(30)
    before = stage.head()
    window = [c for c, _ in stage.machine_commits()[: len(stage.machine_commits()) - commits]]
    voice.say("somebody does not like what the machine is doing tonight:")
    voice.command("homeostat panic --since 5m")
    voice.more(stage.cli("panic", "--since", "5m"))
    stage.settle()
    head = stage.head()
    stage.until(
        lambda: stage.live("search", "replicas") == look.number(stage.read("apps/shop/search.yaml"), "replicas"),
        60,
        "the panic is applied",
    )
    same = stage.git("diff", "--stat", f"{window[-1]}^", head, where=stage.home.repository) == ""
    voice.command("homeostat audit verify")
    proof = stage.cli("audit", "verify")
    voice.more(proof)
    flipped = look.flip(stage, voice)
    return [
        (
            f"Git: one commit, {head[:12]} on {before[:12]}, undoes all {len(window)} of the window",
            same and look.parent(stage, head) == before,
        ),
        ("Git: it is signed by the machine's author key", look.verified(stage, head)),
        (
            "lab: search runs what Git says",
            stage.live("search", "replicas") == look.number(stage.read("apps/shop/search.yaml"), "replicas"),
        ),
        ("log: the brake is on", any(r["payload"]["reason"] == "panic" and r["payload"]["on"] for r in stage.records("brake"))),
        ("the whole story is proved (audit verify: 0)", "PROBLEM" not in proof),
        ("one flipped byte in a copy is found (audit verify: 65)", flipped),
    ]
