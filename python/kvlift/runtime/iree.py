"""IREE's runtime: buffers of a local device and raw invocations; its private API stays here.

IREE updates an argument in place, in the buffer that the caller passed, tied or not. So slots and
every argument that the compiled program writes are copied in; `to_host()` and mapped views show
memory that is reused, so only copies go out.
"""

from __future__ import annotations

import copy as copy_module
import functools
import importlib.metadata
import threading
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from kvlift.errors import CompileError
from kvlift.runtime import values
from kvlift.runtime.iree_compiler import FLAGS, Compiled, compile_for_cpu
from kvlift.runtime.memory import Memory
from kvlift.slots import Function, Obstacle, TensorType

if TYPE_CHECKING:
    from kvlift.audit import Copy
    from kvlift.runtime.backend import LiftedSource, Returns
    from kvlift.runtime.values import Host

# Measured on two cores, decode-like steps, local-sync / local-task: 0.5 MB of weights 32 / 208 us,
# 8 MB 1371 / 1273 us, 75 MB 16.1 / 8.6 ms. Below this the threads cost more than they give.
_BYTES_WORTH_THREADS = 8 << 20

_ELEMENT_TYPES = {
    "i1": "BOOL_8",
    **{f"i{bits}": f"SINT_{bits}" for bits in (8, 16, 32, 64)},
    **{f"si{bits}": f"SINT_{bits}" for bits in (8, 16, 32, 64)},
    **{f"ui{bits}": f"UINT_{bits}" for bits in (8, 16, 32, 64)},
    "f16": "FLOAT_16",
    "f32": "FLOAT_32",
    "f64": "FLOAT_64",
    "bf16": "BFLOAT_16",
    "f8E4M3FN": "FLOAT_8_E4M3_FN",
    "f8E5M2": "FLOAT_8_E5M2",
    "complex<f32>": "COMPLEX_64",
    "complex<f64>": "COMPLEX_128",
}


class IreeBackend:
    """IREE's local CPU device."""

    def __init__(self) -> None:
        """Checks that compiler and runtime are there.

        Raises:
            ImportError: one of them is not installed.
        """
        import iree.runtime

        self._runtime = iree.runtime
        versions = [importlib.metadata.version(f"iree-base-{p}") for p in ("compiler", "runtime")]
        self._facts = {
            "version": f"IREE {versions[0]}",
            "runtime": versions[1],
            "flags": " ".join(FLAGS),
        }

    def compile(self, lifted: LiftedSource, function: Function) -> IreeExecutable:
        """Compiles the module and loads the function."""
        if lifted.partitions != 1:
            raise CompileError(
                f"function {function.name!r} is for {lifted.partitions} devices, and iree:cpu runs "
                "on one; use target pjrt:cpu"
            )
        _refuse_growing(function)
        source = lifted.isolate(function.name).artifact()
        return self._executable(compile_for_cpu(source, function), function)

    def deserialize(self, blob: bytes, function: Function) -> IreeExecutable:
        """Loads the module that `IreeExecutable.serialize` gave."""
        return self._executable(Compiled.from_bytes(blob), function)

    def on_one_device(self, executables: Sequence[Any]) -> list[IreeExecutable]:
        """The same, all with threads if one of them is worth it: a driver is a device."""
        if len({executable.driver for executable in executables}) == 1:
            return list(executables)
        return [executable.on_driver("local-task") for executable in executables]

    is_kept = True

    def compiler_facts(self) -> Mapping[str, str]:
        """Versions of compiler and runtime, and the compiler's flags."""
        return self._facts

    def _executable(self, compiled: Compiled, function: Function) -> IreeExecutable:
        driver = "local-task" if _threads_pay(function, compiled) else "local-sync"
        try:
            return IreeExecutable(function, compiled, self._runtime, driver)
        except (AttributeError, TypeError) as error:
            raise _too_different(str(error)) from error
        except (ValueError, RuntimeError) as error:
            raise CompileError(
                f"IREE's runtime cannot load the compiled module: {error}"
            ) from error


class IreeExecutable:
    """A function of a loaded IREE module."""

    def __init__(self, function: Function, compiled: Compiled, runtime: Any, driver: str) -> None:
        """Loads the module on the driver's device."""
        self.function = function
        self.overwritten: frozenset[int] = compiled.overwritten
        self.driver = driver
        self._copied_back = [s for s in function.slots if s.argument in compiled.untied]
        self._compiled = compiled
        self._runtime = runtime
        self._config = _config(runtime, driver)
        self._module = runtime.VmModule.copy_buffer(self._config.vm_instance, compiled.vmfb)
        self._entry = self._module.lookup_function(function.name)
        if self._entry is None:
            raise CompileError(f"the compiled IREE module has no function {function.name!r}")
        self._context = self._new_context()
        self._device = self._config.device
        self._memory_type = int(runtime.MemoryType.DEVICE_LOCAL | runtime.MemoryType.HOST_VISIBLE)
        self._usage = int(runtime.BufferUsage.DEFAULT | runtime.BufferUsage.MAPPING)
        self._element_types = [_element_type(runtime, a.type.dtype) for a in function.arguments]

    def _new_context(self) -> Any:
        config = self._config
        modules = [*config.default_vm_modules, self._module]
        return self._runtime.VmContext(config.vm_instance, modules)

    def on_driver(self, driver: str) -> IreeExecutable:
        """The same code on another driver's device."""
        return IreeExecutable(self.function, self._compiled, self._runtime, driver)

    def for_session(self) -> IreeExecutable:
        """The same code with a context of its own: one context serves one thread at a time."""
        own = copy_module.copy(self)
        own._context = self._new_context()
        return own

    def put(self, argument: int, value: Host, *, copy: bool) -> Any:
        """A buffer view; memory that is not aligned to 64 bytes is copied (IREE would crash)."""
        raw = _bytes_of(value)
        if copy or raw.size == 0 or not (values.is_aligned(raw) and raw.flags.writeable):
            buffer = self._device.allocator.allocate_buffer_copy(
                memory_type=self._memory_type,
                allowed_usage=self._usage,
                device=self._device,
                buffer=raw,
            )
        else:
            buffer = self._device.allocator.import_host_allocation(
                raw, self._memory_type, self._usage
            )
        return self._runtime.HalBufferView(buffer, value.shape, self._element_types[argument])

    def fill(self, argument: int, buffer: Any, value: Host) -> Any:
        """Written where the memory is mapped."""
        _mapped_bytes(buffer).view(value.dtype).reshape(value.shape)[...] = value
        return buffer

    def adopt(self, argument: int, value: Any) -> None:
        """Nothing: callers have no buffers of IREE."""

    def run(self, buffers: Sequence[Any]) -> list[Any]:
        """Invokes the synchronous entry point, without FunctionInvoker's overhead."""
        arguments = self._runtime.VmVariantList(len(buffers))
        for buffer in buffers:
            arguments.push_ref(buffer)
        results = self._runtime.VmVariantList(len(self.function.results))
        self._context.invoke(self._entry, arguments, results)
        view = self._runtime.HalBufferView
        found = [results.get_as_object(i, view) for i in range(len(self.function.results))]
        self._copy_back(buffers, found)
        return found

    def dispatch(self, buffers: Sequence[Any]) -> list[Any]:
        """Runs to completion: the entry point is synchronous."""
        return self.run(buffers)

    def wait(self, results: Sequence[Any]) -> None:
        """Nothing is left to wait for."""

    def overwrite(
        self, arguments: Sequence[int], old: Sequence[Any], new: Sequence[Any]
    ) -> list[Any]:
        """Written where the memory is mapped."""
        for target, source in zip(old, new, strict=True):
            _mapped_bytes(target)[...] = _mapped_bytes(source)
        return list(old)

    def _copy_back(self, buffers: Sequence[Any], found: list[Any]) -> None:
        """Copies the new values of untied slots into their slots.

        A result may be one of these slots' own memory, under another name: it is saved first.
        """
        targets = {slot.result: buffers[slot.argument] for slot in self._copied_back}
        written = {self.address(target) for target in targets.values()}
        for result, buffer in enumerate(found):
            if written and buffer.byte_length and self.address(buffer) in written:
                found[result] = self._own_copy(buffer)
        for result, target in targets.items():
            _mapped_bytes(target)[...] = _mapped_bytes(found[result])
            found[result] = target

    def _own_copy(self, buffer: Any) -> Any:
        copy = self._device.allocator.allocate_buffer_copy(
            memory_type=self._memory_type,
            allowed_usage=self._usage,
            device=self._device,
            buffer=_mapped_bytes(buffer),
        )
        return self._runtime.HalBufferView(copy, buffer.shape, buffer.element_type)

    def check_readable(self, result: int) -> None:
        """Each is: one device has it."""

    def fetch(self, buffer: Any, tensor: TensorType) -> Host:
        """A copy of the mapped memory, which the device reuses."""
        return values.own_copy(self.view(buffer, tensor))

    def view(self, buffer: Any, tensor: TensorType) -> Host:
        """The mapped memory; the buffer lives as long as a view of it."""
        raw = _mapped_bytes(buffer)
        memory = Memory(raw.ctypes.data, raw.size, (raw, buffer))
        return memory.array(tuple(buffer.shape), values.numpy_dtype(tensor.dtype))

    def take(self, buffer: Any, tensor: TensorType, kind: Returns) -> Any:
        """A copy: a result may lie in the memory of a slot, or in memory that is reused."""
        return values.as_kind(values.aligned_copy(self.view(buffer, tensor)), kind)

    def address(self, buffer: Any) -> int:
        """Where the buffer is mapped."""
        return int(_mapped_bytes(buffer).ctypes.data)

    def is_intact(self, buffers: Sequence[Any]) -> bool:
        """Never known: a failed run may have written any of them."""
        return not buffers

    def find_copies(self) -> tuple[Copy, ...]:
        """The slot-sized copies in IREE's stream dialect, and those that `run` makes after it."""
        from kvlift.audit import Copy, audited_slots
        from kvlift.audit.iree import find_copies

        slots = audited_slots(self.function)
        copied_back = (slots[s.argument] for s in self._copied_back if s.argument in slots)
        return (
            *find_copies(self.function, self._compiled.stream_module()),
            *(Copy(slot, "copy", size, "its result, back into it") for slot, size in copied_back),
        )

    def find_obstacles(self) -> tuple[Obstacle, ...]:
        """The numbers that IREE's host code loads, and the slots that `run` copies back."""
        from kvlift.audit.replay import stream_obstacles

        copied = (f"slot {s.name!r} is copied back by the host" for s in self._copied_back)
        fresh = (self.function.arguments[i].name for i in sorted(self.overwritten))
        return (
            *stream_obstacles(self.function, self._compiled.stream_module()),
            *(Obstacle(why, "", "<unknown>") for why in copied),
            *(Obstacle(f"argument {n!r} is put there anew", "", "<unknown>") for n in fresh),
        )

    @property
    def compiled_text(self) -> str:
        """IREE's stream dialect."""
        return self._compiled.stream_text()

    def serialize(self) -> bytes:
        """The compiled module and the stream dialect that the audit reads."""
        return self._compiled.to_bytes()


def _refuse_growing(function: Function) -> None:
    for slot in function.state:
        if None in slot.store.shape:
            raise CompileError(
                f"slot {slot.name!r} of function {function.name!r} is {slot.logical}: its memory "
                "stays where it is, so it cannot grow; give it static extents"
            )


def _mapped_bytes(buffer: Any) -> Host:
    """A view of the buffer's memory, which must not outlive the call."""
    import numpy as np

    raw: Host = buffer.map().asarray([buffer.byte_length], np.dtype(np.uint8))
    return raw


def _threads_pay(function: Function, compiled: Compiled) -> bool:
    """By the bytes that a step reads but does not write: weights, in the main."""
    read = [a for a in function.arguments if not a.is_state and a.index not in compiled.overwritten]
    sizes = [values.byte_size(a.type) or 0 for a in read]
    return sum(sizes) >= _BYTES_WORTH_THREADS


def _config(runtime: Any, driver: str) -> Any:
    """One device per driver and process: its threads are shared, and buffers go around."""
    with _lock:
        return _new_config(runtime, driver)


_lock = threading.Lock()


@functools.cache
def _new_config(runtime: Any, driver: str) -> Any:
    return runtime.Config(driver)


def _element_type(runtime: Any, mlir: str) -> int:
    if mlir not in _ELEMENT_TYPES:
        raise CompileError(f"iree:cpu takes no arguments of element type {mlir}")
    return int(getattr(runtime.HalElementType, _ELEMENT_TYPES[mlir]))


def _bytes_of(value: Host) -> Host:
    """The array's memory as bytes: the buffer protocol knows no bf16."""
    import numpy as np

    flat: Host = value.reshape(-1).view(np.uint8)
    return flat


def _too_different(what: str) -> CompileError:
    version = importlib.metadata.version("iree-base-runtime")
    return CompileError(
        f"IREE's runtime {version} is too different from 3.13 ({what}): pip install 'kvlift[iree]'"
    )
