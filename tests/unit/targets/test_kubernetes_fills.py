"""What a kubelet says of volumes, whatever its shape."""

from hypothesis import given
from hypothesis import strategies as st

from reconciler.adapters.targets.kubernetes.volumes import Fill, fills

GIB = 1 << 30


def summary(**volume: object) -> object:
    known = {"pvcRef": {"namespace": "shop", "name": "data"}, "capacityBytes": 10 * GIB, "availableBytes": GIB}
    return {"pods": [{"volume": [{**known, **volume}]}]}


def test_what_is_left_counts_and_not_what_is_used() -> None:
    assert fills(summary(usedBytes=0)) == {"shop/data": Fill(90, 0, 10 * GIB)}


def test_a_volume_without_a_claim_or_a_size_says_nothing() -> None:
    assert fills(summary(pvcRef=None)) == {}
    assert fills(summary(capacityBytes=0)) == {}
    assert fills(summary(capacityBytes="10")) == {}


def test_without_inodes_bytes_alone_count() -> None:
    assert fills(summary(inodes=0, inodesFree=0))["shop/data"].inodes == 0


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["pods", "volume", "pvcRef", "name", "namespace", "capacityBytes", "availableBytes"]), inner
        )
    ),
    max_leaves=20,
)


@given(JSON)
def test_any_other_shape_is_simply_not_there(found: object) -> None:
    assert isinstance(fills(found), dict)
