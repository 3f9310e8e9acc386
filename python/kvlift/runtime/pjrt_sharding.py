"""Programs that several devices of a PJRT client run together, each on its part of the arrays.

XLA partitions the program by the shardings that its arguments, results and ops carry
(`mhlo.sharding`, or Shardy's, see `frontends/jax_sharding.py`); the compiled program says how each
argument and result lies. Slots, weights and arguments are jax arrays of these shardings. The
devices may belong to several processes that `jax.distributed` has joined: each process then holds
the parts of its own devices. With `runtime/pjrt.py` this is the only file that touches jaxlib's
private API to run programs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from kvlift.errors import CompileError, SessionError
from kvlift.runtime import values
from kvlift.runtime.pjrt import PjrtExecutable, overwriting_program
from kvlift.runtime.pjrt_arrays import require, too_different
from kvlift.slots import Function, TensorType

if TYPE_CHECKING:
    from kvlift.runtime.backend import Address, Returns
    from kvlift.runtime.values import Host


def devices_for(client: Any, count: int, platform: str) -> list[Any]:
    """The first devices that the program is for: this process's, or all processes' ones.

    Raises:
        CompileError: there are fewer, or none of them is this process's.
    """
    here: list[Any] = client.local_devices()
    if len(here) >= count:
        return here[:count]
    everywhere: list[Any] = client.devices()
    if len(everywhere) < count:
        flag = f": XLA_FLAGS=--xla_force_host_platform_device_count={count}"
        hint = f"{flag} makes {count} of one CPU" if platform == "cpu" else ""
        elsewhere = f", {len(everywhere)} with all processes" if everywhere != here else ""
        raise CompileError(
            f"the program is for {count} devices, pjrt:{platform} has {len(here)} here"
            f"{elsewhere}{hint}"
        )
    devices = everywhere[:count]
    if not any(device.process_index == client.process_index() for device in devices):
        raise CompileError(
            f"the program is for {count} devices, and the first {count} of all processes are none "
            f"of process {client.process_index()}: run it in the others"
        )
    return devices


def partitioned_options(
    devices: Sequence[Any], overrides: dict[str, bool], *, has_shardy: bool
) -> Any:
    """XLA's options for a program of one replica that it is to divide among devices."""
    import numpy as np
    from jax.extend.backend import get_compile_options

    assignment = np.array([[device.id for device in devices]])
    options = get_compile_options(1, len(devices), assignment, env_options_overrides=overrides)
    build = options.executable_build_options
    require(build, ("use_spmd_partitioning", "use_shardy_partitioner"))
    build.use_spmd_partitioning = True
    build.use_shardy_partitioner = has_shardy
    return options


class ShardedExecutable(PjrtExecutable):
    """A loaded XLA executable for several devices."""

    def __init__(
        self, function: Function, loaded: Any, devices: Sequence[Any], blob: bytes | None = None
    ) -> None:
        """Made by `PjrtBackend.compile`, or loaded from `blob`.

        Raises:
            CompileError: a slot comes back in another sharding than it goes in, or this jaxlib
                is too different.
        """
        import jax

        process = devices[0].client.process_index()
        here = tuple(device for device in devices if device.process_index == process)
        super().__init__(function, loaded, here[0], _put_nothing, blob)
        require(loaded, ("get_parameter_shardings", "get_output_shardings"))
        self._devices = tuple(devices)
        self._here = here
        self._inputs = _shardings(loaded.get_parameter_shardings(), self._devices)
        self._outputs = _shardings(loaded.get_output_shardings(), self._devices)
        self._assemble = jax.make_array_from_single_device_arrays
        self._put_shards = _shards_put()
        self._refuse_moving_slots()

    def _refuse_moving_slots(self) -> None:
        for slot in self.function.slots:
            before, after = self._inputs[slot.argument], self._outputs[slot.result]
            if not before.is_equivalent_to(after, len(slot.store.shape)):
                raise CompileError(
                    f"slot {slot.name!r} goes in as {before} and comes out as {after}; give its "
                    "argument and its result one sharding"
                )

    def put(self, argument: int, value: Host, *, copy: bool) -> Any:
        """A jax array whose parts lie on their devices; each process puts its own ones."""
        import numpy as np

        sharding = self._inputs[argument]
        places = sharding.devices_indices_map(value.shape)
        parts = [np.ascontiguousarray(value[places[device]]) for device in self._here]
        return self._put_shards(
            self._avals[argument], sharding, parts, list(self._here), force_copy=copy
        )

    def fill(self, argument: int, buffer: Any, value: Host) -> Any:
        """New parts."""
        return self.put(argument, value, copy=True)

    def _is_in_place(self, argument: int, array: Any) -> bool:
        """Whether it lies on the devices as the argument does."""
        wanted = self._inputs[argument]
        return array.sharding.device_set == set(self._devices) and bool(
            array.sharding.is_equivalent_to(wanted, len(array.shape))
        )

    def dispatch(self, buffers: Sequence[Any]) -> list[Any]:
        """Runs on all devices when the arguments are ready; each process must."""
        results = self._loaded.execute_sharded(buffers)
        return self._assembled(results, [r.type for r in self.function.results], self._outputs)

    def overwrite(
        self, arguments: Sequence[int], old: Sequence[Any], new: Sequence[Any]
    ) -> list[Any]:
        """On each device, by a program that does so with its part."""
        types = [self.function.arguments[i].type for i in arguments]
        shardings = [self._inputs[i] for i in arguments]
        key = tuple(arguments)
        if key not in self._writers:
            texts = [f"tensor<{tensor}>" for tensor in types]
            source = overwriting_program(texts, [_text_of(each) for each in shardings])
            options = partitioned_options(self._devices, {}, has_shardy=False)
            client = self._device.client
            self._writers[key] = client.compile_and_load(source, list(self._devices), options)
        results = self._writers[key].execute_sharded([*old, *new])
        arrays = self._assembled(results, types, shardings)
        self.wait(arrays)
        return arrays

    def _assembled(
        self, results: Any, types: Sequence[TensorType], shardings: Sequence[Any]
    ) -> list[Any]:
        """One array of each result's parts."""
        parts = results.disassemble_into_single_device_arrays()
        return [
            self._assemble(tensor.shape, sharding, list(arrays))
            for tensor, sharding, arrays in zip(types, shardings, parts, strict=True)
        ]

    def wait(self, results: Sequence[Any]) -> None:
        """Each device of this process is done when it has one result."""
        if results:
            results[0].block_until_ready()

    def check_readable(self, result: int) -> None:
        """Every part of it, or a replica of the part, must be on a device of this process."""
        told = self.function.results[result]
        sharding = self._outputs[result]
        if not self._is_here(sharding, told.type.shape):
            raise SessionError(
                f"result {told.name!r} of function {self.function.name!r} is for devices of "
                f"several processes as {sharding}, and this one can read only its own parts; give "
                "it a replicated out_sharding, or take it as a jax array: "
                "program.session(returns='jax')"
            )

    def view(self, buffer: Any, tensor: TensorType) -> Host:
        """A copy that has all parts.

        Raises:
            SessionError: some are only on devices of other processes.
        """
        import numpy as np

        if not self._is_here(buffer.sharding, buffer.shape):
            raise SessionError(
                f"parts of it are on devices of other processes ({buffer.sharding}), where this "
                "one cannot read them; let the program give it as a replicated result"
            )
        whole = np.empty(buffer.shape, buffer.dtype)
        parts = {str(shard.index): shard for shard in buffer.addressable_shards}
        for part in parts.values():
            whole[part.index] = super().view(part.data, tensor)
        return whole

    def _is_here(self, sharding: Any, shape: Sequence[int | None]) -> bool:
        places = {d: str(place) for d, place in sharding.devices_indices_map(tuple(shape)).items()}
        return {places[device] for device in self._here} == set(places.values())

    def take(self, buffer: Any, tensor: TensorType, kind: Returns) -> Any:
        """The jax array itself, or all parts of it in one host array."""
        return buffer if kind == "jax" else values.as_kind(self.view(buffer, tensor), kind)

    def address(self, buffer: Any) -> Address:
        """The pointers of its parts on this process's devices, by device."""
        pointers = {s.device: s.data.unsafe_buffer_pointer() for s in buffer.addressable_shards}
        return tuple(int(pointers[device]) for device in self._here)

    def _bytes_on_a_device(self) -> dict[int, int]:
        """By argument; what the audit of the partitioned program compares with."""
        parts = {
            a.index: TensorType(self._inputs[a.index].shard_shape(a.type.shape), a.type.dtype)
            for a in self.function.arguments
        }
        return {index: values.byte_size(part) or 0 for index, part in parts.items()}


def _shardings(found: Any, devices: tuple[Any, ...]) -> list[Any]:
    """XLA's shardings as jax's; nothing said is the same array on each device."""
    try:
        from jax._src.sharding_impls import GSPMDSharding
        from jaxlib.xla_client import HloSharding
    except ImportError as error:
        raise too_different(str(error)) from error
    everywhere = HloSharding.replicate()
    return [GSPMDSharding(devices, each if each is not None else everywhere) for each in found]


def _text_of(sharding: Any) -> str:
    """`{devices=[1,4]<=[4]}`, as an attribute has it."""
    return str(sharding._to_xla_hlo_sharding(1))


def _shards_put() -> Any:
    """Puts host arrays on devices, as the parts of one jax array; never narrows 64-bit types."""
    from jaxlib.xla_client import batched_device_put

    extra = {"enable_x64": True} if "enable_x64" in (batched_device_put.__doc__ or "") else {}

    def put(aval: Any, sharding: Any, parts: Any, devices: Any, *, force_copy: bool) -> Any:
        return batched_device_put(
            aval, sharding, parts, devices, committed=True, force_copy=force_copy, **extra
        )

    return put


def _put_nothing(aval: Any, value: Host, copy: bool) -> Any:
    """No sharded array lies on one device."""
    raise AssertionError("an array was put on one device of several")
