"""Arrays on the devices of a PJRT client: from the host, and from other libraries.

It touches jaxlib's private API like `pjrt.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from kvlift.errors import CompileError

if TYPE_CHECKING:
    from kvlift.runtime.values import Host


def device_put(jax: Any, device: Any) -> Callable[[Any, Host, bool], Any]:
    """A function that puts a host array of a type (an aval) on the device, 64-bit types included.

    `jax.device_put` would narrow i64 and f64 unless the user's process enables x64.
    """
    from jax.sharding import SingleDeviceSharding

    try:
        from jaxlib.xla_client import batched_device_put
    except ImportError as error:
        raise too_different("jaxlib.xla_client.batched_device_put is gone") from error
    sharding = SingleDeviceSharding(device)
    # jaxlib 0.10 added the argument; before, the put never narrowed.
    extra = {"enable_x64": True} if "enable_x64" in (batched_device_put.__doc__ or "") else {}

    def put(aval: Any, value: Host, copy: bool) -> Any:
        return batched_device_put(
            aval, sharding, [value], [device], committed=True, force_copy=copy, **extra
        )

    return put


def dlpack_place(device: Any) -> tuple[int, int]:
    """The kind of the device and its number, as arrays on it tell them."""
    import jax
    import numpy as np

    kind, number = jax.device_put(np.int32(0), device).__dlpack_device__()
    return kind, number


def imported(value: Any, place: tuple[int, int]) -> Any | None:
    """An array of another library that lies there, such as a CUDA tensor of torch, as a jax array.

    By DLPack, without a copy; None when it is elsewhere.
    """
    if not hasattr(value, "__dlpack_device__"):
        return None
    import jax

    try:
        if tuple(value.__dlpack_device__()) != place:
            return None
        # Of torch's tensors some need a gradient or are strided.
        plain = value.detach().contiguous() if hasattr(value, "detach") else value
        # Elsewhere an i64 would be narrowed silently.
        with jax.enable_x64(True):
            return jax.dlpack.from_dlpack(plain)
    except (RuntimeError, TypeError, ValueError, BufferError):
        # A type or a layout that one of the two does not know.
        return None


def host_array(array: Host) -> Any:
    """A jax array on the CPU with that value, of 64-bit types too; it shares aligned memory."""
    import jax

    put = device_put(jax, jax.devices("cpu")[0])
    return put(jax.core.ShapedArray(array.shape, array.dtype), array, False)


def require(thing: Any, names: tuple[str, ...]) -> None:
    """Refuses a jaxlib whose objects lack what is used of them."""
    missing = [name for name in names if not hasattr(thing, name)]
    if missing:
        raise too_different(f"{type(thing).__name__} has no {', '.join(missing)}")


def too_different(what: str) -> CompileError:
    """The error for a jaxlib that does not work as the tested ones do."""
    import jaxlib

    return CompileError(
        f"jaxlib {jaxlib.__version__} is too different from 0.10 and 0.11 ({what}): "
        "pip install 'kvlift[pjrt]'"
    )
