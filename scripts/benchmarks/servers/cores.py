"""Runs a loaded server and takes two cores of it: gdb's while it lives, the kernel's at its end."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import subprocess
from contextlib import ExitStack
from pathlib import Path

from benchmarks.servers import load
from benchmarks.servers.programs import Server
from benchmarks.tools import GDB, CannotRun, run

# The heap stays small, so that a core does; a fatal signal ends in a core.
ENVIRONMENT = {"GOMEMLIMIT": "512MiB", "GOTRACEBACK": "crash", "GOTELEMETRY": "off"}
CORE_BYTES = 2 << 30  # the most that the kernel writes


def kernel_core_obstacle() -> str | None:
    """Why the kernel writes no core in a program's folder; None: it does."""
    pattern = Path("/proc/sys/kernel/core_pattern").read_text(encoding="utf-8").strip()
    if pattern.startswith("|") or "/" in pattern:
        return f"core_pattern is '{pattern}'"
    _, hard = resource.getrlimit(resource.RLIMIT_CORE)
    if hard != resource.RLIM_INFINITY and os.geteuid() != 0:
        return f"the hard limit on the size of cores is {hard} bytes"
    return None


def take_cores(server: Server, exe: Path, folder: Path) -> dict[str, Path]:
    """The cores by who wrote them, "gdb" and "kernel" where it can. CannotRun."""
    shutil.rmtree(folder, ignore_errors=True)
    work = folder / "work"
    work.mkdir(parents=True)
    cores = {"gdb": folder / "gdb.core"}
    obstacle = kernel_core_obstacle()

    def allow_core() -> None:
        if obstacle is None:
            resource.setrlimit(resource.RLIMIT_CORE, (CORE_BYTES, CORE_BYTES))

    ports = load.free_ports(server.ports)
    server.write_files(work, ports)
    with ExitStack() as stack:
        log = stack.enter_context((folder / "log").open("wb"))
        process = subprocess.Popen(
            [exe, *server.command(work, ports)],
            cwd=work,
            env=os.environ | ENVIRONMENT | {"HOME": str(work), "XDG_DATA_HOME": str(work)},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            preexec_fn=allow_core,
        )
        try:
            load.wait_for(ports[server.ports[0]], lambda: process.poll() is None)
            server.load(ports, stack)
            run([*GDB, "-p", str(process.pid), "-ex", f"generate-core-file {cores['gdb']}"])
            if obstacle is None:
                process.send_signal(signal.SIGABRT)
                process.wait(60)
        except (load.NoAnswer, subprocess.TimeoutExpired) as error:
            raise CannotRun(f"cannot load '{server.name}': {error}; see '{folder}/log'") from error
        finally:
            process.kill()
            process.wait()
    if not cores["gdb"].exists():
        raise CannotRun(f"gdb could not take a core of '{server.name}'")
    for core in work.glob("core*"):
        cores["kernel"] = core.rename(folder / "kernel.core")
    for core in cores.values():
        dig_holes(core)
    return cores


def dig_holes(core: Path) -> None:
    """Frees the disk of the zeros in a core: gdb writes 2 GB that the program only reserved. Where
    the file system cannot do that they stay."""
    subprocess.run(["fallocate", "--dig-holes", core], capture_output=True, check=False)
