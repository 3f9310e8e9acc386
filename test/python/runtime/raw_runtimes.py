"""Runs StableHLO as a user without kvlift would: in a child process, since some of it crashes.

The child compiles the text with the runtime's own compiler and calls it once, on device buffers.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np


def evaluate(
    target: str,
    program: str,
    arguments: Sequence[np.ndarray],
    options: dict[str, Any] | None = None,
    *,
    read_late: bool = False,
) -> list[np.ndarray]:
    """The results of one call.

    Args:
        target: `pjrt:cpu` or `iree:cpu`.
        program: StableHLO text whose only function is `main`.
        arguments: its arguments.
        options: XLA options, by name.
        read_late: whether the results are read after a second call, on IREE, which takes the first
            result as its first argument and zeros as the others.

    Raises:
        RuntimeError: the runtime refuses or crashes; with its stderr.
    """
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "program.mlir").write_text(program)
        (root / "options.json").write_text(json.dumps([options or {}, read_late]))
        np.savez(root / "in.npz", *arguments)
        child = subprocess.run(
            [sys.executable, __file__, target, folder], capture_output=True, text=True, timeout=120
        )
        if child.returncode != 0:
            raise RuntimeError(child.stderr)
        with np.load(root / "out.npz") as found:
            return [found[f"arr_{i}"] for i in range(len(found.files))]


def _iree(program: str, arguments: list[np.ndarray], read_late: bool) -> list[np.ndarray]:
    import iree.compiler
    import iree.runtime

    compiled = iree.compiler.compile_str(
        program,
        target_backends=["llvm-cpu"],
        input_type="stablehlo",
        extra_args=["--iree-llvmcpu-target-cpu=host"],
    )
    config = iree.runtime.Config("local-sync")
    vm = iree.runtime.VmModule.copy_buffer(config.vm_instance, compiled)
    main = iree.runtime.load_vm_module(vm, config)["main"]

    def call(*inputs: Any) -> list[Any]:
        results = main(*inputs)
        return list(results) if isinstance(results, tuple) else [results]

    results = call(*(iree.runtime.asdevicearray(config.device, a) for a in arguments))
    if read_late:
        others = (np.zeros_like(a) for a in arguments[1:])
        call(results[0], *(iree.runtime.asdevicearray(config.device, a) for a in others))
    return [r.to_host().copy() for r in results]


def _pjrt(program: str, arguments: list[np.ndarray], options: dict[str, Any]) -> list[np.ndarray]:
    import jax
    from jax.extend.backend import get_backend, get_compile_options

    client = get_backend("cpu")
    device = client.local_devices()[0]
    compile_options = get_compile_options(1, 1, np.array([[0]]), env_options_overrides=options)
    loaded = client.compile_and_load(program, [device], compile_options)
    found = loaded.execute_sharded([jax.device_put(a, device) for a in arguments])
    return [np.array(r[0]) for r in found.disassemble_into_single_device_arrays()]


def _main(target: str, root: Path) -> None:
    with np.load(root / "in.npz") as given:
        arguments = [given[f"arr_{i}"] for i in range(len(given.files))]
    program = (root / "program.mlir").read_text()
    options, read_late = json.loads((root / "options.json").read_text())
    if target == "iree:cpu":
        results = _iree(program, arguments, read_late)
    else:
        results = _pjrt(program, arguments, options)
    np.savez(root / "out.npz", *results)


if __name__ == "__main__":
    _main(sys.argv[1], Path(sys.argv[2]))
