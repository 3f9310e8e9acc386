"""The decoder in torch itself: caches in place, compiled, passed through, and growing."""

from __future__ import annotations

from typing import Any

from decoders import model
from decoders.model import Array
from decoders.peer import Peer


class TorchInPlace(Peer):
    """Eager mode, caches in buffers."""

    name = "torch, eager in place"
    packages = ("torch",)
    _call: Any

    def prepare(self) -> None:
        """Makes the module; its caches come later."""
        import torch

        from decoders.torch_model import InPlaceDecoder

        self._module = InPlaceDecoder(self.shape, [torch.empty(0)] * (2 * model.LAYERS)).eval()
        self._call = self._module

    def start(self) -> None:
        """Fills the buffers."""
        caches = self._fresh()
        for layer in self._module.caches:
            layer.keys, layer.values = next(caches), next(caches)

    def _fresh(self) -> Any:
        import torch

        return (torch.from_numpy(c) for c in model.caches(self.shape))

    def step(self, tokens: Array, position: int) -> Array:
        """One forward call."""
        import torch

        with torch.inference_mode():
            logits: Array = self._call(torch.from_numpy(tokens), torch.tensor([position])).numpy()
            return logits

    def stop(self) -> None:
        """Empties the buffers."""
        import torch

        for layer in self._module.caches:
            layer.keys = layer.values = torch.empty(0)


class TorchCompiled(TorchInPlace):
    """The same under torch.compile."""

    name = "torch, compiled in place"

    def prepare(self) -> None:
        """Wraps the module, and compiles it in a first step.

        Its caches were never written, so that they are pages of zeros, which take no memory.
        """
        import torch

        super().prepare()
        torch._dynamo.reset()
        self._call = torch.compile(self._module, fullgraph=True)
        for layer in self._module.caches:
            layer.keys, layer.values = torch.empty(self.shape.cache), torch.empty(self.shape.cache)
        self.step(model.first_tokens(self.shape.batch), 0)
        self.stop()


class TorchFunctional(Peer):
    """Eager mode, caches in and out as tensors."""

    name = "torch, functional"
    packages = ("torch",)
    cache_copies = 2
    _caches: list[Any]

    def prepare(self) -> None:
        """Makes the module."""
        from decoders.torch_model import FunctionalDecoder

        self._module = FunctionalDecoder(self.shape).eval()

    def start(self) -> None:
        """The caches as tensors."""
        import torch

        self._caches = [torch.from_numpy(c) for c in model.caches(self.shape)]

    def step(self, tokens: Array, position: int) -> Array:
        """One forward call; the new caches replace the old ones."""
        import torch

        with torch.inference_mode():
            logits, self._caches = self._module(
                torch.from_numpy(tokens), torch.tensor([position]), self._caches
            )
            result: Array = logits.numpy()
            return result

    def stop(self) -> None:
        """Drops the tensors."""
        self._caches = []


class TorchGrowing(TorchFunctional):
    """The cache that `torch.cat` makes longer in each step."""

    name = "torch, torch.cat"

    def prepare(self) -> None:
        """Makes the module."""
        from decoders.torch_model import GrowingDecoder

        self._module = GrowingDecoder().eval()

    def rewind(self, rows: int) -> None:
        """Views of the first rows; the next step copies them."""
        self._caches = [c[:, :, :rows] for c in self._caches]
