"""Key files: one Ed25519 key per role, in OpenSSH format, private ones readable by their owner alone.

In: a folder or a path. Out: `<role>.key` (mode 0600) and `<role>.key.pub` beside it, the names `ssh-keygen -Y sign`
expects. Existing keys are never overwritten: losing a key means losing what it signed.
A private key file is refused when it is a link, no plain file, not ours, or readable by anyone else.
"""

from __future__ import annotations

import os
import secrets
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.errors import Misconfigured
from reconciler.model.keys import PublicKey, parse_public

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

ROLES = ("author", "judge", "log", "review", "owner")
_MAX_BYTES = 16_384


def generate_keys(folder: Path, roles: tuple[str, ...] = ROLES) -> dict[str, PublicKey]:
    """One key per role in `folder` (made with mode 0700); keys that exist are kept."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return {role: _kept_or_new(folder / f"{role}.key", role) for role in roles}


def generate_key(path: Path, role: str) -> PublicKey:
    """A new private key at `path` and its public key beside it; refuses to overwrite."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    private = Ed25519PrivateKey.generate()
    public = PublicKey(private.public_key().public_bytes_raw(), f"homeostat-{role}")
    _create(path, private.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption()), 0o600)
    _write_public(path, public)
    return public


def load_private(path: Path) -> Ed25519PrivateKey:
    """The private key at `path`, after checking that nobody else could have read it."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_ssh_private_key

    try:
        key = load_ssh_private_key(_read_guarded(path), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise Misconfigured(
            "not an unencrypted OpenSSH private key", where=str(path), next_step="homeostat init makes one"
        ) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise Misconfigured("not an Ed25519 key", where=str(path), next_step="ssh-keygen -t ed25519")
    return key


def load_public(path: Path) -> PublicKey:
    """The public key in a `.pub` file, or beside a private one."""
    file = path if path.suffix == ".pub" else public_path(path)
    try:
        return parse_public(file.read_text(encoding="utf-8"), where=str(file))
    except (OSError, UnicodeDecodeError) as error:
        raise Misconfigured("cannot read the public key", where=str(file), next_step="ssh-keygen -y -f KEY > KEY.pub") from error


def public_path(path: Path) -> Path:
    """Where the public half of a private key file lies."""
    return path.with_name(path.name + ".pub")


def _kept_or_new(path: Path, role: str) -> PublicKey:
    if not path.exists():
        return generate_key(path, role)
    if not public_path(path).exists():  # a crash between the two files: the private one is the truth
        _write_public(path, PublicKey(load_private(path).public_key().public_bytes_raw(), f"homeostat-{role}"))
    return load_public(path)


def _write_public(path: Path, public: PublicKey) -> None:
    public_path(path).unlink(missing_ok=True)  # the private key is new, so whatever lies here is not its half
    _create(public_path(path), (public.line + "\n").encode(), 0o644)


def _create(path: Path, data: bytes, mode: int) -> None:
    """A complete file or none: written aside, then linked into place without replacing anything."""
    aside = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    handle = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.link(aside, path)
    except FileExistsError as error:
        raise Misconfigured("the key exists already", where=str(path), next_step="move it away first if it is lost") from error
    finally:
        aside.unlink(missing_ok=True)


def _read_guarded(path: Path) -> bytes:
    """Opened once, checked on the open file: a swap between check and use finds nothing to swap."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError as error:
        raise Misconfigured(
            f"cannot open the private key: {error.strerror}",
            where=str(path),
            next_step="--key names yours; what `homeostat init` made is in keys/ of the home",
        ) from error
    with os.fdopen(handle, "rb") as file:
        _refuse_shared(os.fstat(file.fileno()), path)
        return file.read(_MAX_BYTES)


def _refuse_shared(found: os.stat_result, path: Path) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise Misconfigured("the private key is no plain file", where=str(path))
    if found.st_mode & 0o077:
        mode = oct(stat.S_IMODE(found.st_mode))
        raise Misconfigured(
            f"others can read the private key (mode {mode})",
            where=str(path),
            next_step=f"chmod 600 {path}; if it was exposed, replace it",
        )
    if found.st_uid != os.geteuid():
        raise Misconfigured(
            "the private key belongs to another user", where=str(path), next_step=f"chown it to uid {os.geteuid()}"
        )
