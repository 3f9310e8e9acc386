"""A backend that compiles nothing but counts, for tests that race, kill and fill disks."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from kvlift.errors import CompileError
from kvlift.runtime.executable_cache import open_cache
from kvlift.runtime.obtaining import Obtained, obtain
from kvlift.slots import Function

BLOB = bytes(range(256)) * 40
MAIN = Function("main", (), (), ())


class StubLifted:
    """A module that is only its artifact."""

    manifest = values = diagnostics = None

    def __init__(self, text: str = "module") -> None:
        self._text = text

    def artifact(self, version: str | None = None) -> bytes:
        return self._text.encode()

    def for_target(self, target: str, *, require: Any = None) -> StubLifted:
        return self


class StubExecutable:
    """An executable that is only its blob."""

    overwritten: frozenset[int] = frozenset()

    def __init__(self, function: Function, blob: bytes) -> None:
        self.function = function
        self.blob = blob

    def serialize(self) -> bytes:
        return self.blob


class StubBackend:
    """Appends a line to `counter` for each compilation, which takes `seconds`."""

    def __init__(self, counter: Path, seconds: float = 0.0, blob: bytes = BLOB) -> None:
        self.counter, self.seconds, self.blob = counter, seconds, blob
        self.before_return: Callable[[], None] = lambda: None

    def compile(self, lifted: StubLifted, function: Function) -> StubExecutable:
        with self.counter.open("a") as file:
            file.write(f"{os.getpid()}\n")
        time.sleep(self.seconds)
        self.before_return()
        return StubExecutable(function, self.blob)

    def deserialize(self, blob: bytes, function: Function) -> StubExecutable:
        if blob.startswith(b"bad"):
            raise CompileError("the runtime does not take it")
        return StubExecutable(function, blob)

    def compiler_facts(self) -> dict[str, str]:
        return {"version": "stub 1"}

    @property
    def count(self) -> int:
        return len(self.counter.read_text().splitlines()) if self.counter.exists() else 0


def stub_obtain(folder: Path | bool, backend: StubBackend, text: str = "module") -> Obtained:
    """The stub's function of that module, through the cache in the folder."""
    return obtain(open_cache(folder), backend, StubLifted(text), MAIN, "stub:cpu")
