"""IREE's compiler, in process: it stops at the flow and stream dialects to look at them."""

from __future__ import annotations

import ctypes
import io
import json
import struct
from dataclasses import dataclass
from typing import Any

from kvlift.errors import CompileError
from kvlift.runtime.iree_order import keep_order, readable, remove_barriers
from kvlift.runtime.iree_refusals import refuse_overlapping_copies, refuse_wrong_results
from kvlift.runtime.iree_ties import remove_unsafe_ties
from kvlift.slots import Function

FLAGS = (
    "--iree-hal-target-device=local",
    "--iree-hal-local-target-device-backends=llvm-cpu",
    "--iree-llvmcpu-target-cpu=host",
    "--iree-input-type=stablehlo",
    # On by default, and it changes results.
    "--iree-input-demote-f64-to-f32=false",
)
_BYTECODE_MAGIC = b"ML\xefR"
_ERROR = 2  # IREE_COMPILER_DIAGNOSTIC_SEVERITY_ERROR
_CALLBACK = ctypes.CFUNCTYPE(
    None, ctypes.c_int, ctypes.POINTER(ctypes.c_char), ctypes.c_size_t, ctypes.c_void_p
)


@dataclass(frozen=True)
class Compiled:
    """What the compiler made of one module.

    Attributes:
        vmfb: the executable.
        stream: the module in the stream dialect, as MLIR bytecode with locations.
        overwritten: arguments that are no slots but whose memory the program writes.
        untied: slot arguments whose result comes in memory of its own (see `iree_ties`).
    """

    vmfb: bytes
    stream: bytes
    overwritten: frozenset[int]
    untied: frozenset[int]

    def to_bytes(self) -> bytes:
        """All of it; `from_bytes` reads it."""
        facts = {
            "vmfb": len(self.vmfb),
            "overwritten": sorted(self.overwritten),
            "untied": sorted(self.untied),
        }
        head = json.dumps(facts).encode()
        return struct.pack("<I", len(head)) + head + self.vmfb + self.stream

    @staticmethod
    def from_bytes(data: bytes) -> Compiled:
        """The inverse of `to_bytes`, of bytes whose checksum was right.

        Raises:
            CompileError: another version of kvlift wrote them.
        """
        try:
            (size,) = struct.unpack_from("<I", data)
            facts = json.loads(data[4 : 4 + size])
            start = 4 + size
            end = start + int(facts["vmfb"])
            overwritten, untied = frozenset(facts["overwritten"]), frozenset(facts["untied"])
        except (struct.error, ValueError, KeyError, TypeError) as error:
            raise CompileError(f"no compiled IREE module: {error}") from error
        return Compiled(data[start:end], data[end:], overwritten, untied)

    def stream_module(self) -> Any:
        """The stream module as `iree.compiler.ir.Module`."""
        return parse(self.stream)

    def stream_text(self) -> str:
        """The stream module as text, large constants elided."""
        return str(self.stream_module().operation.get_asm(large_elements_limit=16))


def compile_for_cpu(source: bytes, function: Function) -> Compiled:
    """Compiles a portable StableHLO artifact (or MLIR text or bytecode) for this CPU.

    Raises:
        ImportError: the compiler is not installed.
        CompileError: it refuses; its diagnostics are in the message.
    """
    from kvlift.audit.iree import overwritten_arguments

    (flow,) = _run(source, "start", ("flow",), function)
    module = parse(flow)
    is_changed = remove_barriers(module)
    refuse_wrong_results(module, function.name)
    untied = remove_unsafe_ties(module)
    if keep_order(module) or untied or is_changed:
        flow = readable(_bytecode(module))
    stream, vmfb = _run(flow, "flow", ("stream", "end"), function)
    stream = readable(stream)
    compiled = parse(stream)
    refuse_overlapping_copies(compiled, function.name)
    return Compiled(vmfb, stream, overwritten_arguments(function, compiled), untied)


def parse(bytecode: bytes) -> Any:
    """IREE's own IR as objects; its context knows all of IREE's dialects."""
    from iree.compiler import ir

    return ir.Module.parse(bytecode, ir.Context())


def _run(source: bytes, phase: str, stops: tuple[str, ...], function: Function) -> list[bytes]:
    """Compiles from one phase to the others, in one invocation; what there is after each."""
    from iree.compiler import api

    session = api.Session()
    session.set_flags(*FLAGS)
    found = []
    with session.invocation() as invocation:
        steps = _Steps(invocation, phase)
        # Text must end in a NUL, bytecode must not.
        is_bytecode = source.startswith(_BYTECODE_MAGIC)
        wrapped = api.Source.wrap_buffer(session, source if is_bytecode else source + b"\0")
        steps.check(invocation.parse_source(wrapped), function)
        for stop in stops:
            steps.run_to(stop, function)
            is_last = stop == "end"
            found.append(
                _output(
                    api,
                    invocation.output_vm_bytecode if is_last else invocation.output_ir_bytecode,
                )
            )
    return found


def _bytecode(module: Any) -> bytes:
    buffer = io.BytesIO()
    module.operation.write_bytecode(buffer)
    return buffer.getvalue()


class _Steps:
    """The phases of one invocation, with its diagnostics kept instead of printed.

    `iree.compiler.api` binds neither phases nor the diagnostics callback, so the C functions that
    it loads are called directly.
    """

    def __init__(self, invocation: Any, phase: str) -> None:
        self._invocation = invocation
        self._phase = phase.encode()
        self._errors: list[str] = []
        self._rest: list[str] = []
        # Kept on the object: the compiler calls it as long as the invocation lives.
        self._callback = _CALLBACK(self._on_diagnostic)
        handle, pointer, text = ctypes.c_void_p, ctypes.c_void_p, ctypes.c_char_p
        enable = _c_function("EnableCallbackDiagnostics", handle, ctypes.c_int, _CALLBACK, pointer)
        self._set_from = _c_function("SetCompileFromPhase", handle, text)
        self._set_to = _c_function("SetCompileToPhase", handle, text)
        self._handle = invocation._inv_p
        enable(self._handle, 0, self._callback, None)

    def run_to(self, phase: str, function: Function) -> None:
        """Compiles on to the end of that phase."""
        self._set_from(self._handle, self._phase)
        self._set_to(self._handle, phase.encode())
        self._phase = phase.encode()
        self.check(self._invocation.execute(), function)

    def check(self, succeeded: bool, function: Function) -> None:
        """Raises what the compiler reported when it did not succeed."""
        if succeeded:
            return
        found = self._errors or self._rest or ["no diagnostic was given"]
        raise CompileError(f"iree:cpu refuses function {function.name!r}: " + "\n".join(found))

    def _on_diagnostic(self, severity: int, message: Any, size: int, data: Any) -> None:
        text = ctypes.string_at(message, size).decode(errors="replace")
        (self._errors if severity == _ERROR else self._rest).append(text)


def _c_function(name: str, *arguments: Any) -> Any:
    try:
        from iree.compiler.api import ctypes_dl

        function = getattr(ctypes_dl._dylib, f"ireeCompilerInvocation{name}")
    except (ImportError, AttributeError) as error:
        raise CompileError(
            f"IREE's compiler is too different from 3.13 (no ireeCompilerInvocation{name}): "
            "pip install 'kvlift[iree]'"
        ) from error
    function.restype = None
    function.argtypes = list(arguments)
    return function


def _output(api: Any, write: Any) -> bytes:
    output = api.Output.open_membuffer()
    try:
        write(output)
        return bytes(output.map_memory())
    finally:
        output.close()
