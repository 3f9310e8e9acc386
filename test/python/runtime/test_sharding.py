"""Programs that four (virtual) devices run together, in one process and in two."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace

import pytest

from kvlift import CompileError
from kvlift.runtime.pjrt_sharding import devices_for

PROGRAMS = Path(__file__).with_name("sharded_programs.py")
OF_TWO_PROCESSES = Path(__file__).with_name("process_programs.py")


def with_devices(count):
    """The environment of a process that has that many virtual devices."""
    flags = f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count={count}"
    return {**os.environ, "XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu"}


@pytest.mark.parametrize("check", ["shardy", "gspmd", "exported", "carried", "cached", "refused"])
def test_four_devices(check):
    child = subprocess.run(
        [sys.executable, PROGRAMS, check],
        env=with_devices(4),
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert child.returncode == 0, child.stderr[-4000:]


def test_a_process_without_a_device_of_the_program_is_told():
    """The third of three processes with one device each, and a program for two."""
    devices = [SimpleNamespace(process_index=process) for process in range(3)]
    client = SimpleNamespace(
        local_devices=lambda: devices[2:], devices=lambda: devices, process_index=lambda: 2
    )
    assert devices_for(client, 3, "cpu") == devices
    with pytest.raises(CompileError, match="the first 2 of all processes are none of process 2"):
        devices_for(client, 2, "cpu")


def test_two_processes():
    """Joined by `jax.distributed` on this machine, with two of the four devices each."""
    _jax = pytest.importorskip("jaxlib._jax")
    if not hasattr(_jax, "make_gloo_tcp_collectives"):
        pytest.skip("this jaxlib has no gloo, by which CPUs of several processes talk")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    with ExitStack() as stack:
        logs = [stack.enter_context(tempfile.TemporaryFile("w+")) for _ in range(2)]
        children = [start_process(port, rank, log) for rank, log in enumerate(logs)]
        codes = ended(children, seconds=40)
        for log in logs:
            log.seek(0)
        assert codes == [0, 0], "\n".join(log.read()[-4000:] for log in logs)


def start_process(port, rank, log):
    return subprocess.Popen(
        [sys.executable, OF_TWO_PROCESSES, port, str(rank)],
        env=with_devices(2),
        stdout=log,
        stderr=subprocess.STDOUT,
    )


def ended(children, seconds):
    """Exit codes; one that fails leaves the other one waiting for it, and both are killed."""
    deadline = time.monotonic() + seconds
    try:
        while time.monotonic() < deadline:
            codes = [child.poll() for child in children]
            if any(codes) or None not in codes:
                break
            time.sleep(0.1)
        return [child.poll() for child in children]
    finally:
        for child in children:
            child.kill()
            child.wait()
