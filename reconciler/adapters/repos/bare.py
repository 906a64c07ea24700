"""Makes the bare repository: its settings, the machine's public key, and the hook that checks people's pushes.

In: a folder and the author's public key. Out: a repository that flushes to disk, never packs by itself (`maintain`
does), refuses malformed objects, and hides `refs/homeostat` from clones and pushes. Running it again on the same folder
only brings settings, key and hook up to date.
"""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path

import pygit2

from reconciler.adapters.repos.libgit import prepare, run_git
from reconciler.errors import Misconfigured, Retryable
from reconciler.model.keys import PublicKey
from reconciler.ports.repo import MACHINE

HOOK_MODULE = "reconciler.adapters.forges.hook"
MAX_PUSH = 64 * 1024 * 1024  # bytes of one push, before anything is unpacked

_SETTINGS = {
    "core.logAllRefUpdates": "true",  # who moved what, kept beside the refs
    "core.fsync": "committed,loose-object",  # the git program flushes what libgit2 flushes
    "gc.auto": "0",  # maintenance is ours, at a quiet time
    "receive.autogc": "false",
    "receive.fsckObjects": "true",
    "receive.maxInputSize": str(MAX_PUSH),
    "receive.denyDeleteCurrent": "refuse",
    "receive.denyNonFastForwards": "false",  # people may rewrite their own branches; the hook guards the protected one
    "receive.hideRefs": "refs/homeostat",
    "transfer.hideRefs": "refs/homeostat",
    "gpg.format": "ssh",
}

_HOOK = """#!/bin/sh
# Checks every push before any ref moves. Installed by Homeostat; whatever goes wrong refuses the push.
{python} -I -m {module} && exit 0
code=$?
if [ "$code" -ne 10 ]; then
  echo "Homeostat could not check this push, so it was refused. Ask the operator to run 'homeostat init' again." >&2
fi
exit 1
"""


def init_bare(path: Path | str, *, author: bytes, branch: str = "main", max_blob: int = 5 * 1024 * 1024) -> Path:
    """A bare repository at `path` whose protected branch is `branch` and whose machine signs with `author`."""
    prepare()
    folder = Path(path).resolve()
    try:
        git = pygit2.init_repository(str(folder), bare=True, initial_head=branch)
    except (pygit2.GitError, OSError) as error:
        raise Misconfigured(
            f"cannot make a repository: {error}", where=str(folder), next_step="choose an empty folder"
        ) from error
    _configure(git, folder)
    _install(folder, author, branch, max_blob)
    return folder


def mirror(source: Path | str, target: Path | str, *, author: bytes, branch: str = "main") -> Path:
    """A complete copy of a repository, hidden refs included: a backup, or what a restore starts from."""
    folder = Path(target).resolve()
    if folder.exists():
        raise Misconfigured("a copy needs a folder that does not exist", where=str(folder), next_step="choose another")
    unhidden = "git -c transfer.hideRefs=!refs/homeostat upload-pack"
    origin = Path(source).resolve()
    how = ["--quiet", "--mirror", "--no-local", f"--upload-pack={unhidden}"]  # not a copy of files: git reads every object
    done = run_git(origin, ["clone", *how, "--", str(origin), str(folder)], timeout_s=600)
    if done.returncode != 0:
        raise Retryable(f"cannot copy {origin} to {folder}: {done.stderr.strip()}", next_step="check free space and the source")
    return init_bare(folder, author=author, branch=branch)


def _configure(git: pygit2.Repository, folder: Path) -> None:
    for name, value in _SETTINGS.items():
        git.config[name] = value
    git.config["gpg.ssh.allowedSignersFile"] = str(folder / "homeostat" / "allowed_signers")


def _install(folder: Path, author: bytes, branch: str, max_blob: int) -> None:
    own = folder / "homeostat"
    own.mkdir(exist_ok=True)
    key = PublicKey(author).line
    _write(own / "author.pub", f"{key} {MACHINE.email}\n")
    _write(own / "allowed_signers", f'{MACHINE.email} namespaces="git" {key}\n')
    rules = {"branch": branch, "email": MACHINE.email, "max_blob": max_blob, "name": MACHINE.name}
    _write(own / "receive.json", json.dumps(rules, indent=2, sort_keys=True) + "\n")
    hook = folder / "hooks" / "pre-receive"
    hook.parent.mkdir(exist_ok=True)
    _write(hook, _HOOK.format(python=shlex.quote(sys.executable), module=HOOK_MODULE), mode=0o755)


def _write(path: Path, text: str, mode: int = 0o644) -> None:
    """Whole or not at all: a push meanwhile sees the old file or the new one."""
    beside = path.with_name(path.name + ".new")
    beside.write_text(text, encoding="utf-8")
    beside.chmod(mode)
    beside.replace(path)
