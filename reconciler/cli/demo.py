"""`homeostat demo`: five acts on a new installation, told live. Exit code 0 only if every outcome was observed.

What counts as observed is read from Git and from the lab's own state by `Stage`, never from this module's variables.
"""

from __future__ import annotations

import argparse
import contextlib
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from reconciler.changes.wording import counted
from reconciler.cli import demo_acts
from reconciler.cli.demo_stage import Stage
from reconciler.cli.demo_voice import Voice
from reconciler.errors import HomeostatError, Misconfigured

ACTS: tuple[tuple[str, Callable[[Stage, Voice], list[tuple[str, bool]]]], ...] = (
    ("A bad release", demo_acts.bad_release),
    ("A repair that wants a person", demo_acts.wants_a_person),
    ("A repair that makes it worse", demo_acts.makes_it_worse),
    ("git revert", demo_acts.git_revert),
    ("Panic", demo_acts.panic),
)


def run(arguments: argparse.Namespace) -> int:
    """Plays the acts; the folder is removed unless it was asked for or something was not seen."""
    voice = Voice()
    folder = _folder(arguments.keep)
    stage = Stage(folder, progress=voice.progress)
    missed: list[str] = []
    try:
        _prologue(stage, voice)
        for number, (title, act) in enumerate(ACTS, 1):
            voice.act(number, title)
            for what, ok in act(stage, voice):
                voice.seen(what, ok=ok)
                if not ok:
                    missed.append(f"act {number}: {what}")
    except HomeostatError as error:
        voice.say(f"stopped: {error}")
        missed.append(str(error))
    finally:
        stage.stop()
    _epilogue(voice, folder, missed, kept=bool(arguments.keep))
    return 1 if missed else 0


def _folder(keep: Path | None) -> Path:
    if keep is None:
        return Path(tempfile.mkdtemp(prefix="homeostat-demo-"))
    if keep.exists() and any(keep.iterdir()):
        raise Misconfigured("the folder is not empty", where=str(keep), next_step="choose a new one for --keep")
    keep.mkdir(parents=True, exist_ok=True)
    return keep.resolve()


def _prologue(stage: Stage, voice: Voice) -> None:
    voice.say(f"A new infra repository, the embedded forge, the lab and the controller, in {stage.folder}")
    stage.start()
    voice.say(f"root revision {stage.head()[:12]}; page {stage.page('/')}; twelve services and a database are running in the lab")
    place = demo_acts.open_up(stage)
    voice.say("A fresh installation only says what it would do (shadow). This repository says in its own file what it opens up:")
    voice.more(place)
    stage.advance(demo_acts.CALM_S)


def _epilogue(voice: Voice, folder: Path, missed: list[str], *, kept: bool) -> None:
    voice.say("")
    if missed:
        voice.say(f"{counted(len(missed), 'outcome')} not observed:")
        voice.more("\n".join(missed))
        voice.say(f"everything is left in {folder}; the controller's own words are in {folder}/up.log")
        return
    voice.say(f"Every outcome was observed in Git and in the lab, in {voice.seconds:.0f} s.")
    voice.say("Keep it running, with your own repairs to review:  make up      (page, webhook and repository are printed)")
    if kept:
        voice.say(f"Look around in this one:  homeostat --home {folder}/home up      and  git -C {folder}/clone log")
    else:
        with contextlib.suppress(OSError):
            shutil.rmtree(folder)
