"""Zip files whose members lie uncompressed and aligned, so that they can be mapped into memory.

Any unzip reads them. Each member's data starts at a multiple of 64 bytes; the padding is an extra
field of the member's header, as Android's packages have it.
"""

from __future__ import annotations

import mmap
import os
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

ALIGNMENT = 64
_PADDING_ID = 0xD935
_PADDING_HEAD = struct.Struct("<HHH")
# A member's own header: signature, ..., length of its name, length of its extra fields.
_LOCAL_HEADER = struct.Struct("<4s22xHH")
_ZIP64_FIELD = 20
# Dates are fixed, so that the same contents give the same bytes.
_DATE = (1980, 1, 1, 0, 0, 0)
# What zipfile raises: edited headers ask for passwords, other versions, or bytes behind the end.
_DAMAGED = (
    *(zipfile.BadZipFile, RuntimeError, EOFError, zlib.error),
    *(ValueError, OverflowError, struct.error),
)


class ArchiveError(Exception):
    """The file is no such archive, or it is damaged; the message says where."""


class ArchiveWriter:
    """Writes members one after the other to an open file."""

    def __init__(self, file: IO[bytes]) -> None:
        """The file is empty and can be read and written."""
        self._zip = zipfile.ZipFile(file, "w")
        self._file = file

    @contextmanager
    def member(self, name: str, size: int) -> Iterator[IO[bytes]]:
        """A file to write that many bytes of the member to."""
        info = zipfile.ZipInfo(name, _DATE)
        info.file_size = size
        is_large = size * 1.05 > zipfile.ZIP64_LIMIT
        start = self._file.tell() + 30 + len(name.encode()) + _PADDING_HEAD.size
        padding = -(start + (_ZIP64_FIELD if is_large else 0)) % ALIGNMENT
        info.extra = _PADDING_HEAD.pack(_PADDING_ID, 2 + padding, ALIGNMENT) + bytes(padding)
        with self._zip.open(info, "w", force_zip64=is_large) as opened:
            yield opened

    def __enter__(self) -> ArchiveWriter:
        """The writer itself; leaving the block writes the list of members."""
        return self

    def __exit__(self, *error: object) -> None:
        """Writes the list of members."""
        self._zip.close()


def read_members(path: Path) -> dict[str, memoryview]:
    """The members' bytes, mapped: nothing is read until it is looked at.

    What is written to them stays in this process. They are as the file is now: replacing the
    file is no harm, writing into it is.

    Raises:
        ArchiveError: it is truncated, damaged, or packed in another way.
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        if os.fstat(file.fileno()).st_size == 0:
            raise ArchiveError("the file is empty")
        # Private, and not to be written: no memory needs to be set aside for it.
        data = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY))
        try:
            with zipfile.ZipFile(file) as archive:
                infos = archive.infolist()
                end = archive.start_dir
        except _DAMAGED as error:
            raise ArchiveError(str(error) or "the list of members cannot be read") from None
    members: dict[str, memoryview] = {}
    for info in infos:
        if info.filename in members:
            raise ArchiveError(f"{info.filename} is there twice")
        members[info.filename] = _member(data[:end], info)
    return members


def _member(data: memoryview, info: zipfile.ZipInfo) -> memoryview:
    name, start = info.filename, info.header_offset
    if info.compress_type != zipfile.ZIP_STORED or info.compress_size != info.file_size:
        raise ArchiveError(f"{name} is compressed, which members are not")
    if not 0 <= start <= len(data) - _LOCAL_HEADER.size:
        raise ArchiveError(f"{name} lies behind the end")
    signature, name_size, extra_size = _LOCAL_HEADER.unpack_from(data, start)
    start += _LOCAL_HEADER.size + name_size + extra_size
    if signature != b"PK\x03\x04" or start + info.file_size > len(data):
        raise ArchiveError(f"{name} lies behind the end")
    return data[start : start + info.file_size]
