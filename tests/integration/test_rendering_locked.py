"""A renderer's program is locked in: whatever it tries, it reads, writes, reaches and outlives nothing."""

import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

import pytest

from reconciler.adapters.renderers import child
from reconciler.adapters.renderers.child import Limits, Program, exported, in_memory, isolation, run
from reconciler.errors import HomeostatError, Misconfigured, Permanent, Retryable

SHELL = os.path.realpath(shutil.which("sh") or "/bin/sh")


def sh(script: str, limits: Limits | None = None, files: dict[str, bytes] | None = None) -> str:
    with exported(files or {}, secret=False) as folder:
        return run(SHELL, ["-c", script], folder, limits or Limits()).decode()


def leftovers() -> set[str]:
    parents = {child.MEMORY_FOLDER, Path(os.environ.get("TMPDIR", "/tmp"))}
    return {str(path) for parent in parents for path in parent.glob(f"{child.PREFIX}{os.getpid()}-*")}


@pytest.fixture(autouse=True)
def nothing_is_left() -> object:
    before = leftovers()
    yield
    assert leftovers() == before


def test_it_sees_the_files_that_it_was_given() -> None:
    assert sh("read line < in/a/b.txt; echo $line; echo *", files={"a/b.txt": b"hello\n"}) == "hello\nhome in\n"


def test_its_environment_is_made_from_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANARY_TOKEN", "s3cr3t-canary")
    told = sh("export -p")
    assert "canary" not in told
    assert f"HOME='{Path.home()}'" not in told
    assert "https_proxy='http://127.0.0.1:9'" in told


@pytest.mark.skipif(not isolation()["files"], reason="this kernel has no Landlock")
@pytest.mark.parametrize("path", ["/etc/passwd", "/proc/self/environ", str(Path(__file__).resolve())])
def test_it_reads_nothing_else(path: str) -> None:
    with pytest.raises(Misconfigured, match="cannot open"):
        sh(f"read line < {path} && echo got $line; exit $?")


@pytest.mark.skipif(not isolation()["files"], reason="this kernel has no Landlock")
def test_it_writes_and_runs_nothing_else(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured):
        sh(f"echo x > {tmp_path}/x")
    assert not list(tmp_path.iterdir())
    with pytest.raises(Misconfigured, match=r"[Pp]ermission denied"):
        sh("/usr/bin/env")
    with pytest.raises(Misconfigured, match=r"[Pp]ermission denied"):
        sh("/bin/cat in/x", files={"x": b"1"})


@pytest.mark.skipif(not isolation()["network"], reason="this kernel gives this user no network of its own")
def test_it_has_no_network() -> None:
    bash = os.path.realpath(shutil.which("bash") or pytest.skip("bash is not installed"))
    with socket.create_server(("127.0.0.1", 0)) as server, exported({}, secret=False) as folder:
        call = f"exec 3<>/dev/tcp/127.0.0.1/{server.getsockname()[1]}"
        subprocess.run([bash, "-c", call], check=True)  # so it would work
        with pytest.raises(Misconfigured, match=r"unreachable|denied"):
            run(bash, ["-c", call], folder, Limits())


def test_a_flood_is_cut_off() -> None:
    with pytest.raises(Misconfigured, match="printed more than 100000 bytes"):
        sh("while :; do echo xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; done", Limits(output=100_000))


def test_what_does_not_end_is_ended() -> None:
    began = time.monotonic()
    with pytest.raises(Retryable, match=r"did not end within 0\.5 s"):
        sh("while :; do :; done", Limits(seconds=0.5))
    assert time.monotonic() - began < 5


def test_what_it_leaves_running_in_the_background_is_ended_with_it() -> None:
    with exported({}, secret=False) as folder:
        run(SHELL, ["-c", "(while :; do :; done) >/dev/null 2>&1 & echo $! > pid"], folder, Limits())
        pid = int((folder / "pid").read_text())
        for _ in range(200):
            try:
                if "\nState:\tZ" in Path(f"/proc/{pid}/status").read_text():
                    return
            except (FileNotFoundError, ProcessLookupError):
                return
            os.sched_yield()
            time.sleep(0.01)
    pytest.fail("still running")


def test_cpu_time_and_file_size_are_limited() -> None:
    with pytest.raises(HomeostatError, match="limit of 1 s of CPU"):
        sh("while :; do :; done", Limits(cpu_s=1, seconds=20))
    with pytest.raises(HomeostatError):
        sh("while :; do echo xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; done > big", Limits(file_bytes=10_000, seconds=20))


def test_memory_is_limited() -> None:
    with pytest.raises(HomeostatError):
        sh("x=xxxxxxxxxxxxxxxx; while :; do x=$x$x; done", Limits(memory=50_000_000, seconds=20))


def test_errors_are_short_and_do_not_name_the_folder() -> None:
    with pytest.raises(Misconfigured) as caught:
        sh('i=0; while [ $i -lt 2000 ]; do echo "$PWD/in/a.yaml: bad" >&2; i=$((i+1)); done; exit 3')
    assert len(str(caught.value)) < 2_200
    assert "a.yaml: bad" in str(caught.value)
    assert child.PREFIX not in str(caught.value)


def test_a_program_that_is_not_there_is_said_with_what_to_do() -> None:
    with pytest.raises(
        Retryable, match=r"no-such-program is not there \(on PATH\) \(install no-such-program, or name it in settings"
    ):
        Program("no-such-program").path()
    with pytest.raises(Retryable, match=r"kustomize is not there \(/no/where\)"):
        Program("kustomize", "/no/where").path()


def test_the_folder_is_gone_after_an_error_too() -> None:
    with pytest.raises(RuntimeError), exported({"a": b"x"}, secret=False) as folder:  # noqa: PT012
        assert (folder / "in" / "a").read_bytes() == b"x"
        raise RuntimeError
    assert not folder.exists()


def test_decrypted_files_are_never_written_to_a_disk(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    if in_memory():
        with exported({"a": b"x"}, secret=True) as folder:
            assert child.MEMORY_FOLDER in folder.parents
    monkeypatch.setattr(child, "in_memory", lambda: False)
    with pytest.raises(Permanent, match="may not touch a disk"), exported({"a": b"x"}, secret=True):
        pass


def test_folders_of_killed_processes_are_swept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(child, "MEMORY_FOLDER", tmp_path)
    dead, mine = tmp_path / f"{child.PREFIX}4194303-x", tmp_path / f"{child.PREFIX}{os.getpid()}-x"
    for folder in (dead, mine):
        folder.mkdir()
        (folder / "secret").write_text("x")
    child._sweep.cache_clear()
    child._sweep()
    assert (dead.exists(), mine.exists()) == (False, True)
