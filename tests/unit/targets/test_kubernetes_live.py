"""What is kept of a live object, and what becomes of news that come while it is being applied."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from reconciler.adapters.targets.kubernetes.kinds import Kind
from reconciler.adapters.targets.kubernetes.live import DIGEST, UNIT, Live, LiveStore
from reconciler.model.revisions import HealthState

KIND = Kind("", "v1", "ConfigMap", "configmaps", True)
AT = "ConfigMap/shop/settings"


class Judge:
    """Counts what it is asked."""

    def __init__(self) -> None:
        self.judged: list[str] = []

    def __call__(self, obj: Mapping[str, Any]) -> tuple[HealthState, str]:
        self.judged.append(obj["metadata"]["resourceVersion"])
        return HealthState.HEALTHY, ""


@pytest.fixture
def judge() -> Judge:
    return Judge()


@pytest.fixture
def store(judge: Judge) -> LiveStore:
    return LiveStore(judge)


def config(version: int, color: str = "blue", uid: str = "a") -> dict[str, Any]:
    fields: dict[str, Any] = {"f:data": {"f:color": {}}}
    metadata = {
        "name": "settings", "namespace": "shop", "uid": uid, "resourceVersion": str(version),
        "labels": {UNIT: "shop"}, "annotations": {DIGEST: "d"},
        "managedFields": [{"manager": "homeostat", "operation": "Apply", "fieldsV1": fields}],
    }  # fmt: skip
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"color": color}}


def held(store: LiveStore) -> Live:
    live = store.get(AT)
    assert live
    return live


def fail_after_news(store: LiveStore) -> None:
    with store.applying(AT):
        store.news(KIND, config(5, "green"), listed=False)
        store.news(KIND, config(4, "grey"), listed=False)
        raise OSError("it broke")


def test_the_echo_of_our_own_apply_is_not_judged_a_second_time(store: LiveStore, judge: Judge) -> None:
    with store.applying(AT):
        assert store.news(KIND, config(7), listed=False) == AT
        assert store.get(AT) is None
        store.applied(KIND, config(7))
    assert judge.judged == ["7"]
    live = held(store)
    assert live.settled


def test_an_apply_that_fails_leaves_the_news_that_came_meanwhile(store: LiveStore) -> None:
    store.applied(KIND, config(3))
    with pytest.raises(OSError, match="broke"):
        fail_after_news(store)
    live = held(store)
    assert (live.version, live.lost) == ("5", ("/data/color",))
    assert store.changed() == {"shop"}


def test_an_apply_that_is_refused_keeps_what_was_held_when_there_is_no_news(store: LiveStore) -> None:
    store.applied(KIND, config(3))
    with store.applying(AT):
        pass
    live = held(store)
    assert live.version == "3"


def test_a_change_on_top_of_our_apply_counts_although_its_news_overtook_the_answer(store: LiveStore) -> None:
    with store.applying(AT):
        store.news(KIND, config(8, "red"), listed=False)
        store.news(KIND, config(7), listed=False)
        store.applied(KIND, config(7))
    live = held(store)
    assert (live.version, live.lost) == ("8", ("/data/color",))


def test_a_list_from_before_our_apply_does_not_undo_its_answer(store: LiveStore) -> None:
    with store.applying(AT):
        store.news(KIND, config(4, "grey"), listed=True)
        store.applied(KIND, config(7))
    live = held(store)
    assert (live.version, live.settled) == ("7", True)


def test_an_object_that_was_deleted_after_our_apply_is_gone_although_the_answer_came_last(store: LiveStore) -> None:
    with store.applying(AT):
        store.news(KIND, config(7), listed=False)
        store.no_more(AT, "a", "8")
        store.applied(KIND, config(7))
    assert store.get(AT) is None


def test_an_object_that_our_apply_made_anew_is_there_although_the_old_one_went_meanwhile(store: LiveStore) -> None:
    store.applied(KIND, config(3, uid="old"))
    with store.applying(AT):
        store.no_more(AT, "old", "5")
        store.applied(KIND, config(6, uid="new"))
    live = held(store)
    assert live.uid == "new"


def test_an_object_that_went_while_its_apply_failed_is_gone(store: LiveStore) -> None:
    store.applied(KIND, config(3))
    with store.applying(AT):
        store.no_more(AT, "a", "5")
        assert store.get(AT)
    assert store.get(AT) is None
