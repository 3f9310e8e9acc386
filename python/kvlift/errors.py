"""Errors and diagnostics: what a user sees when kvlift refuses or fails."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class SourceLocation:
    """Where in the user's source a diagnostic points.

    Attributes:
        file: the file as the IR names it; empty when the IR has no location.
        line: 1-based line, 0 when unknown.
        column: 1-based column, 0 when unknown.
        name: the name that the IR gives the place (an op's or a value's), or empty.
    """

    file: str = ""
    line: int = 0
    column: int = 0
    name: str = ""

    def __str__(self) -> str:
        """`file:line:column`, `file`, the name, or `<unknown>`: what is known."""
        if self.file and not self.line:
            return self.file
        if self.file:
            return f"{self.file}:{self.line}:{self.column}"
        return self.name or "<unknown>"


@dataclass(frozen=True)
class Diagnostic:
    """One finding of kvlift or of the MLIR host, with the notes that explain it.

    Attributes:
        severity: `error`, `warning`, `remark` or `note`.
        message: lower case, no final period.
        location: the op that it is about.
        notes: one per further place, and how to go on.
    """

    severity: str
    message: str
    location: SourceLocation = SourceLocation()
    notes: tuple[Diagnostic, ...] = ()

    def __str__(self) -> str:
        """The compiler's form: `file:line:col: error: message`, a line per note.

        Where nothing is known of the place, the line begins with the severity.
        """
        where = f"{self.location}: " if self.location != SourceLocation() else ""
        head = f"{where}{self.severity}: {self.message}"
        return "\n".join([head, *(str(note) for note in self.notes)])


class KvliftError(Exception):
    """Base of every error that kvlift raises on purpose."""


class HostError(KvliftError):
    """The MLIR library of the torch-mlir wheel is missing, damaged or too different."""


class ExportError(KvliftError):
    """A model cannot be exported without losing state; the message names it."""


class SourceError(KvliftError):
    """A source (ExportedProgram, text, bytecode, artifact) cannot become StableHLO."""


class LiftError(KvliftError):
    """A lift was refused; the module is as it was.

    Attributes:
        diagnostics: everything that was reported, errors first cause first.
    """

    def __init__(self, message: str, diagnostics: tuple[Diagnostic, ...] = ()) -> None:
        """Keeps the diagnostics and shows them after the message."""
        self.diagnostics = diagnostics
        super().__init__("\n".join([message, *(str(d) for d in diagnostics)]))


class CompileError(KvliftError):
    """A target's compiler refused the lifted module, or the target is not installed."""


class SessionError(KvliftError):
    """A session was called with wrong arguments or after it was closed or poisoned."""
