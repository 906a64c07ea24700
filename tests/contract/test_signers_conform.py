import subprocess
from pathlib import Path

import pytest

from reconciler.adapters.signing import Ed25519Verifier, FileSigner, generate_key
from reconciler.model.keys import PublicKey
from reconciler.ports.signing import Signer
from reconciler.testing.signing import MemorySigner, check_signer


@pytest.fixture(params=["file", "memory"])
def signer(request: pytest.FixtureRequest, tmp_path: Path) -> Signer:
    if request.param == "memory":
        return MemorySigner("author")
    generate_key(tmp_path / "author.key", "author")
    return FileSigner(tmp_path / "author.key", "author")


def allowed(folder: Path, signer: Signer) -> Path:
    path = folder / "allowed"
    path.write_text(f"homeostat@machine.invalid {PublicKey(signer.public).line}\n")
    return path


def test_signers_keep_the_contract(signer: Signer) -> None:
    check_signer(signer, Ed25519Verifier())


def test_the_kit_refuses_a_verifier_that_accepts_everything(signer: Signer) -> None:
    class Yes(Ed25519Verifier):
        def verify(self, public: bytes, message: bytes, signature: bytes) -> bool:
            return True

    with pytest.raises(AssertionError, match="another message"):
        check_signer(signer, Yes())


def test_ssh_keygen_accepts_the_signature_and_refuses_another_message(signer: Signer, tmp_path: Path) -> None:
    (tmp_path / "sig").write_bytes(signer.sign_ssh(b"hello\n", "homeostat-review"))
    command = ["ssh-keygen", "-Y", "verify", "-f", str(allowed(tmp_path, signer)), "-I", "homeostat@machine.invalid"]
    command += ["-n", "homeostat-review", "-s", str(tmp_path / "sig")]
    assert subprocess.run(command, input=b"hello\n", capture_output=True, check=False).returncode == 0
    assert subprocess.run(command, input=b"hallo\n", capture_output=True, check=False).returncode != 0


def test_a_signature_made_by_ssh_keygen_is_accepted(tmp_path: Path) -> None:
    public = generate_key(tmp_path / "k", "review")
    command = ["ssh-keygen", "-Y", "sign", "-q", "-n", "git", "-f", str(tmp_path / "k")]
    for algorithm in ("sha512", "sha256"):
        made = subprocess.run([*command, "-O", f"hashalg={algorithm}"], input=b"hello", capture_output=True, check=True).stdout
        assert Ed25519Verifier().verify_ssh(made, b"hello", "git") == public.raw


def test_git_verify_commit_accepts_a_commit_signed_here(signer: Signer, tmp_path: Path) -> None:
    git = ["git", "-C", str(tmp_path), "-c", f"gpg.ssh.allowedSignersFile={allowed(tmp_path, signer)}"]
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    tree = subprocess.run([*git, "mktree"], input="", capture_output=True, text=True, check=True).stdout.strip()
    who = "Homeostat <homeostat@machine.invalid> 1700000000 +0000"
    body = f"tree {tree}\nauthor {who}\ncommitter {who}\n\nRepair checkout\n"
    signature = signer.sign_ssh(body.encode(), "git").decode().rstrip("\n").replace("\n", "\n ")
    signed = body.replace("\n\n", f"\ngpgsig {signature}\n\n", 1)
    commit = subprocess.run(
        [*git, "hash-object", "-t", "commit", "-w", "--stdin"], input=signed, capture_output=True, text=True, check=True
    )
    checked = subprocess.run([*git, "verify-commit", "--raw", commit.stdout.strip()], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr
    assert "homeostat@machine.invalid" in checked.stderr
    forged = signed.replace("Repair", "Attack")
    commit = subprocess.run(
        [*git, "hash-object", "-t", "commit", "-w", "--stdin"], input=forged, capture_output=True, text=True, check=True
    )
    assert subprocess.run([*git, "verify-commit", commit.stdout.strip()], capture_output=True, check=False).returncode != 0
