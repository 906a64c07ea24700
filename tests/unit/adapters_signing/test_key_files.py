import os
import stat
import subprocess
from pathlib import Path

import pytest

from reconciler.adapters.signing import ROLES, FileSigner, generate_key, generate_keys, load_public, parse_public
from reconciler.errors import Misconfigured


def test_a_key_is_made_for_every_role_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    keys = generate_keys(tmp_path / "keys")
    assert tuple(keys) == ROLES
    assert len({key.raw for key in keys.values()}) == len(ROLES)
    for role in ROLES:
        assert stat.S_IMODE((tmp_path / "keys" / f"{role}.key").stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "keys").stat().st_mode) == 0o700


def test_making_keys_again_keeps_those_that_exist(tmp_path: Path) -> None:
    first = generate_keys(tmp_path)
    assert generate_keys(tmp_path) == first


def test_a_public_file_lost_in_a_crash_is_made_again_from_the_private_key(tmp_path: Path) -> None:
    first = generate_keys(tmp_path, ("log",))
    (tmp_path / "log.key.pub").unlink()
    assert generate_keys(tmp_path, ("log",)) == first


def test_an_existing_private_key_is_never_overwritten(tmp_path: Path) -> None:
    generate_key(tmp_path / "log.key", "log")
    before = (tmp_path / "log.key").read_bytes()
    with pytest.raises(Misconfigured, match="exists already"):
        generate_key(tmp_path / "log.key", "log")
    assert (tmp_path / "log.key").read_bytes() == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["log.key", "log.key.pub"]


def test_ssh_keygen_reads_the_private_key_and_prints_the_same_fingerprint(tmp_path: Path) -> None:
    public = generate_key(tmp_path / "log.key", "log")
    derived = subprocess.run(
        ["ssh-keygen", "-y", "-f", str(tmp_path / "log.key")], check=True, capture_output=True, text=True
    ).stdout
    assert parse_public(derived).raw == public.raw
    shown = subprocess.run(["ssh-keygen", "-l", "-f", str(tmp_path / "log.key.pub")], check=True, capture_output=True, text=True)
    assert public.key_id in shown.stdout
    assert FileSigner(tmp_path / "log.key", "log").key_id == public.key_id


def test_a_key_made_by_ssh_keygen_is_loaded(tmp_path: Path) -> None:
    path = tmp_path / "theirs"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "a person", "-f", str(path)], check=True)
    assert FileSigner(path, "review").public == load_public(path).raw
    assert load_public(path).comment == "a person"


@pytest.mark.parametrize("mode", [0o604, 0o640, 0o660, 0o666, 0o644])
def test_a_private_key_that_others_can_read_is_refused(tmp_path: Path, mode: int) -> None:
    generate_key(tmp_path / "log.key", "log")
    (tmp_path / "log.key").chmod(mode)
    with pytest.raises(Misconfigured, match="others can read"):
        FileSigner(tmp_path / "log.key", "log")


def test_a_private_key_behind_a_link_is_refused(tmp_path: Path) -> None:
    generate_key(tmp_path / "log.key", "log")
    (tmp_path / "link.key").symlink_to(tmp_path / "log.key")
    with pytest.raises(Misconfigured, match=r"link\.key"):
        FileSigner(tmp_path / "link.key", "log")


def test_a_private_key_that_is_no_plain_file_is_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.key", 0o600)
    with pytest.raises(Misconfigured, match="no plain file"):
        FileSigner(tmp_path / "pipe.key", "log")


@pytest.mark.parametrize("kind", ["ecdsa", "rsa"])
def test_a_key_of_another_kind_is_refused(tmp_path: Path, kind: str) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-f", str(tmp_path / "k")], check=True)
    with pytest.raises(Misconfigured, match="Ed25519"):
        FileSigner(tmp_path / "k", "log")
    with pytest.raises(Misconfigured, match="ssh-ed25519"):
        load_public(tmp_path / "k")


@pytest.mark.parametrize(
    "content", [b"", b"hello", b"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n"]
)
def test_a_damaged_private_key_is_refused_with_its_place(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "log.key"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(Misconfigured, match=r"log\.key"):
        FileSigner(path, "log")


def test_an_encrypted_private_key_is_refused_with_its_place(tmp_path: Path) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "passphrase", "-f", str(tmp_path / "k")], check=True)
    with pytest.raises(Misconfigured, match="unencrypted"):
        FileSigner(tmp_path / "k", "log")


@pytest.mark.parametrize("line", ["", "ssh-ed25519", "ssh-ed25519 !!!!", "ssh-ed25519 AAAA", "ssh-rsa AAAAB3NzaC1yc2E= x"])
def test_a_line_that_is_no_ed25519_public_key_is_refused_with_its_place(line: str) -> None:
    with pytest.raises(Misconfigured, match=r"trust\.yaml:3"):
        parse_public(line, where="trust.yaml:3")


def test_a_signer_does_not_show_its_key(tmp_path: Path) -> None:
    generate_key(tmp_path / "log.key", "log")
    secret = (tmp_path / "log.key").read_text().splitlines()[2]
    assert secret not in repr(vars(FileSigner(tmp_path / "log.key", "log"))) + repr(FileSigner(tmp_path / "log.key", "log"))
