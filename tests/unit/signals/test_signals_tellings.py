"""What a target says is wrong becomes a signal once it has lasted, and is resolved once it is gone for a while."""

from dataclasses import replace

from reconciler.model.signals import SignalStatus
from reconciler.model.troubles import Trouble, TroubleKind
from reconciler.signals import Tellings, hear, standing_long
from reconciler.signals.tellings import AGAIN_MS, GONE_MS, MAX_STANDING, Heard

NOW = 1_000_000
TROUBLE = Trouble(
    "shop", "Deployment.apps/shop/web", "web", TroubleKind.IMAGE_PULL, NOW, "Pod/shop/web-1", "app", "no such image"
)


def heard(state: Tellings, now: int, *troubles: Trouble, asked: tuple[str, ...] = ("shop",)) -> Heard:
    return hear(state, "prod", asked, troubles, now)


def standing(trouble: Trouble = TROUBLE) -> Tellings:
    """Heard, and a signal."""
    return heard(heard(Tellings(), NOW, trouble).state, NOW + 60_000, trouble).state


def test_trouble_is_a_signal_when_it_outlasts_its_hold_and_only_once():
    first = heard(Tellings(), NOW, TROUBLE)
    assert first.signals == ()
    early = heard(first.state, NOW + 9_999, TROUBLE)
    assert early.signals == ()
    (signal,) = heard(early.state, NOW + 10_000, replace(TROUBLE, leaf="Pod/shop/web-2")).signals
    assert (signal.source, signal.name, signal.component) == ("target/prod", "image-pull", "web")
    assert signal.fingerprint == TROUBLE.fingerprint
    assert dict(signal.labels) == {
        "unit": "shop", "object": "Deployment.apps/shop/web", "container": "app", "leaf": "Pod/shop/web-1",
    }  # fmt: skip
    after = heard(early.state, NOW + 10_000, TROUBLE).state
    assert heard(after, NOW + 20_000, TROUBLE).signals == ()


def test_what_began_before_it_was_heard_has_lasted_already_and_a_clock_that_is_ahead_makes_nothing_older():
    assert len(heard(Tellings(), NOW, replace(TROUBLE, since_ms=NOW - 10_000)).signals) == 1
    assert not standing_long(replace(TROUBLE, since_ms=NOW + 3_600_000), NOW)
    ahead = heard(Tellings(), NOW, replace(TROUBLE, since_ms=NOW + 3_600_000))
    assert len(heard(ahead.state, NOW + 10_000, TROUBLE).signals) == 1


def test_words_that_a_rollout_passes_through_are_held_for_a_minute():
    waiting = replace(TROUBLE, kind=TroubleKind.NOT_READY)
    begun = heard(Tellings(), NOW, waiting).state
    assert heard(begun, NOW + 59_999, waiting).signals == ()
    assert len(heard(begun, NOW + 60_000, waiting).signals) == 1


def test_a_blip_is_nothing():
    begun = heard(Tellings(), NOW, TROUBLE).state
    gone = heard(begun, NOW + 5_000)
    assert (gone.signals, gone.state) == ((), Tellings())


def test_it_is_resolved_when_it_was_not_said_for_half_a_minute_with_the_labels_of_the_claim():
    gone = heard(standing(), NOW + 61_000)
    assert gone.signals == ()
    assert heard(gone.state, NOW + 61_000 + GONE_MS - 1).signals == ()
    (signal,) = heard(gone.state, NOW + 61_000 + GONE_MS).signals
    assert (signal.status, signal.fingerprint) == (SignalStatus.RESOLVED, TROUBLE.fingerprint)
    assert dict(signal.labels)["leaf"] == "Pod/shop/web-1"
    assert heard(gone.state, NOW + 61_000 + GONE_MS).state == Tellings()


def test_trouble_that_comes_back_within_half_a_minute_never_went():
    back = heard(heard(standing(), NOW + 61_000).state, NOW + 80_000, TROUBLE)
    assert (back.signals, back.state) == ((), standing())


def test_units_that_were_not_asked_keep_what_was_heard_and_nobody_speaks_for_them():
    kept = heard(standing(), NOW + 3_600_000, asked=("other",))
    assert (kept.signals, kept.state) == ((), standing())
    assert heard(Tellings(), NOW, TROUBLE, asked=("other",)).state == Tellings()


def test_another_target_says_nothing_about_it():
    assert hear(standing(), "stage", ("shop",), (), NOW + 3_600_000).state == standing()


def test_the_same_trouble_heard_by_two_processes_is_one_signal():
    old = replace(TROUBLE, since_ms=NOW - 60_000)
    assert heard(Tellings(), NOW, old).signals[0].id == heard(Tellings(), NOW + 30_000, old).signals[0].id


def test_what_still_stands_is_said_again_after_an_hour_and_is_another_claim():
    fired = heard(Tellings(), NOW, replace(TROUBLE, since_ms=NOW - 60_000))
    assert heard(fired.state, NOW + AGAIN_MS - 1, TROUBLE).signals == ()
    (again,) = heard(fired.state, NOW + AGAIN_MS, TROUBLE).signals
    assert again.id != fired.signals[0].id
    assert again.labels == fired.signals[0].labels


def test_names_are_made_inert_and_a_target_in_ruins_is_bounded():
    (signal,) = heard(Tellings(), NOW, replace(TROUBLE, since_ms=1, leaf="Pod/../$(x)\n" + "a" * 9_000)).signals
    leaf = dict(signal.labels)["leaf"]
    assert leaf.startswith("Pod/_/__x__")
    assert len(leaf) < 600
    many = [replace(TROUBLE, object=f"Deployment.apps/shop/web-{n}") for n in range(MAX_STANDING + 5)]
    assert len(heard(Tellings(), NOW, *many).state.standing) == MAX_STANDING


def test_the_hold_can_be_shortened_for_rehearsals():
    assert len(hear(Tellings(), "prod", ("shop",), (TROUBLE,), NOW, percent=0).signals) == 1


def test_what_is_worked_on_is_a_signal_only_if_it_still_stands_afterwards():
    def resting(component: str) -> bool:
        return component == "web"

    quiet = hear(Tellings(), "prod", ("shop",), (TROUBLE,), NOW + 60_000, resting=resting)
    assert quiet.signals == ()
    other = hear(Tellings(), "prod", ("shop",), (replace(TROUBLE, component="db"),), NOW + 60_000, resting=resting)
    assert len(other.signals) == 1
    assert len(heard(quiet.state, NOW + 61_000, TROUBLE).signals) == 1
    assert heard(quiet.state, NOW + 61_000 + GONE_MS).signals == ()
