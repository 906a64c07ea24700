"""What the acts share: how a repair and an outcome are told, and how Git and the log are looked at."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from reconciler.bootstrap.analysisprocess import lacking
from reconciler.changes import wording
from reconciler.cli.demo_site import Site
from reconciler.cli.demo_voice import Voice


def tell_repair(stage: Site, voice: Voice, pull: dict[str, Any]) -> None:
    told = pull["narrative"]
    incident = told["incident"]
    voice.say(f"cause found: {told['what_happened']}")
    voice.more("\n".join(f"- {line}" for line in told["evidence"]))
    tell_findings(stage, voice, incident)
    voice.say(f"proposed as pull request #{pull['number']}: {told['title']}")
    diff = stage.git("show", "--format=", "--unified=0", pull["merged"], where=stage.home.repository)
    voice.more("\n".join(line for line in diff.splitlines() if line[:1] in "+-" and line[:3] not in ("+++", "---")))
    given = stage.records("ballots", incident)[-1]["payload"]
    for ballot in given["ballots"]:
        voice.say(f"vote of {ballot['group']:<9} {ballot['choice']:<8} {wording.line('; '.join(ballot['reasons']), 110)}")
    verdict = stage.records("verdict", incident)[-1]["payload"]
    for decision in verdict["decisions"]:
        rows = decision["requirements"]
        passed = sum(r["status"] in ("satisfied", "not-applicable", "overridden") for r in rows)
        held = f"{passed} of {len(rows)} requirements hold"
        voice.say(f"{decision['judge']:<9} says {decision['effect']}: {held}  ({decision['rule']})")
    voice.say(f"merged by itself as {pull['merged'][:12]}, by {pull['merged_by']}")


def findings(stage: Site, incident: str) -> list[dict[str, Any]]:
    """What the detectors said of an incident, those that found something first."""
    said = stage.records("diagnosis", incident)[-1]["payload"]["diagnosis"]["findings"]
    return sorted(said, key=lambda finding: finding["kind"] == "unknown")


def tell_findings(stage: Site, voice: Voice, incident: str, most: int = 3) -> None:
    """Beside the loop's own diagnosis; nothing where the detectors are not installed."""
    found = findings(stage, incident)
    if found:
        voice.say(
            f"the detectors, from their own process, say {wording.counted(len(found), 'thing')}, each recorded with its version:"
        )
        voice.more(
            "\n".join(f"- {wording.line(f['detector'] + ' ' + f['version'] + ': ' + f['text'], 160)}" for f in found[:most])
        )


def examined(stage: Site, incident: str) -> list[tuple[str, bool]]:
    """That detectors had their say, where they are installed."""
    if lacking():
        return []
    named = sorted({finding["detector"] for finding in findings(stage, incident) if finding["version"]})
    return [(f"log: findings of {', '.join(named) or 'no detector'} stand beside the diagnosis", bool(named))]


def outcome(stage: Site, voice: Voice, commit: str, stage_name: str = "outcome") -> str:
    """Waits for a recorded outcome, tells its numbers, says its state."""

    def found() -> dict[str, Any] | None:
        every = [r["payload"] for r in stage.records("outcome")]
        return next((p for p in every if p["commit"] == commit and p["stage"] == stage_name), None)

    stage.until(lambda: found() is not None, 480, "verifying against the numbers before and against neighbours")
    seen = found() or {}
    for row in seen["comparisons"]:
        who = "neighbour" if row["control"] else "repaired "
        bound = f", asked: {row['bound']}" if row["bound"] else ""
        voice.more(f"{who} {row['component']} {row['metric']}: {row['before']} -> {row['after']}{bound}")
    voice.say(f"{'verified' if stage_name == 'outcome' else 'the guard'}: {seen['summary']}")
    return str(seen["state"])


def is_open(stage: Site) -> bool:
    """Whether any incident is still on its way; the log is asked, not the store."""
    begun = {r["subject"] for r in stage.records("incident")}
    return bool(begun - {r["subject"] for r in stage.records("closed")})


def until_over(stage: Site, voice: Voice, seconds: int, said: str) -> None:
    """Until no incident is open; a person says no to what waits for one."""

    def waiting() -> int:
        return next((int(p["number"]) for p in stage.pulls() if (p["state"], p["effect"]) == ("open", "review")), 0)

    while is_open(stage):
        stage.until(lambda: bool(waiting()) or not is_open(stage), seconds, said)
        if number := waiting():
            _refuse(stage, voice, number)


def _refuse(stage: Site, voice: Voice, number: int) -> None:
    pull = stage.pull(number)
    voice.say(f"#{number} waits for a person ({pull['reason']}): {pull['narrative']['title']}; ada says no")
    command = ("pr", "reject", str(number), "--as", "ada", "--key", str(stage.home.key("owner")))
    voice.command(f"homeostat {' '.join(command)}")
    voice.more(stage.cli(*command, "--text", "the sale ends soon"))
    stage.until(lambda: stage.pull(number)["state"] != "open", 60, "the rejected one is closed")


def undo_of(stage: Site, commit: str) -> str:
    """The machine's commit that says it reverts this one, read from Git's trailers."""
    told = stage.git("log", f"--grep=^Homeostat-Reverts: {commit}$", "--format=%H", "main", where=stage.home.repository)
    return told.splitlines()[0] if told else ""


def inverse(stage: Site, commit: str, undo: str) -> bool:
    there = stage.git("diff", f"{commit}^", commit, where=stage.home.repository)
    back = stage.git("diff", undo, f"{undo}^", where=stage.home.repository)
    return bool(there) and there == back


def parent(stage: Site, commit: str) -> str:
    return stage.git("rev-parse", f"{commit}^", where=stage.home.repository)


def verified(stage: Site, commit: str) -> bool:
    """`git verify-commit` says so; where git lacks ssh-keygen, Homeostat's own check of the same bytes."""
    if shutil.which("ssh-keygen") is None:
        return stage.signed_by_machine(commit)
    signers = stage.home.repository / "homeostat" / "allowed_signers"
    allowed = f"gpg.ssh.allowedSignersFile={signers}"
    told = stage.git("-c", allowed, "log", "-1", "--format=%G? %GS", commit, where=stage.home.repository)
    return told == "G homeostat@machine.invalid"


def approved(reviews: list[dict[str, Any]], head: str) -> bool:
    return any(r["principal"] == "ada" and r["choice"] == "approve" and r["head"] == head for r in reviews)


def number(text: str, field: str) -> int:
    line = next(line for line in text.splitlines() if line.strip().startswith(f"{field}:"))
    return int(line.split(":", 1)[1].split("#")[0])


def flip(stage: Site, voice: Voice) -> bool:
    """A copy of the repository with one byte of a payload flipped is refused."""
    copy = stage.folder / "copy.git"
    shutil.copytree(stage.home.repository, copy)
    spoiled = largest(copy)
    data = bytearray(spoiled.read_bytes())
    data[len(data) // 2] ^= 1
    spoiled.chmod(0o644)
    spoiled.write_bytes(data)
    voice.command(f"homeostat audit verify --repository {copy}     # one byte flipped in {spoiled.relative_to(copy)}")
    told = stage.cli("audit", "verify", "--repository", str(copy), expect=65)
    voice.more("\n".join(line for line in told.splitlines() if "PROBLEM" in line)[:600])
    shutil.rmtree(copy)
    return "PROBLEM" in told


def largest(copy: Path) -> Path:
    """The largest file of the object database: where the records lie."""
    files = [path for path in (copy / "objects").rglob("*") if path.is_file() and path.suffix in ("", ".pack")]
    return max(files, key=lambda path: (path.stat().st_size, path.name))
