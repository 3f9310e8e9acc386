"""A function that runs in a process of its own, which is started again when it dies.

Compilers and interpreters can abort or hang on a program; the corpus goes on with the next one.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable
from typing import Any


class DiedError(Exception):
    """The process aborted or gave no answer in time."""


class Service:
    """One process that answers one call at a time."""

    def __init__(self, function: Callable[..., Any], timeout: float) -> None:
        """Starts nothing yet.

        Args:
            function: of a module that the child can import.
            timeout: seconds for one call, the child's start included.
        """
        self._function = function
        self._timeout = timeout
        self._process: Any = None
        self._pipe: Any = None

    def __call__(self, *arguments: Any) -> Any:
        """The function's result.

        Raises:
            DiedError: the process aborted or took too long.
            RuntimeError: the function raised; the message has the error.
        """
        if self._process is None:
            self._start()
        self._pipe.send(arguments)
        if not self._pipe.poll(self._timeout):
            self.close()
            raise DiedError(f"no answer in {self._timeout:.0f} s")
        try:
            succeeded, value = self._pipe.recv()
        except EOFError:
            self._process.join()
            code = self._process.exitcode
            self.close()
            raise DiedError(f"the process died with exit code {code}") from None
        if not succeeded:
            raise RuntimeError(value)
        return value

    def close(self) -> None:
        """Ends the process."""
        if self._process is not None:
            self._process.kill()
            self._process.join()
            self._pipe.close()
            self._process = None

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(self._function, theirs), daemon=True)
        self._process.start()
        theirs.close()


def _serve(function: Callable[..., Any], pipe: Any) -> None:
    while True:
        try:
            arguments = pipe.recv()
        except EOFError:
            return
        try:
            answer = (True, function(*arguments))
        except Exception as error:
            answer = (False, f"{type(error).__name__}: {error}")
        pipe.send(answer)
