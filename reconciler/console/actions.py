"""Actions: what a logged-in person does on the page. Each calls the command that the CLI calls, then wakes the loop.

The gate has proved the request; here the person's role is asked for, and what the form was shown for (head, commit,
window) is what is acted on. An action answers with a redirect, so that reloading a page never acts twice.
"""

from __future__ import annotations

from reconciler.changes.wording import counted
from reconciler.commands import brakes, panic, reviews, undoing
from reconciler.console.gate import Refused, Visit
from reconciler.console.logins import redeem
from reconciler.console.pages import Redirect
from reconciler.console.views import DURATIONS, find_or_404
from reconciler.documents.trust import Role
from reconciler.model.pulls import ReviewChoice

CHOICES = {"approve": ReviewChoice.APPROVE, "reject": ReviewChoice.REJECT, "merge": ReviewChoice.APPROVE}
HEAD_LENGTH = 40  # a short head could come to fit another commit


def login(visit: Visit) -> Redirect:
    """Spends the token, and only now."""
    now = visit.world.clock.wall()
    if visit.desk.failures.exhausted(now):
        raise Refused(429, "too many links that did not work", "wait a minute")
    principal = redeem(visit.deps.home, visit.form.get("token", ""), now)
    if not principal:
        visit.desk.failures.failed(now)
        raise Refused(403, "this login link is used up, too old or wrong", "make a new one: homeostat login --as NAME")
    if visit.cookie:
        visit.desk.sessions.end(visit.cookie)
    cookie, _ = visit.desk.sessions.begin(principal, now)
    return Redirect("/", cookie)


def logout(visit: Visit) -> Redirect:
    visit.desk.sessions.end(visit.cookie)
    return Redirect("/login", "")


def review(visit: Visit) -> Redirect:
    """Approve, reject or merge exactly the head that was shown."""
    choice, head = visit.form.get("choice", ""), visit.form.get("head", "")
    if choice not in CHOICES or len(head) != HEAD_LENGTH:
        raise Refused(400, "the form does not say what to do with which head", "send it from the page")
    found = find_or_404(visit)
    units = tuple(name for name, _ in found.trees)
    person = visit.person(Role.MERGE if choice == "merge" else Role.APPROVE, units)
    text = visit.form.get("text", "").strip()[: reviews.MAX_TEXT]
    if choice == "merge":
        reviews.merge(visit.world, visit.deps.reviewer, person, found.number, head=head, text=text)
    else:
        reviews.review(visit.world, visit.deps.reviewer, person, found.number, CHOICES[choice], head=head, text=text)
    said = {
        "approve": "Your approval is on record.",
        "reject": "Your rejection is on record.",
        "merge": "Your approval is on record; it lands as soon as the rules allow.",
    }
    return _done(visit, f"/pr/{found.number}", said[choice])


def revert(visit: Visit) -> Redirect:
    """One commit that undoes a landed repair. Only where Trust admits a commit that the person's key has not signed."""
    found = find_or_404(visit)
    if not found.merged or visit.form.get("commit", "") != found.merged:
        raise Refused(409, f"pull request {found.number} is not as it was shown", "look at it again")
    person = visit.person(Role.MERGE, tuple(name for name, _ in found.trees))
    if visit.world.standing().people.enforce:
        raise Refused(409, "Trust wants every commit signed with its author's key", f"homeostat pr revert {found.number}")
    commit = undoing.revert(visit.world, person, found.number)
    return _done(visit, f"/pr/{found.number}", f"Commit {commit[:12]} undoes it; a hold keeps the machine from redoing it.")


def brake_on(visit: Visit) -> Redirect:
    reason, duration = visit.form.get("reason", "").strip(), visit.form.get("duration", "")
    if not reason or duration not in DURATIONS:
        raise Refused(400, "a brake has a reason and a duration", "fill in both")
    made = brakes.put_on(visit.world, visit.person(Role.OPERATE), reason, DURATIONS[duration])
    return _done(visit, "/brakes", f"{made.id} is on for {duration}.")


def brake_off(visit: Visit) -> Redirect:
    lifted = brakes.take_off(visit.world, visit.person(Role.OPERATE), visit.form.get("id", ""))
    return _done(visit, "/brakes", f"{lifted.id} is off.")


def release(visit: Visit) -> Redirect:
    lifted = brakes.release(visit.world, visit.person(Role.OPERATE), visit.form.get("id", ""))
    return _done(visit, "/brakes", f"{lifted.scope} is released.")


def panic_now(visit: Visit) -> Redirect:
    """The window is the one that the dry run showed; what landed since then is undone with it."""
    since = visit.form.get("since_ms", "")
    if not (since.isascii() and since.isdigit() and len(since) <= 16) or visit.form.get("sure") != "yes":
        raise Refused(400, "the confirmation is missing", "look at the dry run, tick the box, send it again")
    done = panic.panic(visit.world, visit.person(Role.OPERATE), int(since))
    undone = (
        f"{counted(len(done.panic.reverted), 'commit')} undone by {done.panic.commit[:12]}"
        if done.panic.commit
        else "Nothing was left to undo"
    )
    return _done(visit, "/", f"{undone}. {done.brake.id} is on: the machine merges nothing until you lift it.")


def _done(visit: Visit, to: str, said: str) -> Redirect:
    if visit.session:
        visit.session.flash = said
    visit.deps.wake()
    return Redirect(to)
