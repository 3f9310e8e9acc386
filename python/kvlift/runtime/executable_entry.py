"""A compiled function as bytes that can be checked, and the key that says what it was made from.

Files of the cache and compiled members of packages have this form:

    magic, format, size of the header, SHA-256 of the header    (fixed size)
    header as JSON: key, target, function, ..., size and SHA-256 of the blob
    blob: what `Executable.serialize` gave

The key is the SHA-256 of everything that decides what the compiler makes: the module's portable
artifact, the target, the compilers' versions, options and environment variables, the CPU, and
kvlift's own code. `kvlift.compile` passes each function alone, so the others may change. Locations
stay in the artifact: an audit shows the ones that the compiler kept, and those of an older source
would be wrong. So a module that moved in its file is compiled again.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import os
import platform
import struct
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kvlift import __version__
from kvlift.errors import KvliftError

if TYPE_CHECKING:
    from kvlift.runtime.backend import Backend, LiftedSource
    from kvlift.slots import Function

FORMAT = 1
_MAGIC = b"\x93kvlift\n"
_PREFIX = struct.Struct("<8sII32s")
# A header is some hundred bytes; a damaged size must not make us read gigabytes.
_LARGEST_HEADER = 1 << 16
# `read_header` needs no more of a file.
HEADER_BYTES = _PREFIX.size + _LARGEST_HEADER

# Environment variables that a compiler reads, by their first letters.
_READ_BY_COMPILERS = ("XLA_", "TF_XLA_", "IREE_", "LLVM_", "NPROC", "CUDA_", "NVIDIA_")
# What /proc/cpuinfo says of a core that decides which code runs on it, on x86-64 and on aarch64.
_CPU_FACTS = (
    *("vendor_id", "cpu family", "model", "model name", "flags"),
    *("CPU implementer", "CPU architecture", "CPU variant", "CPU part", "Features"),
)


class EntryError(KvliftError):
    """Bytes that are no entry, or not the one that was asked for; the message says why."""


@dataclass(frozen=True)
class Header:
    """What an entry says of itself.

    Attributes:
        key: what it was made from.
        target: the target that it was compiled for.
        function: the function's name.
        kvlift: the version that compiled it.
        compiler: the compiler and its version.
        seconds: how long that took.
        size: bytes of the blob.
        sha256: the blob's checksum.
    """

    key: str
    target: str
    function: str
    kvlift: str
    compiler: str
    seconds: float
    size: int
    sha256: str


@dataclass(frozen=True)
class Entry:
    """A serialized executable and what it was made from."""

    header: Header
    blob: bytes

    def to_bytes(self) -> bytes:
        """The form that `read` reads; the same entry gives the same bytes."""
        header = json.dumps(asdict(self.header), sort_keys=True).encode()
        prefix = _PREFIX.pack(_MAGIC, FORMAT, len(header), hashlib.sha256(header).digest())
        return prefix + header + self.blob


def make(key: str, target: str, function: str, compiler: str, seconds: float, blob: bytes) -> Entry:
    """An entry for a blob that was just compiled."""
    checksum = hashlib.sha256(blob).hexdigest()
    header = Header(
        key, target, function, __version__, compiler, round(seconds, 3), len(blob), checksum
    )
    return Entry(header, blob)


def read(data: bytes, key: str) -> Entry:
    """The inverse of `Entry.to_bytes`, every checksum verified.

    Raises:
        EntryError: truncated, damaged, of another format, or made for another key.
    """
    header, start = read_header(data)
    blob = bytes(data[start:])
    if header.key != key:
        raise EntryError("it was made from something else than its name says")
    if len(blob) != header.size:
        raise EntryError(f"it holds {len(blob)} bytes of {header.size}")
    if hashlib.sha256(blob).hexdigest() != header.sha256:
        raise EntryError("its checksum is wrong")
    return Entry(header, blob)


def read_header(data: bytes) -> tuple[Header, int]:
    """The header, and where the blob starts; `data` may end before the blob.

    Raises:
        EntryError: as for `read`.
    """
    if len(data) < _PREFIX.size:
        raise EntryError("it is truncated")
    magic, version, size, checksum = _PREFIX.unpack_from(data)
    if magic != _MAGIC:
        raise EntryError("it is no executable of kvlift")
    if version != FORMAT:
        raise EntryError(f"it has format {version}, this kvlift reads {FORMAT}")
    end = _PREFIX.size + min(size, _LARGEST_HEADER)
    text = bytes(data[_PREFIX.size : end])
    if hashlib.sha256(text).digest() != checksum:
        raise EntryError("its header is damaged")
    try:
        return Header(**json.loads(text)), end
    except (ValueError, TypeError) as error:
        raise EntryError("its header is of another kvlift") from error


def key_of(backend: Backend, lifted: LiftedSource, function: Function, target: str) -> str:
    """The key of a function of a module that is in its target's form, as hexadecimal digits."""
    facts = {
        "format": FORMAT,
        "kvlift": [__version__, _own_code()],
        "module": hashlib.sha256(lifted.artifact()).hexdigest(),
        "function": function.name,
        "target": target,
        "compiler": dict(backend.compiler_facts()),
        "environment": _environment(),
        "cpu": _cpu(),
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


@functools.cache
def _own_code() -> str:
    """A checksum of the code between the portable artifact and the executable.

    What comes before it shows in the artifact. A release changes the version; a developer's edit
    changes only this.
    """
    package = Path(__file__).parents[1]
    digest = hashlib.sha256()
    for folder in ("runtime", "audit"):
        for path in sorted((package / folder).glob("*.py")):
            digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _environment() -> dict[str, str]:
    found = {k: v for k, v in os.environ.items() if k.startswith(_READ_BY_COMPILERS)}
    flags = found.get("XLA_FLAGS", "")
    # XLA reads a file of flags when the value names one.
    if flags and not flags.lstrip().startswith("-"):
        with contextlib.suppress(OSError):
            found["XLA_FLAGS"] += "\n" + Path(flags).read_text(errors="replace")
    return found


@functools.cache
def _cpu() -> dict[str, Any]:
    """What this machine's first core is and can do."""
    facts = {"machine": platform.machine()}
    try:
        text = Path("/proc/cpuinfo").read_text(errors="replace")
    except OSError:
        return {**facts, "processor": platform.processor()}
    for line in text.partition("\n\n")[0].splitlines():
        name, _, value = line.partition(":")
        if name.strip() in _CPU_FACTS:
            facts[name.strip()] = value.strip()
    return facts
