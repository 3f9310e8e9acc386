"""iree-turbine: the torch module exported by IREE's own frontend, its caches as mutable globals."""

from __future__ import annotations

from typing import Any

import numpy as np

from decoders import model
from decoders.iree_peers import FLAGS
from decoders.model import Array
from decoders.peer import Peer


class IreeTurbine(Peer):
    """Weights and caches are parameters, which a context loads when it is made."""

    name = "iree-turbine, mutable globals"
    packages = ("torch", "iree.turbine", "iree.compiler", "iree.runtime")
    cache_copies = 3
    _context: Any

    def prepare(self) -> None:
        """Exports and compiles; torch's attention takes a mask of its own rank only there."""
        import torch
        from iree import runtime
        from iree.compiler import compile_str
        from iree.turbine import aot

        from decoders.torch_model import InPlaceDecoder, visible_rows

        class Decoder(InPlaceDecoder):
            def forward(self, tokens: Any, position: Any) -> Any:
                mask = visible_rows(self.capacity, position)[None, None]
                mask = mask.expand(len(tokens), 1, 1, -1)
                return self.decoder(tokens, position, mask, self.caches)

        empty = [torch.zeros(self.shape.cache) for _ in range(2 * model.LAYERS)]
        decoder = Decoder(self.shape, empty).eval()
        aot.externalize_module_parameters(decoder)
        inputs = torch.zeros(self.shape.batch, 1, dtype=torch.long), torch.tensor([0])
        exported = str(aot.export(decoder, args=inputs).mlir_module)
        flags = [flag for flag in FLAGS if "input-type" not in flag]
        vmfb = bytes(compile_str(exported, input_type="torch", extra_args=flags))
        self._weights = {
            name: tensor.detach().numpy()
            for name, tensor in decoder.state_dict().items()
            if not name.startswith("caches.")
        }
        self._config = runtime.Config("local-task")
        self._module = runtime.VmModule.copy_buffer(self._config.vm_instance, vmfb)

    def start(self) -> None:
        """A context with the caches as its parameters."""
        from iree import runtime

        names = [f"caches.{i // 2}.{('keys', 'values')[i % 2]}" for i in range(2 * model.LAYERS)]
        caches = dict(zip(names, model.caches(self.shape), strict=True))
        index = runtime.ParameterIndex()
        for name, value in (self._weights | caches).items():
            index.add_buffer(name, np.ascontiguousarray(value).reshape(-1).view(np.uint8))
        instance = self._config.vm_instance
        parameters = runtime.create_io_parameters_module(
            instance, index.create_provider(scope="model")
        )
        self._context = runtime.VmContext(
            instance, [parameters, *self._config.default_vm_modules, self._module]
        )
        entry = self._module.lookup_function("main")
        self._call = runtime.FunctionInvoker(self._context, self._config.device, entry)

    def step(self, tokens: Array, position: int) -> Array:
        """One call; the new rows stay in the context."""
        logits: Array = self._call(tokens, np.array([position])).to_host()
        return np.array(logits)

    def stop(self) -> None:
        """Drops the context with its globals."""
        del self._call, self._context
