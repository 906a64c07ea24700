"""What the real age and sops wrote once, with a key that was made for this page. The programs: tests/integration."""

import base64
from pathlib import Path

import pytest

from reconciler.adapters.renderers.age import Identity, NotOpened, open_age
from reconciler.adapters.renderers.sops import AgeSecrets
from reconciler.errors import Misconfigured
from reconciler.yamltext import parse

KEY = "AGE-SECRET-KEY-1RNFM38D9FNDTE9LDXMVNW26LFLRE24Z4PUPJYUDZXAVA0FVHVX9Q8VAMWG"  # opens nothing but this
AGE = """\
-----BEGIN AGE ENCRYPTED FILE-----
YWdlLWVuY3J5cHRpb24ub3JnL3YxCi0+IFgyNTUxOSArdkg3cjA2WGJoYUZhbjZ5
d05CamhKeUdVUWo3NDgzWlNJU0VTVVMxYlcwCkJMbjVnNG5RUWdTaDNPY1JSUG5F
Q0lzcUlabkdvRXgwb3pTaHgwaHhjNzAKLS0tIEs2NzRsOTRMcXNOVjNnRjIyM3N4
Vy9ldTF1Zkw3dTZPamt6c1paTnd4TmcKLpDvNGbi6//tTWwpH55B/IoDzMIWw8Vt
uXbzb+ULxEoPFeb+CntFabqjyF0aUzJSdfipjOkGYOVrm58qjB1i3g==
-----END AGE ENCRYPTED FILE-----
"""
SOPS = """\
apiVersion: v1
kind: Secret
metadata:
    name: db
    namespace: shop
stringData:
    password: ENC[AES256_GCM,data:R49fmU+7+LxsjFI2Bk8=,iv:W1eb/K7mPYgIjzMDSDokE5GoJ8DeBHxupne8yA1zlR\
Y=,tag:D7+cMiTgmI2ib1uNGkA1ug==,type:str]
    count: ENC[AES256_GCM,data:Kg==,iv:WmWcx1OV3WjmRTdUnszkIfA70/jGuhmfUP5LQVHp5Ys=,tag:wx8kVnEDobGg+nHN12bZtg==,type:int]
sops:
    age:
        - enc: |
            -----BEGIN AGE ENCRYPTED FILE-----
            YWdlLWVuY3J5cHRpb24ub3JnL3YxCi0+IFgyNTUxOSBxaG5lRGpGR2FnMGcwWmc4
            cUp1aGgyTHpqSlNaWm5QclV6T0dlbHBCN2s0CndjZDFaY1kwUTFHY1J4R25TYnlI
            MU9SR0szalJ2VnVJdzhaL2w4dUJnTXcKLS0tIEdDSzJRdW9ndnhVYUlTR0w0bVE2
            NnRVL0RldzVsTDRIZitPamZpR0g1YnMKyOOvqGd+6K6oweUBdfBoVFxQThLPGGsh
            GdkQBnG5OuCacR+bnriGub1Rg1/jSm1S61sxbcS8fBWOIT7L54FcbQ==
            -----END AGE ENCRYPTED FILE-----
          recipient: age1wt6545maaeg30e9kef9q5ey8h6wz6u2fufvd2j45jt4g07ga7cyq35z80m
    encrypted_regex: ^(data|stringData)$
    lastmodified: "2026-11-21T06:33:14Z"
    mac: ENC[AES256_GCM,data:+hxT6f+k6fbGMzqzwG7rw2U+VQMTg8jNWh/n+HOm8Vf460JVnnakZx1n4xy+V6QekHmroeO\
HmdDq3UIdRSgND8QLfAbvaQnENAPOnXGt++xyHyAyrHi5Lau42YKJL1SxnYbJyeRILuazI2BPNw4a3VN0BMY9SJnyIsXDhwI/vdo\
=,iv:QAZQTROvCsxlXkb2zuhoWlrpj75jHMAaEegyXsqPEas=,tag:jlLl1xab1RTpPWuQGW+ZSQ==,type:str]
    version: 3.13.3
"""


def damaged(at: int) -> bytes:
    """The same file with one byte flipped, behind its armor."""
    raw = bytearray(base64.b64decode("".join(AGE.splitlines()[1:-1])))
    raw[at] ^= 1
    return bytes(raw)


def test_age_opens_armored_and_binary_files() -> None:
    identity = Identity.parse(KEY)
    for data in (AGE.encode(), base64.b64decode("".join(AGE.splitlines()[1:-1]))):
        assert open_age(data, [identity]) == b"thirty-two bytes of a data key!!"


@pytest.mark.parametrize("at", range(0, 210, 7))
def test_one_flipped_bit_anywhere_is_found(at: int) -> None:
    with pytest.raises(NotOpened):
        open_age(damaged(at), [Identity.parse(KEY)])


@pytest.mark.parametrize("data", [b"", b"x", AGE.encode()[:-40], b"age-encryption.org/v1\n--- x\n", b"y" * 70_000])
def test_what_is_no_age_file_is_not_opened(data: bytes) -> None:
    with pytest.raises(NotOpened):
        open_age(data, [Identity.parse(KEY)])


def test_other_kinds_of_recipients_are_named() -> None:
    with pytest.raises(NotOpened, match="only X25519 recipients are opened, this one has scrypt"):
        open_age(b"age-encryption.org/v1\n-> scrypt abc 18\nabc\n--- abc\nxyz", [Identity.parse(KEY)])


@pytest.mark.parametrize("key", ["", "x", KEY[:-1], KEY.replace("RNFM", "RNFN"), "AGE-SECRET-KEY-PQ-1ABC", "AGE-PLUGIN-X-1ABC"])
def test_what_is_no_key_is_refused_without_being_shown(key: str) -> None:
    with pytest.raises(NotOpened) as caught:
        Identity.parse(key)
    assert len(key) < 2 or key not in str(caught.value)
    assert KEY[20:60] not in repr(Identity.parse(KEY))


@pytest.fixture
def secrets(tmp_path: Path) -> AgeSecrets:
    path = tmp_path / "age.txt"
    path.write_text(f"# created for a test\n{KEY}\n")
    path.chmod(0o600)
    return AgeSecrets(path)


def values(text: str) -> list[object]:
    return [document.value for document in parse(text.encode(), "s.yaml")]


def test_sops_files_are_opened(secrets: AgeSecrets) -> None:
    (found,) = secrets.decrypt(values(SOPS), "s.yaml")
    assert found["stringData"] == {"password": "hunter2-canary", "count": 3}
    assert "sops" not in found


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("name: db", "name: dc", "something in it was altered"),
        ("namespace: shop\n", "namespace: shop\n    more: x\n", "something in it was altered"),
        ("count: ENC", "cuont: ENC", "stringData.cuont was altered"),
        ("data:R49", "data:S49", "stringData.password was altered"),
        ("type:int", "type:comment", "of a type that is not known"),
        ("type:int", "type:bool", "stringData.count is no bool"),
        ("06:33:14Z", "06:33:15Z", "its MAC was altered"),
        ("    mac: ENC", "    mac: ENX", "it has no MAC"),
        ("YWdlLWVu", "AAAALWVu", "not an age file"),
        ("        - enc: |", "        - inc: |", "encrypted for no age key"),
    ],
)
def test_whatever_is_altered_is_refused_without_a_value(secrets: AgeSecrets, old: str, new: str, said: str) -> None:
    assert old in SOPS
    with pytest.raises(Misconfigured, match=said) as caught:
        secrets.decrypt(values(SOPS.replace(old, new, 1)), "s.yaml")
    assert str(caught.value).startswith("s.yaml:1:1: cannot be decrypted: ")
    assert "hunter2" not in str(caught.value)


def test_a_file_with_a_part_that_is_not_encrypted_is_refused(secrets: AgeSecrets) -> None:
    with pytest.raises(Misconfigured, match="only a part of this file"):
        secrets.decrypt(values(f"{SOPS}---\nkind: Other\n"), "s.yaml")


def test_a_key_that_was_split_over_groups_is_refused(secrets: AgeSecrets) -> None:
    with pytest.raises(Misconfigured, match="several key groups"):
        secrets.decrypt(values(SOPS.replace("    age:\n", "    key_groups: [{}, {}]\n    age:\n")), "s.yaml")
