"""Compiling a lifted module for a target: `compile(lifted, "pjrt:cpu")`."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from kvlift.errors import CompileError, Diagnostic, SessionError
from kvlift.runtime import values
from kvlift.runtime.executable_cache import open_cache
from kvlift.runtime.memory import BYTES_WORTH_TRIMMING, release_unused
from kvlift.runtime.obtaining import Obtained, obtain
from kvlift.runtime.session import Concurrency, Session, SessionOptions
from kvlift.runtime.starting_values import StartingValues, names_kept
from kvlift.slots import Argument, Function, Manifest, Result

if TYPE_CHECKING:
    from kvlift.audit import AuditReport
    from kvlift.pipelines import Require
    from kvlift.runtime.backend import Backend, Executable, LiftedSource, Returns
    from kvlift.runtime.executable_entry import Entry

TARGETS = ("pjrt:cpu", "pjrt:cuda", "iree:cpu")


class Program:
    """A lifted module compiled for one target.

    Attributes:
        target: the target it was compiled for.
        manifest: its functions, arguments, results and slots, with the target's verdicts.
        diagnostics: what was remarked when the module was made to suit the target.
        from_cache: by function, whether its executable was read and not compiled.
    """

    def __init__(self, lifted: LiftedSource, target: str, obtained: dict[str, Obtained]):
        """Made by `compile`."""
        self.target = target
        self.manifest: Manifest = lifted.manifest
        self.diagnostics: tuple[Diagnostic, ...] = lifted.diagnostics
        self.from_cache: Mapping[str, bool] = {n: o.from_cache for n, o in obtained.items()}
        self._obtained = obtained
        self._executables: dict[str, Executable] = {n: o.executable for n, o in obtained.items()}
        kept = names_kept([*self._executables.values()])
        self._values = StartingValues(lifted.values, kept, is_own=True)

    def session(
        self,
        weights: Mapping[str, Any] | None = None,
        state: Mapping[str, Any] | None = None,
        function: str | None = None,
        *,
        returns: Returns = "numpy",
        concurrency: Concurrency = "error",
        checkpoint_every: int | None = None,
        check_finite: bool = False,
    ) -> Session:
        """A session: the buffers of the slots and weights, and calls that update them.

        All sessions share the weights and initial values that came with the module. They are
        used where they lie if their memory is aligned, so they must not be changed. `weights` and
        `state` are this session's; of `state` a copy is kept for `reset`.

        Args:
            weights: values by argument name, instead of those that the lift found.
            state: initial values by slot name, instead of those that the lift found.
            function: the only function of the session; all of them by default.
            returns: whose arrays the results are: `numpy`, `torch` or `jax`.
            concurrency: what happens to a call while another thread uses the session: `error`,
                or `wait` until that is done.
            checkpoint_every: after how many calls to take a restore point (copies of all slots
                in host memory), for `Session.restore_last`.
            check_finite: whether an argument with an infinity or a NaN is refused.

        Raises:
            SessionError: a value is missing, unknown, or of a wrong shape or type.
            KeyError: no such function.
        """
        options = SessionOptions(returns, concurrency, checkpoint_every, check_finite)
        names = [function] if function is not None else list(self._executables)
        executables = [self._executable(name).for_session() for name in names]
        return Session(executables, self._values, weights or {}, state or {}, options)

    def audit(self) -> AuditReport:
        """The slot-sized copies that the compiled program makes in each call."""
        from kvlift.audit import AuditReport

        copies = [c for executable in self._executables.values() for c in executable.find_copies()]
        return AuditReport(self.target, tuple(copies))

    def compiled_text(self, function: str | None = None) -> str:
        """The runtime's own IR after its optimizations: XLA's HLO, or IREE's stream dialect."""
        return self._executable(function).compiled_text

    def entries(self) -> list[Entry]:
        """Its executables as bytes with their keys, for a package.

        Raises:
            CompileError: the runtime cannot serialize them.
        """
        return [obtained.entry() for obtained in self._obtained.values()]

    def _executable(self, function: str | None) -> Executable:
        return self._executables[self.manifest.function(function).name]


def compile(
    lifted: LiftedSource,
    target: str = "pjrt:cpu",
    *,
    require: Require | None = None,
    cache: bool | str | os.PathLike[str] = True,
    trust_compiled: bool = False,
) -> Program:
    """Compiles every function of a lifted module, or reads what an earlier process compiled.

    Args:
        lifted: what `kvlift.lift` or `kvlift.load` returned.
        target: `pjrt:cpu`, `pjrt:cuda` or `iree:cpu`.
        require: `in_place` refuses a slot that the target is known to copy, and a program whose
            audit finds a copy.
        cache: whether to keep executables between processes, or the folder to keep them in
            instead of `$KVLIFT_CACHE_DIR` or the user's cache folder (see docs/cache.md).
        trust_compiled: run the executables that came with a package, if they were made by these
            compilers for this kind of machine. They are native code of whoever wrote the package.

    Raises:
        LiftError: the target would change a result, or copies a slot that must not be copied.
        CompileError: the target is unknown or not installed, or its compiler refuses or copies.
    """
    backend = _backend(target, lifted.partitions)
    lifted = lifted.for_target(target, require=require)
    functions: tuple[Function, ...] = lifted.manifest.functions
    if not functions:
        raise CompileError("the module has no public function to compile")
    for function in functions:
        _refuse_types(function)
    kept = open_cache(cache if backend.is_kept else False)
    packaged = lifted.compiled if trust_compiled else {}
    obtained = {
        f.name: obtain(kept, backend, lifted.isolate(f.name), f, target, packaged)
        for f in functions
    }
    program = Program(lifted, target, _on_one_device(backend, obtained))
    if require == "in_place" and not (report := program.audit()).is_in_place:
        raise CompileError(f"the compiled program does not keep its slots in place\n{report}")
    if _bytes_held(functions) >= BYTES_WORTH_TRIMMING:
        release_unused()
    return program


def _bytes_held(functions: Sequence[Function]) -> int:
    """What a session holds at most, by the types of all arguments."""
    types = {a.name: a.type for function in functions for a in function.arguments}
    return sum(values.byte_size(each) or 0 for each in types.values())


def _on_one_device(backend: Backend, obtained: dict[str, Obtained]) -> dict[str, Obtained]:
    """Compiled one by one, each was loaded as suits it alone."""
    executables = backend.on_one_device([o.executable for o in obtained.values()])
    return {
        name: replace(one, executable=executable)
        for (name, one), executable in zip(obtained.items(), executables, strict=True)
    }


def _refuse_types(function: Function) -> None:
    """What no session could pass is refused before a compiler sees it."""
    items: list[Argument | Result] = [*function.arguments, *function.results]
    for item in items:
        try:
            values.numpy_dtype(item.type.dtype)
        except SessionError as error:
            raise CompileError(f"{item.name!r} of function {function.name!r}: {error}") from error


_lock = threading.Lock()


def _backend(target: str, partitions: int = 1) -> Backend:
    if target not in TARGETS:
        raise CompileError(f"unknown target {target!r}; the targets are {', '.join(TARGETS)}")
    runtime, _, platform = target.partition(":")
    try:
        with _lock:
            if runtime == "pjrt":
                from kvlift.runtime.pjrt import PjrtBackend

                return PjrtBackend(platform, partitions)
            from kvlift.runtime.iree import IreeBackend

            return IreeBackend()
    except ImportError as error:
        raise CompileError(
            f"target {target} is not installed ({error}): pip install 'kvlift[{runtime}]'"
        ) from error
