"""The plain torch decoder, exported and run by kvlift; and the same program unlifted."""

from __future__ import annotations

import multiprocessing
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from decoders import model
from decoders.model import Array, Shape
from decoders.peer import Peer

if TYPE_CHECKING:
    import kvlift
    from kvlift.runtime.session import Session


def export_decoder(shape: Shape) -> Any:
    """The in-place decoder as an ExportedProgram.

    `kvlift.export` would watch the model in a copy: three times the caches for a moment.
    """
    import torch

    from decoders.torch_model import InPlaceDecoder

    empty = [torch.zeros(shape.cache) for _ in range(2 * model.LAYERS)]
    inputs = torch.zeros(shape.batch, 1, dtype=torch.long), torch.tensor([0])
    return torch.export.export(InPlaceDecoder(shape, empty).eval(), inputs)


def lift_decoder(shape: Shape) -> kvlift.LiftedModule:
    """The lifted decoder; its caches have no initial values yet."""
    import kvlift

    return without_caches(kvlift.lift(export_decoder(shape)))


def import_decoder(shape: Shape) -> kvlift.LiftedModule:
    """The program as torch-mlir leaves it: its state is marked, but nothing is tied."""
    import kvlift
    from kvlift.frontends.torch_export import import_exported_program
    from kvlift.host import host
    from kvlift.pipelines import read_manifest

    imported = import_exported_program(export_decoder(shape))
    host().run_pipeline(imported.module._CAPIPtr, "builtin.module(kvlift-legalize-constants)")
    manifest = read_manifest(imported.module)
    return without_caches(kvlift.LiftedModule(imported.module, manifest, (), imported.values))


def without_caches(lifted: kvlift.LiftedModule) -> kvlift.LiftedModule:
    """The same module with the values of its weights only."""
    slots = {slot.name for slot in lifted.slots}
    return replace(lifted, values={k: v for k, v in lifted.values.items() if k not in slots})


class KvliftPeer(Peer):
    """A session of the compiled program."""

    target: str
    _program: kvlift.Program
    _session: Session

    def prepare(self) -> None:
        """Exports, lifts and compiles."""
        import kvlift

        self._program = kvlift.compile(self._source(), self.target, cache=False)

    def _source(self) -> kvlift.LiftedModule:
        return lift_decoder(self.shape)

    def start(self) -> None:
        """A session whose slots are the caches, in order.

        They start as zeros, which a session keeps for `reset` without memory, and are then set.
        """
        names = [slot.name for slot in self._program.manifest.functions[0].slots]
        empty = np.broadcast_to(np.float32(0), self.shape.cache)
        state = dict.fromkeys(names, empty)
        self._session = self._program.session(state=state)
        ordered = sorted(names, key=_layer_and_part)
        for index, name in enumerate(ordered):
            self._session.state[name] = model.cache(index, self.shape)

    def step(self, tokens: Array, position: int) -> Array:
        """One call of the session."""
        logits: Array = self._session(tokens, np.array([position]))
        return logits

    @property
    def executable(self) -> Any:
        """What was compiled, with all that its runtime needs."""
        return self._program._executable(None)

    @property
    def compiled_text(self) -> str:
        """The runtime's own IR."""
        return self._program.compiled_text()

    def stop(self) -> None:
        """Closes the session."""
        self._session.close()


def _layer_and_part(name: str) -> tuple[int, str]:
    """`caches.3.keys` -> (3, "keys")."""
    _, layer, part = name.split(".")
    return int(layer), part


class KvliftPjrt(KvliftPeer):
    """Through XLA."""

    name = "kvlift, pjrt:cpu"
    packages = ("torch", "jax")
    target = "pjrt:cpu"
    cache_copies = 1.2


class KvliftIree(KvliftPeer):
    """Through IREE."""

    name = "kvlift, iree:cpu"
    packages = ("torch", "iree.compiler", "iree.runtime")
    target = "iree:cpu"
    cache_copies = 1.2


class FromPackage(KvliftPeer):
    """A process that only serves: it loads what another one has exported and compiled."""

    def prepare(self) -> None:
        """Loads the package of a process of its own."""
        import kvlift

        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "decoder.kvl")
            arguments = (self.shape, self.target, path)
            child = multiprocessing.get_context("spawn").Process(
                target=save_decoder, args=arguments
            )
            child.start()
            child.join()
            loaded = kvlift.load(path)
        self._program = kvlift.compile(loaded, self.target, cache=False, trust_compiled=True)
        if not all(self._program.from_cache.values()) or "torch" in sys.modules:
            raise RuntimeError("the package does not serve without a compiler and torch")


class PackagedPjrt(FromPackage, KvliftPjrt):
    """Through XLA."""

    name = "kvlift, pjrt:cpu, from a package"


class PackagedIree(FromPackage, KvliftIree):
    """Through IREE."""

    name = "kvlift, iree:cpu, from a package"


def save_decoder(shape: Shape, target: str, path: Path) -> None:
    """Writes the lifted decoder with its executables."""
    import kvlift

    lifted = lift_decoder(shape)
    lifted.save(path, compiled=[kvlift.compile(lifted, target, cache=False)])


class UnliftedPjrt(KvliftPjrt):
    """The program as torch-mlir leaves it, its new caches fed back by the session."""

    name = "the same program unlifted, PJRT"
    cache_copies = 4

    def _source(self) -> kvlift.LiftedModule:
        return import_decoder(self.shape)
