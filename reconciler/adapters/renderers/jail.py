"""Locks this process in, then becomes the renderer. Run as a script, `python -I -S jail.py`, and imports nothing of ours.

A script of its own because the lock must close after the fork and before the program, and Python code between fork and exec
in a process with threads can hang. In: one JSON argument with `command`, `folder` (all it may write), `limits`. Steps:
1. no new privileges, and no life without the parent; 2. limits on memory, CPU time, file size and core dumps;
3. a network of its own that has no interface, where the kernel gives one to this user; 4. Landlock, where the kernel has it:
reads the program, the system's libraries and `folder`, writes `folder`, runs nothing else, connects nowhere; 5. exec.
"""

import ctypes
import json
import os
import resource
import signal
import struct
import sys

NO_NEW_PRIVS, PARENT_DEATH, SIGKILL = 38, 1, 9
NEW_USER, NEW_NET = 0x10000000, 0x40000000
CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
EXECUTE, WRITE, READ, READ_DIR = 1, 2, 4, 8
FILES = EXECUTE | WRITE | READ
BIND_TCP, CONNECT_TCP = 1, 2
BY_VERSION = (0, (1 << 13) - 1, (1 << 14) - 1, (1 << 15) - 1, (1 << 15) - 1, (1 << 16) - 1)  # access rights to files
LIBRARIES = ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/etc/ld.so.cache")
DEVICES = ("/dev/null", "/dev/urandom")


def limit(memory: int, cpu_s: int, file_bytes: int) -> None:
    for name, most in (("RLIMIT_AS", 4 * memory), ("RLIMIT_DATA", memory), ("RLIMIT_CPU", cpu_s), ("RLIMIT_FSIZE", file_bytes),
                       ("RLIMIT_CORE", 0)):  # fmt: skip
        resource.setrlimit(getattr(resource, name), (most, most))


def isolate(libc: ctypes.CDLL) -> bool:
    """Without a network. True where the kernel allowed it."""
    return bool(libc.unshare(NEW_NET) == 0 or libc.unshare(NEW_USER | NEW_NET) == 0)


def landlock(libc: ctypes.CDLL, program: str, folder: str) -> bool:
    """True where the kernel knows Landlock."""
    version = libc.syscall(CREATE_RULESET, None, 0, 1)
    if version < 1:
        return False
    handled = BY_VERSION[min(version, len(BY_VERSION) - 1)]
    ruleset = struct.pack("=QQ", handled, BIND_TCP | CONNECT_TCP if version >= 4 else 0)
    rules = libc.syscall(CREATE_RULESET, ruleset, len(ruleset) if version >= 4 else 8, 0)
    if rules < 0:
        return False
    allowed = [(folder, handled & ~EXECUTE), (program, READ | EXECUTE)]
    allowed += [(path, READ | EXECUTE | READ_DIR) for path in LIBRARIES] + [(path, READ | WRITE) for path in DEVICES]
    for path, access in allowed:
        allow(libc, rules, path, access & handled)
    return bool(libc.syscall(RESTRICT_SELF, rules, 0) == 0)


def allow(libc: ctypes.CDLL, rules: int, path: str, access: int) -> None:
    try:
        handle = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return
    access = access if os.path.isdir(path) else access & FILES  # noqa: PTH112 (no pathlib: this starts for every render)
    libc.syscall(ADD_RULE, rules, 1, struct.pack("=Qi", access, handle), 0)
    os.close(handle)


def lock(folder: str, program: str, limits: "dict[str, int]") -> "tuple[bool, bool]":
    """Steps 1-4; whether there is a network lock and a file lock."""
    limit(**limits)
    if sys.platform != "linux":
        return False, False
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(NO_NEW_PRIVS, 1, 0, 0, 0)
    libc.prctl(PARENT_DEATH, SIGKILL, 0, 0, 0)
    return isolate(libc), landlock(libc, program, folder)


def main() -> None:
    asked = json.loads(sys.argv[1])
    command = asked["command"]
    held = lock(asked["folder"], command[0], asked["limits"])
    if command == ["--report"]:
        print(json.dumps({"network": held[0], "files": held[1]}))  # noqa: T201 (the answer)
        return
    for ignored in (signal.SIGPIPE, signal.SIGXFSZ):  # by Python, and handed on
        signal.signal(ignored, signal.SIG_DFL)
    os.execv(command[0], command)  # noqa: S606 (no shell, on purpose)


if __name__ == "__main__":
    main()
