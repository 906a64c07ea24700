"""A renderer's program as a child process that can do nothing but render.

In: arguments, the files that it may see, limits. Out: what it printed. Whatever happens (an error, a limit, a flood), the
child and everything that it started are gone afterwards, and so is the folder.

Invariants: no shell; an environment made from nothing; a private HOME; no network (see `jail`; where the kernel gives
none to lock with, proxies that lead nowhere and programs that were told not to fetch); bounded time, memory, CPU and output;
decrypted files only in memory (`/dev/shm`), never on a disk.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import selectors
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from reconciler.errors import Misconfigured, Permanent, Retryable

JAIL = Path(__file__).with_name("jail.py")
MEMORY_FOLDER = Path("/dev/shm")  # noqa: S108 (a private folder is made in it, by mkdtemp)
PREFIX = "homeostat-render-"
NOWHERE = "http://127.0.0.1:9"  # the discard port: nothing listens there
CHUNK = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one render. Far above what real ones need (kustomize over 10,000 objects: 5 s, 300 MiB)."""

    seconds: float = 60
    cpu_s: int = 60
    memory: int = 2 * 1024**3
    output: int = 64 * 1024**2
    errors: int = 64 * 1024
    file_bytes: int = 64 * 1024**2


@dataclass(frozen=True, slots=True)
class Program:
    """An installed program, found by a setting or on PATH."""

    name: str
    setting: str = ""  # its path, "" to look on PATH

    def path(self) -> str:
        """Where it is now. Looked up each time: installing it cures a unit without a restart."""
        found = shutil.which(self.setting or self.name)
        if found is None:
            where = self.setting or "on PATH"
            raise Retryable(
                f"the program {self.name} is not there ({where})",
                after_ms=60_000,
                next_step=f"install {self.name}, or name it in settings.yaml under render.{self.name}",
            )
        return os.path.realpath(found)

    def version(self, *arguments: str) -> str:
        """What it says about itself; asked again when its file changed."""
        path = self.path()
        return _version(path, Path(path).stat().st_mtime_ns, arguments)


@functools.lru_cache(maxsize=16)
def _version(path: str, changed_ns: int, arguments: tuple[str, ...]) -> str:
    try:
        with exported({}, secret=False) as folder:
            said = run(path, arguments, folder, Limits(seconds=20))
    except Misconfigured as error:
        raise Retryable(f"{path} does not tell its version: {error.message}", next_step="install it again") from error
    return f"{said.decode('utf-8', 'replace').strip()[:200]} ({changed_ns})"


def run(program: str, arguments: Sequence[str], folder: Path, limits: Limits) -> bytes:
    """Runs it locked into `folder`; what it printed, or why not."""
    asked = {
        "command": [program, *arguments],
        "folder": str(folder),
        "limits": {"memory": limits.memory, "cpu_s": limits.cpu_s, "file_bytes": limits.file_bytes},
    }
    command = [sys.executable, "-I", "-S", str(JAIL), json.dumps(asked)]
    child = subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        cwd=folder, env=environment(folder), start_new_session=True,
    )  # fmt: skip
    try:
        printed, said = _collect(child, Path(program).name, limits)
    finally:
        with contextlib.suppress(ProcessLookupError):  # the whole group: what it started must not stay
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()
        for stream in (child.stdout, child.stderr):
            if stream:
                stream.close()
    if child.returncode:
        raise Misconfigured(_why(child.returncode, said, Path(program).name, folder, limits))
    return printed


def environment(folder: Path) -> dict[str, str]:
    """Made from nothing: no credentials, no configuration, no plug-ins, no proxies but those that lead nowhere."""
    home = folder / "home"
    proxies = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"), NOWHERE)
    homes = dict.fromkeys(("HOME", "TMPDIR", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME"), str(home))
    helm = {f"HELM_{name}_HOME": str(home / name.lower()) for name in ("CACHE", "CONFIG", "DATA")}
    none = {"HELM_PLUGINS": str(home / "no-plugins"), "KUBECONFIG": str(home / "no-kubeconfig"), "PATH": ""}
    return {**proxies, **homes, **helm, **none, "LC_ALL": "C", "TZ": "UTC", "GOMAXPROCS": "2"}


def _collect(child: subprocess.Popen[bytes], name: str, limits: Limits) -> tuple[bytes, bytes]:
    """Both outputs to their ends, or Misconfigured at the first limit."""
    deadline = time.monotonic() + limits.seconds
    found: dict[object, bytearray] = {child.stdout: bytearray(), child.stderr: bytearray()}
    with selectors.DefaultSelector() as selector:
        for stream in (child.stdout, child.stderr):
            if stream:
                selector.register(stream, selectors.EVENT_READ)
        while selector.get_map():
            ready = selector.select(max(0.0, deadline - time.monotonic()))
            if not ready:
                raise Retryable(
                    f"{name} did not end within {limits.seconds:g} s", after_ms=60_000, next_step="make the unit smaller"
                )
            for key, _ in ready:
                _take(key, found, selector, name, limits, error=key.fileobj is child.stderr)
    try:
        child.wait(max(0.1, deadline - time.monotonic()))
    except subprocess.TimeoutExpired as error:
        raise Retryable(f"{name} did not end within {limits.seconds:g} s", after_ms=60_000) from error
    return bytes(found[child.stdout]), bytes(found[child.stderr])


def _take(
    key: selectors.SelectorKey, found: Mapping[object, bytearray], selector: selectors.BaseSelector, name: str, limits: Limits,
    *, error: bool,
) -> None:  # fmt: skip
    data = os.read(key.fd, CHUNK)
    if not data:
        selector.unregister(key.fileobj)
    elif not error:
        found[key.fileobj].extend(data)
        if len(found[key.fileobj]) > limits.output:
            raise Misconfigured(f"{name} printed more than {limits.output} bytes", next_step="split the unit")
    else:  # only the first of the errors: the cause stands there
        found[key.fileobj].extend(data[: limits.errors - len(found[key.fileobj])])


def _why(code: int, said: bytes, name: str, folder: Path, limits: Limits) -> str:
    text = said.decode("utf-8", "replace").replace(f"{folder}/in/", "").replace(str(folder), "")
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if code in (-signal.SIGXCPU, -signal.SIGKILL):
        return f"{name} was stopped by its limit of {limits.cpu_s} s of CPU or of memory"
    if "out of memory" in text or "cannot allocate memory" in text:
        return f"{name} needs more than {limits.memory} bytes of memory"
    return f"{name}: {' '.join(lines)[:2_000] or f'ended with {code} and said nothing'}"


@contextlib.contextmanager
def exported(files: Mapping[str, bytes], *, secret: bool) -> Iterator[Path]:
    """A private folder with the files below `in/`, and an empty home; gone afterwards."""
    _sweep()
    if secret and not in_memory():
        raise Permanent(
            "decrypted files may not touch a disk, and there is no memory file system at /dev/shm",
            next_step="mount one, or keep what is encrypted out of this unit's kustomization or chart",
        )
    parent = MEMORY_FOLDER if in_memory() else None
    folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", dir=parent))
    try:
        (folder / "home").mkdir(mode=0o700)
        (folder / "in").mkdir(mode=0o700)
        for path, data in files.items():
            _write(folder / "in" / path, data)
        yield folder
    except OSError as error:
        raise Retryable(f"cannot export the unit to {folder.parent}: {error.strerror}", next_step="make room there") from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _write(file: Path, data: bytes) -> None:
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(handle, "wb") as opened:
        opened.write(data)


@functools.cache
def in_memory() -> bool:
    """Whether MEMORY_FOLDER is a memory file system that we may write to."""
    try:
        mounts = Path("/proc/self/mounts").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return False
    kinds = [words[2] for words in map(str.split, mounts) if len(words) > 2 and words[1] == str(MEMORY_FOLDER)]
    return kinds[-1:] == ["tmpfs"] and os.access(MEMORY_FOLDER, os.W_OK | os.X_OK)


@functools.cache
def _sweep() -> None:
    """Removes folders of processes that were killed. Once per process is enough: their number cannot grow while we live."""
    for parent in {MEMORY_FOLDER, Path(tempfile.gettempdir())}:
        for folder in parent.glob(f"{PREFIX}*-*"):
            pid = folder.name.removeprefix(PREFIX).partition("-")[0]
            if pid.isdigit() and not _lives(int(pid)) and folder.stat().st_uid == os.getuid():
                shutil.rmtree(folder, ignore_errors=True)


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


@functools.cache
def isolation() -> Mapping[str, bool]:
    """What this machine gives to lock with: a network of its own, Landlock for files."""
    with exported({}, secret=False) as folder:
        asked = {"command": ["--report"], "folder": str(folder), "limits": {"memory": 2**31, "cpu_s": 5, "file_bytes": 2**20}}
        done = subprocess.run(
            [sys.executable, "-I", "-S", str(JAIL), json.dumps(asked)],
            capture_output=True, env=environment(folder), timeout=10, check=False,
        )  # fmt: skip
    told: Mapping[str, bool] = json.loads(done.stdout) if done.returncode == 0 else {"network": False, "files": False}
    return told
