"""Compiled functions kept between processes: a folder of checked files of a limited size.

A cached executable is native code, so the folder must belong to the user and nobody else may write
it or a folder above it; otherwise the cache is off. Trouble with the cache is never trouble of the
compile: it is reported once by the logger `kvlift.cache` (logging and not `warnings`, as there is
nothing that the calling code could do better) and compilation goes on.

One file per key, `<key>.kvx`, in the form of `executable_entry`. A writer holds the key's lock,
`<key>.lock`, from before it compiles until the file is there; so of many processes that need the
same key one compiles, and a temporary file whose key is not locked was left by a process that died.
"""

from __future__ import annotations

import contextlib
import logging
import os
import re
import stat
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from kvlift.errors import KvliftError
from kvlift.runtime import executable_entry
from kvlift.runtime.executable_entry import Entry, EntryError, Header

if TYPE_CHECKING:
    from filelock import FileLock

FOLDER_VARIABLE = "KVLIFT_CACHE_DIR"
LIMIT_VARIABLE = "KVLIFT_CACHE_LIMIT"
DEFAULT_LIMIT = 2 * 10**9
# A process that hangs while it holds a lock must not hang all others for ever.
_LOCK_SECONDS = 900.0
_SUFFIX, _TEMPORARY, _LOCK = ".kvx", ".tmp", ".lock"
_UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "KI": 1 << 10, "MI": 1 << 20, "GI": 1 << 30}

log = logging.getLogger("kvlift.cache")


class CacheError(KvliftError):
    """The cache that a command is to look at is not safe to use."""


@dataclass(frozen=True)
class Stored:
    """A file of the cache.

    Attributes:
        key: its key.
        size: its bytes.
        used: when it was last read or written, in seconds since 1970.
        header: what it says of itself; None when it is damaged.
    """

    key: str
    size: int
    used: float
    header: Header | None


def open_cache(cache: bool | str | os.PathLike[str] = True) -> ExecutableCache | None:
    """The cache that `kvlift.compile(..., cache=...)` asks for; None when there is none.

    Args:
        cache: True for `$KVLIFT_CACHE_DIR` or the user's cache folder, False for none, or a folder.
    """
    limit = size_limit()
    if cache is False or limit == 0:
        return None
    folder = default_folder() if cache is True else Path(cache)
    try:
        folder = folder.expanduser().resolve()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        refusal = _refusal(folder)
    except (OSError, RuntimeError, ValueError) as error:
        # A user without a home, a name that is no path.
        refusal = str(getattr(error, "strerror", None) or error)
    if refusal is not None:
        log.warning("the executable cache '%s' is off: %s", folder, refusal)
        return None
    return ExecutableCache(folder, limit)


def existing_cache() -> ExecutableCache | None:
    """The cache in the default folder, on or off; None when there is no folder yet.

    Raises:
        CacheError: others can write there, or nobody knows where it is.
    """
    try:
        folder = default_folder().expanduser().resolve()
    except RuntimeError as error:
        raise CacheError(f"the executable cache '{default_folder()}' is off: {error}") from None
    if not folder.is_dir():
        return None
    refusal = _refusal(folder)
    if refusal is not None:
        raise CacheError(f"the executable cache '{folder}' is not used: {refusal}")
    return ExecutableCache(folder, size_limit())


def default_folder() -> Path:
    """`$KVLIFT_CACHE_DIR`, or the platform's folder for caches of the user."""
    import platformdirs

    named = os.environ.get(FOLDER_VARIABLE)
    return Path(named) if named else platformdirs.user_cache_path("kvlift") / "executables"


def size_limit() -> int:
    """`$KVLIFT_CACHE_LIMIT` in bytes, such as `500MB` or `2GiB`; 0 turns the cache off."""
    text = os.environ.get(LIMIT_VARIABLE, "").strip()
    if not text:
        return DEFAULT_LIMIT
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMG]?I?)B?", text.upper())
    if found is None or found[2] not in _UNITS:
        log.warning("%s=%r is no size such as 500MB or 2GiB; 2GB is used", LIMIT_VARIABLE, text)
        return DEFAULT_LIMIT
    return int(float(found[1]) * _UNITS[found[2]])


def _refusal(folder: Path) -> str | None:
    """Why code from the folder cannot be trusted; None when nobody else can put some there."""
    me = os.geteuid()
    for place in (folder, *folder.parents):
        facts = place.stat()
        is_above = place != folder
        if facts.st_uid != me and not (is_above and facts.st_uid == 0):
            return f"'{place}' belongs to another user"
        # In a sticky folder such as /tmp others cannot rename what is ours.
        is_guarded = is_above and facts.st_mode & stat.S_ISVTX
        if facts.st_mode & (stat.S_IWGRP | stat.S_IWOTH) and not is_guarded:
            return f"others can write '{place}', which `chmod go-w '{place}'` ends"
    return None


class ExecutableCache:
    """A folder that `open_cache` found safe."""

    def __init__(self, folder: Path, limit: int) -> None:
        """Made by `open_cache`; the files may hold `limit` bytes together."""
        self.folder = folder
        self.limit = limit

    def read(self, key: str) -> Entry | None:
        """The entry of that key, which counts as a use of it; None when there is none.

        Raises:
            EntryError: there is one, and it is damaged or not ours.
        """
        try:
            # A pipe of that name would be waited for.
            flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
            descriptor = os.open(self._path(key), flags)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise EntryError(f"it cannot be opened ({error.strerror})") from error
        facts = os.fstat(descriptor)
        if not stat.S_ISREG(facts.st_mode):
            os.close(descriptor)
            raise EntryError("it is no file")
        with open(descriptor, "rb") as file:
            if facts.st_uid != os.geteuid() or facts.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
                raise EntryError("it belongs to another user, or others can write it")
            try:
                entry = executable_entry.read(file.read(), key)
            except OSError as error:
                raise EntryError(f"it cannot be read ({error.strerror})") from error
            with contextlib.suppress(OSError):
                os.utime(descriptor)
        return entry

    def write(self, entry: Entry) -> None:
        """Writes the entry, whole or not at all, and makes room; the caller holds its lock.

        Raises:
            OSError: the folder cannot be written, or the disk is full.
        """
        data = entry.to_bytes()
        if len(data) > self.limit:
            log.info("function %r is larger than the cache", entry.header.function)
            return
        key = entry.header.key
        self._remove_leftovers(key)
        temporary = self.folder / f"{key}.{uuid.uuid4().hex}{_TEMPORARY}"
        try:
            _write_durably(temporary, data)
            temporary.replace(self._path(key))
        finally:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)
        _flush_folder(self.folder)
        self._make_room(key)

    def discard(self, key: str) -> None:
        """Removes the entry of that key if there is one."""
        with contextlib.suppress(OSError):
            self._path(key).unlink(missing_ok=True)

    @contextlib.contextmanager
    def lock(self, key: str) -> Iterator[bool]:
        """Holds the key's lock of all processes; whether it could be had.

        Without it (a folder that cannot be written, a file system without locks, an owner that
        hangs) the caller compiles for itself and keeps nothing.
        """
        with self._held(key, _LOCK_SECONDS) as problem:
            if problem:
                log.warning("the executable cache '%s' cannot be written: %s", self.folder, problem)
            yield not problem

    def entries(self) -> list[Stored]:
        """All files, the most recently used first."""
        found = [self._stored(path) for path in self.folder.glob(f"*{_SUFFIX}")]
        return sorted((s for s in found if s is not None), key=lambda s: (-s.used, s.key))

    def clear(self) -> int:
        """Removes every entry and what dead processes left; how many entries there were."""
        entries = self.entries()
        for entry in entries:
            self.discard(entry.key)
        self._remove_leftovers(None)
        for lock in self.folder.glob(f"*{_LOCK}"):
            self._drop_lock(lock.stem)
        return len(entries)

    def _path(self, key: str) -> Path:
        return self.folder / f"{key}{_SUFFIX}"

    def _lock(self, key: str) -> FileLock:
        from filelock import FileLock

        return FileLock(self.folder / f"{key}{_LOCK}", mode=0o600)

    @contextlib.contextmanager
    def _held(self, key: str, seconds: float) -> Iterator[str]:
        """Holds the key's lock if it can be had in time; else what kept it from that."""
        from filelock import Timeout

        try:
            lock = self._lock(key)
            lock.acquire(timeout=seconds)
        except (OSError, NotImplementedError, Timeout) as error:
            yield str(error) or type(error).__name__
            return
        try:
            yield ""
        finally:
            lock.release()

    def _remove_leftovers(self, own: str | None) -> None:
        """Removes temporary files whose writer is dead; of key `own` the caller has the lock."""
        for path in self.folder.glob(f"*{_TEMPORARY}"):
            key = path.name.partition(".")[0]
            held = contextlib.nullcontext("") if key == own else self._held(key, 0)
            with held as problem, contextlib.suppress(OSError):
                if not problem:
                    path.unlink(missing_ok=True)

    def _make_room(self, newest: str) -> None:
        """Removes the least recently used entries until the others keep to the limit."""
        entries = self.entries()
        total = sum(entry.size for entry in entries)
        for entry in reversed(entries):
            if total <= self.limit:
                return
            if entry.key != newest:
                self.discard(entry.key)
                self._drop_lock(entry.key)
                total -= entry.size

    def _drop_lock(self, key: str) -> None:
        """Removes the key's lock file, unless a process holds it."""
        with self._held(key, 0) as problem, contextlib.suppress(OSError):
            if not problem:
                (self.folder / f"{key}{_LOCK}").unlink(missing_ok=True)

    def _stored(self, path: Path) -> Stored | None:
        try:
            with path.open("rb") as file:
                facts = os.fstat(file.fileno())
                start = file.read(executable_entry.HEADER_BYTES)
        except OSError:  # Another process has just removed it.
            return None
        try:
            header: Header | None = executable_entry.read_header(start)[0]
        except EntryError:
            header = None
        return Stored(path.stem, facts.st_size, facts.st_mtime, header)


def _write_durably(path: Path, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with open(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(descriptor)


def _flush_folder(folder: Path) -> None:
    """Makes the rename last when the machine stops."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
