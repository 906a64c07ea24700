"""`make demo-kube`: four acts on a real control plane, told live. Exit code 0 only if every outcome was observed.

What counts as observed is read from Git, from the signed log and from the API server, never from this module's variables.
Needs what `make peers` builds; says so where it is missing.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

import demo_kube_acts as acts
from demo_kube_stage import Stage, missing, playing

from reconciler.cli.demo_voice import Voice
from reconciler.errors import HomeostatError

ACTS: tuple[tuple[str, Callable[[Stage, Voice], acts.Seen]], ...] = (
    ("An image that does not exist", acts.missing_image),
    ("A setting that crashes", acts.crashing_setting),
    ("Somebody's hand", acts.drift),
    ("Nearly everything deleted by accident", acts.mass_deletion),
)
LAST_WORDS = 15


def main() -> int:
    voice = Voice()
    if absent := missing():
        voice.say("The demo needs a real control plane: " + absent)
        return 69  # sysexits: unavailable
    missed: list[str] = []
    with playing(voice.progress) as stage:
        try:
            _prologue(stage, voice)
            for number, (title, act) in enumerate(ACTS, 1):
                voice.act(number, title)
                for what, ok in act(stage, voice):
                    voice.seen(what, ok=ok)
                    missed += [] if ok else [f"act {number}: {what}"]
        except HomeostatError as error:
            missed.append(str(error))
        _epilogue(stage, voice, missed)
    return 1 if missed else 0


def _prologue(stage: Stage, voice: Voice) -> None:
    voice.say(
        "A real API server with its controllers and scheduler, and three fake nodes. They run no containers: what a node would"
    )
    voice.say(
        "report is played by kwok. An image tag that ends in -missing cannot be pulled; a container whose environment leads"
    )
    voice.say("nowhere ends again and again. Deployments, pods, rollouts and everything that Homeostat does are real.")
    stage.start()
    voice.say(
        f"homeostat init, one app of three Deployments in Git, homeostat up: applied and healthy after {voice.seconds:.0f} s"
    )
    voice.say("This repository says in its own files what the machine may do, and that it looks at a repair after 10 and 30 s:")
    voice.more(acts.open_up(stage))


def _epilogue(stage: Stage, voice: Voice, missed: list[str]) -> None:
    voice.say("")
    if not missed:
        voice.say(f"Every outcome was observed in Git and in the API server, in {voice.seconds:.0f} s. Nothing is left behind.")
        return
    voice.say(f"{len(missed)} outcomes were not observed:")
    voice.more("\n".join(missed))
    if stage.log.exists():
        voice.say("the controller's last words:")
        voice.more("\n".join(stage.log.read_text(errors="replace").splitlines()[-LAST_WORDS:]))


if __name__ == "__main__":
    sys.exit(main())
