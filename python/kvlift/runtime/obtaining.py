"""From a lifted function to its executable: a trusted package's, the cache's, or the compiler's."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from kvlift.errors import CompileError
from kvlift.runtime import executable_entry
from kvlift.runtime.executable_cache import ExecutableCache, log
from kvlift.runtime.executable_entry import Entry, EntryError

if TYPE_CHECKING:
    from kvlift.runtime.backend import Backend, Executable, LiftedSource
    from kvlift.slots import Function


@dataclass(frozen=True)
class Obtained:
    """An executable and how it came.

    Attributes:
        executable: ready to run.
        key: what it was made from.
        target: the target that it was compiled for.
        compiler: the compiler and its version.
        seconds: how long it took to compile, now or once.
        from_cache: whether it was read and not compiled.
    """

    executable: Executable
    key: str
    target: str
    compiler: str
    seconds: float
    from_cache: bool

    def entry(self) -> Entry:
        """It as bytes.

        Raises:
            CompileError: the runtime cannot serialize it.
        """
        name, blob = self.executable.function.name, self.executable.serialize()
        return executable_entry.make(self.key, self.target, name, self.compiler, self.seconds, blob)


def obtain(
    cache: ExecutableCache | None,
    backend: Backend,
    lifted: LiftedSource,
    function: Function,
    target: str,
    packaged: Mapping[str, bytes] = MappingProxyType({}),
) -> Obtained:
    """The function's executable: from trusted ones, from the cache, else compiled and kept.

    Args:
        cache: where to look and keep; None compiles.
        backend: compiles and loads.
        lifted: the module in its target's form.
        function: one of its functions.
        target: the target's name.
        packaged: serialized executables by key, from a package that the user trusts.

    Raises:
        CompileError: the compiler refuses.
    """
    key = executable_entry.key_of(backend, lifted, function, target)
    if (unpacked := _unpack(packaged, key, backend, function)) is not None:
        return unpacked
    if cache is None:
        return _compile(key, backend, lifted, function, target)
    # Most starts find it and need no lock; what is wrong with it is seen to under the lock.
    with contextlib.suppress(EntryError, CompileError):
        if (entry := cache.read(key)) is not None:
            return _load(entry, backend, function)
    with cache.lock(key) as is_locked:
        if (kept := _take(cache, key, backend, function)) is not None:
            return kept
        compiled = _compile(key, backend, lifted, function, target)
        if is_locked:
            _keep(cache, compiled)
    return compiled


def _compile(
    key: str, backend: Backend, lifted: LiftedSource, function: Function, target: str
) -> Obtained:
    begin = time.perf_counter()
    executable = backend.compile(lifted, function)
    seconds = time.perf_counter() - begin
    compiler = backend.compiler_facts()["version"]
    return Obtained(executable, key, target, compiler, seconds, from_cache=False)


def _load(entry: Entry, backend: Backend, function: Function) -> Obtained:
    """The entry's executable.

    Raises:
        CompileError: the runtime does not take it.
    """
    executable, header = backend.deserialize(entry.blob, function), entry.header
    return Obtained(executable, header.key, header.target, header.compiler, header.seconds, True)


def _unpack(
    packaged: Mapping[str, bytes], key: str, backend: Backend, function: Function
) -> Obtained | None:
    """The package's executable; None when it has none for this machine and these compilers."""
    if key not in packaged:
        if packaged:
            log.warning(
                "the package has no executable of function %r for this target, machine and "
                "compiler: compiling it",
                function.name,
            )
        return None
    try:
        return _load(executable_entry.read(packaged[key], key), backend, function)
    except (EntryError, CompileError) as error:
        log.warning(
            "the package's executable of function %r is of no use, compiling it: %s",
            function.name,
            error,
        )
        return None


def _take(
    cache: ExecutableCache, key: str, backend: Backend, function: Function
) -> Obtained | None:
    """The kept executable; one that cannot be used is removed."""
    try:
        entry = cache.read(key)
        return None if entry is None else _load(entry, backend, function)
    except (EntryError, CompileError) as error:
        log.warning(
            "discarded the cached executable of function %r, compiling it again: %s",
            function.name,
            error,
        )
        cache.discard(key)
        return None


def _keep(cache: ExecutableCache, compiled: Obtained) -> None:
    name = compiled.executable.function.name
    try:
        entry = compiled.entry()
    except CompileError as error:
        log.warning("cannot cache function %r: %s", name, error)
        return
    try:
        cache.write(entry)
    except OSError as error:
        log.warning(
            "cannot keep function %r in the cache '%s': %s",
            name,
            cache.folder,
            error.strerror or error,
        )
