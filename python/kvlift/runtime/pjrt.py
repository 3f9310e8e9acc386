"""PJRT through jaxlib; with `pjrt_arrays.py` and `pjrt_sharding.py` what runs by its private API.

XLA donates an argument that carries `tf.aliasing_output` and hands back the same memory as the
result, if nobody else holds a view of it. So slots are copied in, and only copies go out.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from kvlift.errors import CompileError
from kvlift.runtime import values
from kvlift.runtime.memory import Memory
from kvlift.runtime.pjrt_arrays import device_put, dlpack_place, imported, require, too_different
from kvlift.slots import Argument, Function, Obstacle, TensorType

if TYPE_CHECKING:
    from kvlift.audit import Copy
    from kvlift.runtime.backend import Address, LiftedSource, Returns
    from kvlift.runtime.values import Host

# Without it XLA:CPU copies a slot that is read before it is written (openxla/xla#20440).
_CPU_OPTIONS = {"xla_cpu_copy_insertion_use_region_analysis": True}
# With it, XLA:CPU of jaxlib 0.10 loses copies that loops and branches need: wrong results in one
# of a hundred random programs that have any, in none of those that have none.
_CONTROL_FLOW = (" while(", " conditional(")


class PjrtBackend:
    """One device of a PJRT client that jax offers, or several that run programs together."""

    def __init__(self, platform: str, partitions: int = 1) -> None:
        """Opens the client of that platform (`cpu`, `cuda`), for programs of so many devices.

        Raises:
            ImportError: jax is not installed.
            CompileError: there is no such device here, or this jaxlib is too different.
        """
        import jax
        from jax.extend.backend import get_backend

        try:
            self._client = get_backend(platform)
            self._device = self._client.local_devices()[0]
        except (RuntimeError, IndexError) as error:
            raise CompileError(f"target pjrt:{platform} has no device here: {error}") from error
        self._platform = platform
        self._partitions = partitions
        self._put = device_put(jax, self._device)
        require(self._client, ("compile_and_load",))

    def compile(self, lifted: LiftedSource, function: Function) -> PjrtExecutable:
        """Compiles the function as XLA's entry point, which must be called `main`."""
        _refuse_dynamic(function)
        source = lifted.isolate(function.name, "main").artifact(_common_version())
        try:
            overrides = _CPU_OPTIONS if self._platform == "cpu" else {}
            loaded = self._compile(source, overrides)
            if overrides and _has_control_flow(loaded):
                loaded = self._compile(source, {})
        except RuntimeError as error:
            raise CompileError(
                f"pjrt:{self._platform} refuses function {function.name!r}: {error}"
            ) from error
        except TypeError as error:
            raise too_different(f"compile_and_load: {error}") from error
        return self._executable(loaded, function)

    def deserialize(self, blob: bytes, function: Function) -> PjrtExecutable:
        """Loads what `PjrtExecutable.serialize` gave; HLO and buffer assignment come with it."""
        try:
            from jaxlib.xla_client import DeviceList

            devices = DeviceList(tuple(self._devices()))
            loaded = self._client.deserialize_executable(blob, devices, self._options({}))
        except (ImportError, AttributeError, TypeError) as error:
            raise too_different(f"deserialize_executable: {error}") from error
        except RuntimeError as error:
            raise CompileError(f"XLA cannot load the compiled program: {error}") from error
        return self._executable(loaded, function, blob)

    def compiler_facts(self) -> Mapping[str, str]:
        """Versions of jaxlib and the platform, the device, and XLA's options.

        XLA:CPU divides loops among as many threads as the process may use.
        """
        import jaxlib

        facts = {
            "version": f"jaxlib {jaxlib.__version__}",
            "platform": str(self._client.platform_version),
            "device": str(self._device.device_kind),
            "options": _options({}).SerializeAsString().hex() + str(_CPU_OPTIONS),
            "stablehlo": str(_common_version()),
            "threads": str(len(os.sched_getaffinity(0))),
        }
        if self._partitions > 1:
            facts["devices"] = ",".join(str(device.id) for device in self._devices())
        return facts

    @property
    def is_kept(self) -> bool:
        """Programs of several processes are compiled by all of them at once."""
        process = self._client.process_index()
        return all(device.process_index == process for device in self._devices())

    def _executable(
        self, loaded: Any, function: Function, blob: bytes | None = None
    ) -> PjrtExecutable:
        require(loaded, ("execute_sharded", "hlo_modules", "get_compiled_memory_stats"))
        if self._partitions == 1:
            return PjrtExecutable(function, loaded, self._device, self._put, blob)
        from kvlift.runtime.pjrt_sharding import ShardedExecutable

        return ShardedExecutable(function, loaded, self._devices(), blob)

    def on_one_device(self, executables: Sequence[Any]) -> Sequence[PjrtExecutable]:
        """They are: a backend has one."""
        return executables

    def _compile(self, source: bytes, overrides: dict[str, bool]) -> Any:
        options = self._options(overrides, has_shardy=b"xla.sdy." in source)
        return self._client.compile_and_load(source, self._devices(), options)

    def _options(self, overrides: dict[str, bool], *, has_shardy: bool = False) -> Any:
        if self._partitions == 1:
            return _options(overrides, self._device)
        from kvlift.runtime.pjrt_sharding import partitioned_options

        return partitioned_options(self._devices(), overrides, has_shardy=has_shardy)

    def _devices(self) -> list[Any]:
        if self._partitions == 1:
            return [self._device]
        from kvlift.runtime.pjrt_sharding import devices_for

        return devices_for(self._client, self._partitions, self._platform)


def _options(overrides: dict[str, bool], device: Any = None) -> Any:
    """XLA's options for a program of one device, which is the first one unless given."""
    import numpy as np
    from jax.extend.backend import get_compile_options

    # A process that `jax.distributed` has joined to others has none of the number 0.
    assignment = np.array([[device.id if device is not None else 0]])
    return get_compile_options(1, 1, assignment, env_options_overrides=overrides)


def _has_control_flow(loaded: Any) -> bool:
    """Whether loops or branches are left in the compiled program."""
    text = loaded.hlo_modules()[0].to_string()
    return any(op in text for op in _CONTROL_FLOW)


class PjrtExecutable:
    """A loaded XLA executable; it keeps nothing between runs."""

    def __init__(
        self,
        function: Function,
        loaded: Any,
        device: Any,
        put: Callable[[Any, Host, bool], Any],
        blob: bytes | None = None,
    ) -> None:
        """Made by `PjrtBackend.compile`, or loaded from `blob`."""
        import jax

        self.function = function
        # XLA writes into no buffer that is not donated.
        self.overwritten: frozenset[int] = frozenset()
        self._loaded = loaded
        self._device = device
        self._is_host_memory = device.platform == "cpu"
        # The device as DLPack calls it.
        self._place = None if self._is_host_memory else dlpack_place(device)
        self._put = put
        self._blob = blob
        self._writers: dict[tuple[int, ...], Any] = {}
        self._array_type = jax.Array
        self._avals = [
            jax.core.ShapedArray(a.type.shape, values.numpy_dtype(a.type.dtype))
            for a in function.arguments
        ]

    def for_session(self) -> PjrtExecutable:
        """Itself: PJRT runs one executable from many threads."""
        return self

    def put(self, argument: int, value: Host, *, copy: bool) -> Any:
        """A jax array; XLA itself copies memory that is not aligned to 64 bytes."""
        return self._put(self._avals[argument], value, copy)

    def fill(self, argument: int, buffer: Any, value: Host) -> Any:
        """Written on a CPU, unknown to XLA: no run is going on, so nothing reads it."""
        import numpy as np

        if buffer.is_deleted() or not self._is_readable(buffer):
            return self.put(argument, np.ascontiguousarray(value), copy=True)
        self._memory(buffer, is_writable=True).array(value.shape, value.dtype)[...] = value
        return buffer

    def adopt(self, argument: int, value: Any) -> Any | None:
        """A jax array of the very type in the very place, or another library's on the device."""
        array: Any = None
        if isinstance(value, self._array_type):
            array = value
        elif self._place is not None:
            array = imported(value, self._place)
        if array is None or array.is_deleted():
            return None
        aval = self._avals[argument]
        is_fitting = (array.dtype, array.shape) == (aval.dtype, aval.shape)
        return array if is_fitting and self._is_in_place(argument, array) else None

    def _is_in_place(self, argument: int, array: Any) -> bool:
        """Whether the program can read it where it is."""
        return bool(array.is_fully_addressable and array.devices() == {self._device})

    def run(self, buffers: Sequence[Any]) -> list[Any]:
        """Runs and waits, so that the caller's arguments are free to change afterwards."""
        results = self.dispatch(buffers)
        self.wait(results)
        return results

    def dispatch(self, buffers: Sequence[Any]) -> list[Any]:
        """Runs when the arguments are ready; the results' values come later."""
        results = self._loaded.execute_sharded(buffers)
        return [shards[0] for shards in results.disassemble_into_single_device_arrays()]

    def wait(self, results: Sequence[Any]) -> None:
        """One result is ready when all are."""
        if results:
            results[0].block_until_ready()

    def overwrite(
        self, arguments: Sequence[int], old: Sequence[Any], new: Sequence[Any]
    ) -> list[Any]:
        """By a program that gives its second arguments as results tied to the first ones."""
        key = tuple(arguments)
        if key not in self._writers:
            types = [f"tensor<{self.function.arguments[i].type}>" for i in arguments]
            source = overwriting_program(types)
            self._writers[key] = self._device.client.compile_and_load(
                source, [self._device], _options({}, self._device)
            )
        results = self._writers[key].execute_sharded([*old, *new])
        arrays = [shards[0] for shards in results.disassemble_into_single_device_arrays()]
        self.wait(arrays)
        return arrays

    def check_readable(self, result: int) -> None:
        """Each is: one device has it."""

    def fetch(self, buffer: Any, tensor: TensorType) -> Host:
        """A copy: a view that outlives the call would make XLA copy the whole slot silently."""
        return values.own_copy(self.view(buffer, tensor))

    def view(self, buffer: Any, tensor: TensorType) -> Host:
        """The device's memory on a CPU, unknown to XLA; a copy of any other, or of packed types."""
        import numpy as np

        if not self._is_readable(buffer):
            return np.asarray(buffer)
        return self._memory(buffer, is_writable=False).array(buffer.shape, buffer.dtype)

    def take(self, buffer: Any, tensor: TensorType, kind: Returns) -> Any:
        """The result's own buffer: XLA gives each result a buffer that it uses for nothing else."""
        if kind == "jax":
            return buffer
        if not self._is_readable(buffer):
            return values.as_kind(self.fetch(buffer, tensor), kind)
        array = self._memory(buffer, is_writable=True).array(buffer.shape, buffer.dtype)
        return values.as_kind(array, kind)

    def _is_readable(self, buffer: Any) -> bool:
        """Whether the host finds the elements in the device's memory as numpy has them."""
        return self._is_host_memory and not values.is_packed(buffer.dtype)

    def _memory(self, buffer: Any, *, is_writable: bool) -> Memory:
        buffer.block_until_ready()
        return Memory(
            buffer.unsafe_buffer_pointer(), buffer.nbytes, buffer, is_writable=is_writable
        )

    def address(self, buffer: Any) -> Address:
        """The device pointer."""
        return int(buffer.unsafe_buffer_pointer())

    def is_intact(self, buffers: Sequence[Any]) -> bool:
        """A run that donated its arguments has deleted them."""
        return not any(buffer.is_deleted() for buffer in buffers)

    def find_copies(self) -> tuple[Copy, ...]:
        """The slot-sized copies in XLA's optimized HLO, by its buffer assignment."""
        from kvlift.audit.pjrt import find_copies

        module = self._loaded.hlo_modules()[0]
        stats = self._loaded.get_compiled_memory_stats()
        require(stats, ("serialized_buffer_assignment_proto",))
        return find_copies(
            self.function,
            module.to_string(),
            module.as_serialized_hlo_module_proto(),
            stats.serialized_buffer_assignment_proto,
            self._bytes_on_a_device(),
        )

    def _bytes_on_a_device(self) -> dict[int, int] | None:
        """By argument, when a device has only a part of it."""
        return None

    def find_obstacles(self) -> tuple[Obstacle, ...]:
        """What XLA's optimized HLO asks of the host."""
        from kvlift.audit.replay import hlo_obstacles

        return hlo_obstacles(self.compiled_text)

    @property
    def compiled_text(self) -> str:
        """XLA's optimized HLO."""
        return str(self._loaded.hlo_modules()[0].to_string())

    def serialize(self) -> bytes:
        """XLA's own form; it holds the optimized HLO and the buffer assignment too."""
        # What was loaded serializes to less than what was compiled.
        if self._blob is not None:
            return self._blob
        require(self._loaded, ("serialize",))
        try:
            return bytes(self._loaded.serialize())
        except RuntimeError as error:
            raise CompileError(f"XLA cannot serialize the compiled program: {error}") from error


def overwriting_program(types: Sequence[str], shardings: Sequence[str] | None = None) -> str:
    """Results are the second half of the arguments, in the memory of the first half."""
    marks = [f'mhlo.sharding = "{text}"' for text in shardings or []] or [""] * len(types)
    items = list(enumerate(zip(types, marks, strict=True)))
    ties = [", ".join(filter(None, [f"tf.aliasing_output = {i} : i32", m])) for i, (_, m) in items]
    old = [f"%a{i}: {t} {{{ties[i]}}}" for i, (t, _) in items]
    new = [f"%b{i}: {t} {{{m}}}" for i, (t, m) in items]
    results = ", ".join(f"{t} {{{m}}}" for _, (t, m) in items)
    returned = ", ".join(f"%b{i}" for i, _ in items)
    return (
        f"func.func @main({', '.join([*old, *new])}) -> ({results}) {{\n"
        f"  return {returned} : {', '.join(types)}\n}}"
    )


def _common_version() -> str | None:
    """The StableHLO version that jaxlib reads; None when it does not say."""
    try:
        from jax.extend.mlir.dialects import stablehlo

        return str(stablehlo.get_current_version())
    except (ImportError, AttributeError):
        return None


def _refuse_dynamic(function: Function) -> None:
    items: list[Argument | Any] = [*function.arguments, *function.results]
    for item in items:
        if None in item.type.shape:
            raise CompileError(
                f"{item.name!r} of function {function.name!r} is {item.type}: PJRT takes only "
                "static shapes; export it without dynamic_shapes, or use target iree:cpu"
            )
