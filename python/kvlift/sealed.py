"""Archives whose last member lists the others, each with its size and SHA-256.

Nothing in them is parsed before its checksum was right. One member holds tensors, which are mapped:
checking theirs means reading all of them.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from kvlift import __version__
from kvlift.archive import ArchiveError, ArchiveWriter, read_members
from kvlift.errors import SourceError
from kvlift.tensor_file import Array, TensorFile, TensorFileError, read_tensors
from kvlift.whole_file import whole_file

# Checking more than this would read for over a second before the first token.
VERIFIED_BYTES = 1 << 30


@dataclass(frozen=True)
class Kind:
    """What a file is, for its header and its errors.

    Attributes:
        noun: what people call it.
        version: the format that is written and read.
        header: the member that lists the others.
        tensors: the member that holds tensors.
        others: the other members that there must be.
        again: how to make such a file anew.
    """

    noun: str
    version: int
    header: str
    tensors: str
    others: tuple[str, ...]
    again: str


def write_sealed(
    path: Path, kind: Kind, members: Mapping[str, bytes], tensors: Mapping[str, Array]
) -> None:
    """Writes the file, whole or not at all.

    Args:
        path: where; an existing file is replaced.
        kind: what it is.
        members: all but the header and the tensors.
        tensors: C-contiguous arrays of types in `tensor_file.DTYPES`.

    Raises:
        OSError: the file cannot be written.
    """
    values = TensorFile(tensors)
    with whole_file(path) as file:
        _write(file, kind, members, values)


def read_sealed(path: Path, kind: Kind, verify: bool | None) -> dict[str, memoryview]:
    """The members but the header: sizes checked, and checksums but for large tensors.

    Args:
        path: the file.
        kind: what it should be.
        verify: whether to check the tensors' checksum; None checks up to 1 GiB.

    Raises:
        SourceError: the file is missing, damaged or of another version; it names the part.
    """
    try:
        members = read_members(path)
    except OSError as error:
        raise SourceError(f"cannot read '{path}': {error.strerror or error}") from None
    except ArchiveError as error:
        raise SourceError(f"'{path}' is truncated or no kvlift {kind.noun}: {error}") from None
    if kind.header not in members:
        raise SourceError(f"'{path}' is no kvlift {kind.noun}: it has no {kind.header}")
    listed = _listed_members(members.pop(kind.header), path, kind)
    for name in (*kind.others, kind.tensors):
        if name not in listed:
            raise SourceError(f"'{path}' is damaged: {kind.header} does not list {name}")
    for name in {**listed, **members}:
        if name not in members or name not in listed:
            where = "the file" if name in listed else kind.header
            raise SourceError(f"'{path}' was edited: {where} has no {name}")
        size, checksum = listed[name]
        data = members[name]
        is_small = name != kind.tensors or len(data) <= VERIFIED_BYTES
        is_checked = is_small if verify is None or name != kind.tensors else verify
        if len(data) != size or (is_checked and hashlib.sha256(data).hexdigest() != checksum):
            raise SourceError(
                f"'{path}' is damaged: {name} is not what {kind.header} says; get the file again, "
                f"or {kind.again}"
            )
    return members


def read_tensors_of(members: Mapping[str, memoryview], path: Path, kind: Kind) -> dict[str, Array]:
    """Views of the mapped tensors.

    Raises:
        SourceError: the member is damaged.
    """
    try:
        return read_tensors(members[kind.tensors])
    except TensorFileError as error:
        raise SourceError(f"'{path}' is damaged: {kind.tensors}: {error}") from None


def _write(file: IO[bytes], kind: Kind, members: Mapping[str, bytes], values: TensorFile) -> None:
    listed = {}
    with ArchiveWriter(file) as archive:
        for name, data in members.items():
            with archive.member(name, len(data)) as member:
                member.write(data)
            listed[name] = {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        digest = hashlib.sha256()
        with archive.member(kind.tensors, values.size) as member:
            for part in values.parts():
                member.write(part)
                digest.update(part)
        listed[kind.tensors] = {"size": values.size, "sha256": digest.hexdigest()}
        facts = {"format": kind.version, "kvlift": __version__, "members": listed}
        header = json.dumps(facts, indent=2).encode()
        with archive.member(kind.header, len(header)) as member:
            member.write(header)


def _listed_members(data: memoryview, path: Path, kind: Kind) -> dict[str, tuple[int, str]]:
    """Size and SHA-256 of each member, as the header gives them."""
    try:
        facts = json.loads(bytes(data))
        version, writer = int(facts["format"]), facts.get("kvlift", "?")
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
        raise SourceError(f"'{path}' is damaged: {kind.header} names no format") from None
    if version < kind.version:
        raise SourceError(
            f"'{path}' has {kind.noun} format {version}, this kvlift reads {kind.version}; "
            f"{kind.again}"
        )
    if version > kind.version:
        raise SourceError(
            f"'{path}' has {kind.noun} format {version} of kvlift {writer}, this kvlift reads "
            f"{kind.version}; pip install --upgrade kvlift"
        )
    try:
        return {n: (int(m["size"]), str(m["sha256"])) for n, m in facts["members"].items()}
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError):
        raise SourceError(f"'{path}' is damaged: {kind.header} lists no members") from None
