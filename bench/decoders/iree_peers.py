"""JAX's StableHLO on IREE, with ties written by hand and without."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import numpy as np

from decoders import model
from decoders.model import Array
from decoders.peer import Peer

FLAGS = (
    "--iree-hal-target-device=local",
    "--iree-hal-local-target-device-backends=llvm-cpu",
    "--iree-llvmcpu-target-cpu=host",
    "--iree-input-type=stablehlo",
)


class IreeNaive(Peer):
    """The module that `jax.jit(step).lower` gives, its new caches fed back as buffers."""

    name = "IREE, naive StableHLO"
    packages = ("jax", "iree.compiler", "iree.runtime")
    cache_copies = 1.2  # IREE overwrites arguments that have no other use

    def prepare(self) -> None:
        """Compiles and loads; the weights are put on the device."""
        import jax
        from iree import runtime

        leaves = jax.tree.leaves(model.weights())
        self._config = runtime.Config("local-task")
        vmfb = compile_text(self._text())
        vm_module = runtime.VmModule.copy_buffer(self._config.vm_instance, vmfb)
        self._context = runtime.VmContext(
            self._config.vm_instance, [*self._config.default_vm_modules, vm_module]
        )
        self._entry = vm_module.lookup_function("main")
        self._weights = [self._put(leaf) for leaf in leaves]
        self._caches: list[Any] = []

    def _text(self) -> str:
        import jax

        cache = jax.ShapeDtypeStruct(self._cache_shape(), np.float32)
        tokens = jax.ShapeDtypeStruct((self.shape.batch, 1), np.int32)
        arguments = (
            jax.tree.map(lambda w: jax.ShapeDtypeStruct(w.shape, w.dtype), model.weights()),
            [cache] * (2 * model.LAYERS),
            tokens,
            jax.ShapeDtypeStruct((), np.int32),
        )
        return str(jax.jit(self._step()).lower(*arguments).as_text())

    def _step(self) -> Any:
        from decoders.jax_model import step

        return step

    def _cache_shape(self) -> tuple[int, ...]:
        return self.shape.cache

    def _put(self, array: Array) -> Any:
        from iree import runtime

        contiguous = np.ascontiguousarray(array).reshape(array.shape)
        buffer = self._config.device.allocator.allocate_buffer_copy(
            memory_type=int(runtime.MemoryType.DEVICE_LOCAL | runtime.MemoryType.HOST_VISIBLE),
            allowed_usage=int(runtime.BufferUsage.DEFAULT | runtime.BufferUsage.MAPPING),
            device=self._config.device,
            buffer=contiguous,
        )
        kinds = {"float32": "FLOAT_32", "int32": "SINT_32"}
        kind = int(getattr(runtime.HalElementType, kinds[array.dtype.name]))
        return runtime.HalBufferView(buffer, array.shape, kind)

    def start(self) -> None:
        """The caches as device buffers."""
        shape = self._cache_shape()
        self._caches = [
            self._put(model.cache(index, self.shape).reshape(shape))
            for index in range(2 * model.LAYERS)
        ]

    def step(self, tokens: Array, position: int) -> Array:
        """A raw invocation: it has the least overhead."""
        from iree import runtime

        inputs = [self._put(tokens.astype(np.int32)), self._put(np.array(position, np.int32))]
        buffers = [*self._weights, *self._caches, *inputs]
        arguments, results = runtime.VmVariantList(len(buffers)), runtime.VmVariantList(1)
        for buffer in buffers:
            arguments.push_ref(buffer)
        self._context.invoke(self._entry, arguments, results)
        views = [results.get_as_object(i, runtime.HalBufferView) for i in range(len(results))]
        logits, self._caches = views[0], views[1:]
        mapped = logits.map().asarray(list(logits.shape), np.dtype(np.float32))
        return np.array(mapped)

    def stop(self) -> None:
        """Drops the buffers."""
        self._caches = []


class IreeAnnotated(IreeNaive):
    """The same with `tf.aliasing_output` on each cache, and the cache shape that is quicker."""

    name = "IREE, best by hand"
    cache_copies = 1

    def _text(self) -> str:
        """Argument i of the caches is tied to result i + 1; the logits are result 0."""
        results: Iterator[int] = iter(range(1, 2 * model.LAYERS + 1))

        def tie(match: re.Match[str]) -> str:
            return f"{match[1]} {{tf.aliasing_output = {next(results)} : i32}}"

        dims = "x".join(map(str, self._cache_shape()))
        head, brace, rest = super()._text().partition("->")
        tied = re.sub(rf"(%arg\d+: tensor<{dims}xf32>)(?: \{{[^}}]*\}})?", tie, head)
        assert next(results, None) is None, "every cache is tied"
        return tied + brace + rest


def compile_text(text: str) -> bytes:
    """IREE's executable for this CPU."""
    from iree.compiler import compile_str

    return bytes(compile_str(text, input_type="stablehlo", extra_args=list(FLAGS)))
