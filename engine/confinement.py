"""Confine this process for good: rlimits everywhere but on Windows, Landlock and seccomp on Linux.

Two processes confine themselves, each before it touches what strangers made. The *host* runs bundles: it reads what the
user reads, writes into the folders of its jobs and nowhere else, opens no connection. The *decoder* reads media files:
it gets open files, reads the program and writes, starts and connects to nothing.

What a kernel or a missing package does not allow is left out and named (``missing_measures``); ``fluxstem doctor``
tells it. ``FLUXSTEM_CONFINEMENT=off`` leaves out Landlock and seccomp, for systems they break.

This file imports the standard library alone: the host runs it before anything else, while it has one thread, because
Landlock holds for the thread that asks and for those it starts.
"""

from __future__ import annotations

import contextlib
import errno
import glob
import json
import logging
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

log = logging.getLogger(__name__)

SWITCH = "FLUXSTEM_CONFINEMENT"
MEMORY_SHARE = 0.9  # of the machine's memory that the host may fill
FILES_LIMIT = 4096
TASKS_LIMIT = 1 << 14  # processes and threads of this user, all programs together

_ROOT = Path(__file__).resolve().parent  # the package ``engine``
_SYSTEM = ("/usr", "/lib", "/lib64", "/bin", "/etc", "/opt", "/sys", "/proc", "/nix", "/run/opengl-driver")
_HARMLESS_DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")
_GPU_DEVICES = ("/dev/nvidia*", "/dev/dri", "/dev/dxg", "/dev/kfd")
_WORKING_FOLDERS = ("/dev/shm", "/proc/self", "~/.nv", "~/.cache/nvidia")

# No program of ours has a use for these; a hijacked one has.
_NEVER = """
ptrace process_vm_readv process_vm_writev kcmp pidfd_getfd process_madvise mount umount2 move_mount mount_setattr
fsopen fsmount fsconfig fspick open_tree open_tree_attr pivot_root chroot unshare setns bpf perf_event_open
userfaultfd io_uring_setup io_uring_enter io_uring_register keyctl add_key request_key open_by_handle_at
name_to_handle_at init_module finit_module delete_module kexec_load kexec_file_load reboot swapon swapoff acct
quotactl personality settimeofday clock_settime sethostname setdomainname iopl ioperm syslog vhangup lookup_dcookie
uselib nfsservctl
"""
_OF_DECODERS_NEVER = """
execve execveat fork vfork socket socketpair connect bind listen accept accept4 sendto sendmsg sendmmsg kill tkill
pidfd_open pidfd_send_signal process_mrelease rename renameat renameat2 unlink unlinkat mkdir mkdirat rmdir link
linkat symlink symlinkat mknod mknodat chmod fchmod fchmodat fchmodat2 chown fchown lchown fchownat setxattr lsetxattr
fsetxattr removexattr lremovexattr fremovexattr truncate creat openat2 utime utimes utimensat futimesat memfd_secret
inotify_init inotify_init1 fanotify_init mq_open shmget semget msgget setpriority sched_setaffinity setrlimit setuid
setgid
"""
# As of engine/host/process.py: the caller's main module and current folder must not reach the new process.
_BOOT = """
import os, sys
root, folders, main = sys.argv[1:4]
root in sys.path or sys.path.insert(0, root)
file = os.path.join(root, "engine", "confinement.py")
if os.path.isfile(file):
    names = {"__name__": "fluxstem_confinement", "__file__": file}
    exec(compile(open(file, encoding="utf-8").read(), file, "exec"), names)
    confine_host, json = names["confine_host"], names["json"]
else:  # a frozen program has no such files
    import json
    from engine.confinement import confine_host
confine_host(json.loads(folders))
import importlib
importlib.import_module(main).main()
"""
_CLONE_THREAD = 0x10000
# Namespaces of its own, in which a process may do what elsewhere takes an administrator: of mounts, groups, names,
# messages, users, processes and networks.
_CLONE_NEW = (0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000)
_TYPE_FOR_ANOTHER = (0x5412, 0x541C)  # TIOCSTI, TIOCLINUX: as if somebody typed into the terminal
_AF_UNIX = 1


def confine_host(writable: Sequence[str]) -> None:
    """Confine the engine's process. Call it while there is one thread.

    Args:
        writable: folders that results, caches and receipts may be written below; those that are not there are left out,
            but for machines with a GPU, whose engines are kept in one of them.
    """
    limit_host()
    if not _is_on():
        return
    _load_packages()
    _wake_gpu()
    if any(glob.glob(pattern) for pattern in _GPU_DEVICES if pattern != "/dev/dri"):
        for folder in writable:
            with contextlib.suppress(OSError):
                os.makedirs(folder, mode=0o700, exist_ok=True)
    folders = [*writable, tempfile.gettempdir(), *map(os.path.expanduser, _WORKING_FOLDERS)]
    _apply(lambda: _landlock_host(folders), "Landlock")
    _apply(_seccomp_host, "seccomp")


def confined_command(main: str, writable: Sequence[str]) -> list[str]:
    """The command of a Python process that is confined as the host is, before it imports the engine.

    Args:
        main: the module whose ``main`` it runs.
        writable: folders that it may write below.
    """
    return [sys.executable, "-P", "-c", _BOOT, str(_ROOT.parent), json.dumps(list(writable)), main]


def confine_decoder() -> None:
    """Confine a decoder, which has its files open and its libraries loaded or on the module path."""
    if not _is_on():
        return
    _load_packages()
    _apply(_landlock_decoder, "Landlock")
    _apply(_seccomp_decoder, "seccomp")


def missing_measures() -> dict[str, str]:
    """Why a measure is not taken on this machine, by measure; empty where all are.

    Returns:
        Keys among ``limits``, ``Landlock`` and ``seccomp``; values are reasons in plain words.
    """
    missing: dict[str, str] = {}
    if find_spec("resource") is None:
        missing["limits"] = "this system has no rlimits"
    if sys.platform != "linux":
        return missing | dict.fromkeys(("Landlock", "seccomp"), "only Linux has it")
    if not _is_on():
        return missing | dict.fromkeys(("Landlock", "seccomp"), f"switched off by {SWITCH}")
    for name, package, look in (("Landlock", "landlockpy", _landlock_is_there), ("seccomp", "seccompy", _seccomp_is)):
        if find_spec(package) is None:
            missing[name] = f"the package {package} is not installed"
        elif not look():
            missing[name] = "the kernel does not offer it"
    return missing


def limit_host() -> None:
    """Bound memory, open files and processes, as far as lower limits are not there already."""
    try:
        import resource
    except ImportError:  # Windows
        return
    bounds = [(resource.RLIMIT_CORE, 0), (resource.RLIMIT_NOFILE, FILES_LIMIT)]
    if hasattr(resource, "RLIMIT_NPROC"):
        bounds.append((resource.RLIMIT_NPROC, TASKS_LIMIT))
    if sys.platform == "linux" and (memory := _memory_bytes()):
        # Not RLIMIT_AS: CUDA reserves far more addresses than there is memory.
        bounds.append((resource.RLIMIT_DATA, int(memory * MEMORY_SHARE)))
    for what, bound in bounds:
        soft, hard = resource.getrlimit(what)
        lowest = min(one for one in (bound, hard, soft if what != resource.RLIMIT_NOFILE else bound) if one >= 0)
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(what, (lowest, hard))


def _memory_bytes() -> int:
    """Memory of the machine, or of the container where that is less; 0 where it cannot be known."""
    found = []
    with contextlib.suppress(OSError, ValueError, AttributeError):
        found.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    with contextlib.suppress(OSError, ValueError):  # "max" is a ValueError
        found.append(int(Path("/sys/fs/cgroup/memory.max").read_text()))
    return min(found, default=0)


def _is_on() -> bool:
    return sys.platform == "linux" and os.environ.get(SWITCH, "").lower() not in ("off", "0", "no")


def _apply(measure: Any, name: str) -> None:
    """Take a measure; where that cannot be, go on without it and say so in the log."""
    try:
        measure()
    except (ImportError, OSError, RuntimeError, ValueError) as error:
        log.warning("%s could not be applied (%s)", name, error)


def _load_packages() -> None:
    """Let both packages find the C library while they can: confined they could not start the programs that look for it.

    They need not start any, because the library is in this process: that spares every host and decoder a moment.
    """
    import ctypes.util

    before, ctypes.util.find_library = ctypes.util.find_library, lambda name: None  # None: what is loaded already
    try:
        _landlock_is_there()
        _seccomp_is()
    finally:
        ctypes.util.find_library = before


def _landlock_is_there() -> bool:
    try:
        import landlockpy

        return bool(landlockpy.supported())
    except (ImportError, OSError):
        return False


def _seccomp_is() -> bool:
    try:
        import seccompy

        seccompy.arch()
        return bool(seccompy.supported())
    except (ImportError, OSError):
        return False


def _wake_gpu() -> None:
    """Load the rest of NVIDIA's driver, which later no process of ours may: the helper gains rights by its owner."""
    helper = shutil.which("nvidia-modprobe")
    if helper and os.path.exists("/dev/nvidiactl") and not os.path.exists("/dev/nvidia-uvm"):
        with contextlib.suppress(OSError, subprocess.SubprocessError):
            subprocess.run([helper, "-u", "-c=0"], timeout=10, check=False, capture_output=True)


def _landlock_host(writable: Iterable[str]) -> None:
    from landlockpy import AccessFS, Ruleset, Scope

    read = AccessFS.READ_FILE | AccessFS.READ_DIR | AccessFS.EXECUTE | AccessFS.RESOLVE_UNIX
    device = AccessFS.READ_FILE | AccessFS.READ_DIR | AccessFS.WRITE_FILE | AccessFS.IOCTL_DEV | AccessFS.TRUNCATE
    below = ~(AccessFS.MAKE_CHAR | AccessFS.MAKE_BLOCK | AccessFS.MAKE_SOCK | AccessFS.EXECUTE | AccessFS.IOCTL_DEV)
    everything = AccessFS(0)
    for right in AccessFS:
        everything |= right
    with Ruleset(scoped=Scope.SIGNAL) as rules:
        rules.allow_path("/", read)
        for path in (*_HARMLESS_DEVICES, *(found for pattern in _GPU_DEVICES for found in glob.glob(pattern))):
            with contextlib.suppress(OSError):
                rules.allow_path(path, device if os.path.isdir(path) else device & ~AccessFS.READ_DIR)
        for path in writable:
            with contextlib.suppress(OSError):
                rules.allow_path(path, everything & below)
        rules.restrict()


def _landlock_decoder() -> None:
    from landlockpy import AccessFS, Ruleset, Scope

    read = AccessFS.READ_FILE | AccessFS.READ_DIR
    program = {
        str(_ROOT),
        sys.prefix,
        sys.base_prefix,
        sys.exec_prefix,
        os.path.dirname(os.path.realpath(sys.executable)),
    }
    program |= {path for path in sys.path if path.endswith(("site-packages", "dist-packages"))}
    with Ruleset(scoped=Scope.SIGNAL | Scope.ABSTRACT_UNIX_SOCKET) as rules:
        for path in (*_SYSTEM, *sorted(program), *_HARMLESS_DEVICES):
            with contextlib.suppress(OSError):  # not there on this system
                rules.allow_path(path, read if os.path.isdir(path) else AccessFS.READ_FILE)
        rules.restrict()


def _seccomp_host() -> None:
    from seccompy import ArgCmp, CmpOp

    rules = _filter()
    _refuse(rules, _NEVER.split(), errno.EPERM)
    rules.errno("socket", errno.EACCES, args=[ArgCmp(0, CmpOp.NE, _AF_UNIX)])
    rules.errno("clone3", errno.ENOSYS)  # its flags are out of a filter's sight; the C library then takes clone
    for flag in _CLONE_NEW:
        rules.errno("clone", errno.EPERM, args=[ArgCmp(0, CmpOp.MASKED_EQ, flag, mask=flag)])
    for number in _TYPE_FOR_ANOTHER:
        rules.errno("ioctl", errno.EPERM, args=[ArgCmp(1, CmpOp.MASKED_EQ, number, mask=0xFFFFFFFF)])
    rules.load()


def _seccomp_decoder() -> None:
    from seccompy import ArgCmp, CmpOp

    rules = _filter()
    _refuse(rules, [*_NEVER.split(), *_OF_DECODERS_NEVER.split()], errno.EPERM)
    rules.errno("clone3", errno.ENOSYS)  # its flags are out of a filter's sight; the C library then takes clone
    rules.errno("clone", errno.EPERM, args=[ArgCmp(0, CmpOp.MASKED_EQ, 0, mask=_CLONE_THREAD)])
    for call, at in (("openat", 2), ("open", 1)):
        for flag in (os.O_WRONLY, os.O_RDWR, os.O_CREAT, os.O_TRUNC):
            with contextlib.suppress(OSError, ValueError, LookupError):
                rules.errno(call, errno.EACCES, args=[ArgCmp(at, CmpOp.MASKED_EQ, flag, mask=flag)])
    rules.load()


def _filter() -> Any:
    from seccompy import Action, Filter, FilterFlag

    return Filter(default=Action.ALLOW, flags=FilterFlag.TSYNC)


def _refuse(rules: Any, calls: Sequence[str], number: int) -> None:
    for call in calls:
        with contextlib.suppress(OSError, ValueError, LookupError):  # other processors have fewer calls
            rules.errno(call, number)
