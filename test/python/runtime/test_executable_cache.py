"""Executables are compiled once, whatever processes race, die or write over the folder."""

from __future__ import annotations

import errno
import logging
import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import small_programs as programs
from stub_backend import BLOB, StubBackend, stub_obtain

from kvlift.runtime import executable_cache, executable_entry
from kvlift.runtime.executable_cache import (
    CacheError,
    ExecutableCache,
    existing_cache,
    open_cache,
)
from kvlift.runtime.executable_entry import EntryError
from kvlift.runtime.program import compile

HERE = Path(__file__).parent
TARGETS = ("pjrt:cpu", "iree:cpu")


@pytest.fixture(autouse=True)
def _cache_is_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KVLIFT_CACHE_LIMIT")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def backend(tmp_path: Path) -> StubBackend:
    return StubBackend(tmp_path / "count")


def child(script: str, *arguments: object) -> subprocess.Popen[str]:
    """A process that runs the script, with the tests' modules on its path."""
    return subprocess.Popen(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(HERE)!r})\n{script}"]
        + [str(a) for a in arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def files(folder: Path, suffix: str) -> list[Path]:
    return sorted(folder.glob(f"*{suffix}"))


OBTAIN = """
from pathlib import Path
from stub_backend import BLOB, StubBackend, stub_obtain
folder, counter = map(Path, sys.argv[1:3])
obtained = stub_obtain(folder, StubBackend(counter, 0.5))
assert obtained.executable.blob == BLOB
print(obtained.from_cache)
"""


def test_twenty_processes_compile_once(folder: Path, backend: StubBackend) -> None:
    children = [child(OBTAIN, folder, backend.counter) for _ in range(20)]
    outputs = [each.communicate(timeout=120) for each in children]
    assert sorted(out for out, _ in outputs) == ["False\n"] + ["True\n"] * 19
    assert {error for _, error in outputs} == {""}
    assert backend.count == 1


def test_threads_compile_once(folder: Path, tmp_path: Path) -> None:
    backend = StubBackend(tmp_path / "count", 0.1)
    found: list[bool] = []
    threads = [
        threading.Thread(target=lambda: found.append(stub_obtain(folder, backend).from_cache))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == [False] + [True] * 7
    assert backend.count == 1


def test_other_keys_do_not_wait(folder: Path, backend: StubBackend) -> None:
    """A compilation may itself need another executable, and long ones run side by side."""
    backend.before_return = lambda: (
        None if backend.count > 1 else stub_obtain(folder, backend, "other") and None
    )
    stub_obtain(folder, backend)
    assert backend.count == 2
    assert len(files(folder, ".kvx")) == 2


HANG = """
import os, time
from pathlib import Path
from stub_backend import StubBackend, stub_obtain
folder, counter, where = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
def hang(*_):
    print("here", flush=True)
    time.sleep(600)
backend = StubBackend(counter)
if where == "compile":
    backend.before_return = hang
else:
    os.fsync = hang
stub_obtain(folder, backend)
"""


@pytest.mark.parametrize("where", ["compile", "write"])
def test_a_killed_process_leaves_nothing_in_the_way(
    folder: Path, backend: StubBackend, where: str
) -> None:
    victim = child(HANG, folder, backend.counter, where)
    assert victim.stdout.readline() == "here\n"
    victim.send_signal(signal.SIGKILL)
    victim.communicate()
    assert files(folder, ".kvx") == []
    assert len(files(folder, ".tmp")) == (where == "write")
    begin = time.monotonic()
    assert not stub_obtain(folder, backend).from_cache
    assert time.monotonic() - begin < executable_cache._LOCK_SECONDS / 10
    assert stub_obtain(folder, backend).from_cache
    assert files(folder, ".tmp") == []


def test_what_a_killed_process_left_goes_with_any_other_key(
    folder: Path, backend: StubBackend
) -> None:
    victim = child(HANG, folder, backend.counter, "write")
    assert victim.stdout.readline() == "here\n"
    stub_obtain(folder, backend, "other")
    assert len(files(folder, ".tmp")) == 1  # its writer may still go on
    victim.send_signal(signal.SIGKILL)
    victim.communicate()
    stub_obtain(folder, backend, "third")
    assert files(folder, ".tmp") == []


SMALL_FILES = """
import resource
from pathlib import Path
from stub_backend import StubBackend, stub_obtain
resource.setrlimit(resource.RLIMIT_FSIZE, (4000, 4000))
folder, counter = map(Path, sys.argv[1:3])
for _ in range(2):
    print(stub_obtain(folder, StubBackend(counter)).from_cache)
"""


def test_a_file_that_cannot_be_written_to_its_end(folder: Path, backend: StubBackend) -> None:
    out, error = child(SMALL_FILES, folder, backend.counter).communicate()
    assert out == "False\nFalse\n"
    expected = f"cannot keep function 'main' in the cache '{folder}': File too large"
    assert error.splitlines() == [expected] * 2
    assert files(folder, ".kvx") + files(folder, ".tmp") == []


def test_a_full_disk(
    folder: Path, backend: StubBackend, monkeypatch: pytest.MonkeyPatch, caplog
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        assert stub_obtain(folder, backend).executable.blob == BLOB
    assert "No space left on device" in caplog.text
    assert files(folder, ".kvx") + files(folder, ".tmp") == []
    assert not stub_obtain(folder, backend).from_cache
    assert stub_obtain(folder, backend).from_cache


def test_a_folder_that_can_only_be_read(
    folder: Path, backend: StubBackend, monkeypatch: pytest.MonkeyPatch, caplog
) -> None:
    """What is there serves; what is not is compiled and not kept."""
    stub_obtain(folder, backend)

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(ExecutableCache, "_lock", refuse)
    monkeypatch.setattr(os, "utime", refuse)
    assert stub_obtain(folder, backend).from_cache
    assert not caplog.records
    assert stub_obtain(folder, backend, "other").executable.blob == BLOB
    assert "cannot be written: [Errno 30] Read-only file system" in caplog.text
    assert len(files(folder, ".kvx")) == 1


def test_a_folder_that_cannot_be_made(backend: StubBackend, caplog) -> None:
    for path in ("/proc/kvlift/cache", "/dev/null/cache"):
        caplog.clear()
        assert stub_obtain(Path(path), backend).executable.blob == BLOB
        assert f"the executable cache '{path}' is off: " in caplog.text


def test_a_user_without_a_home_and_names_that_are_no_paths(
    backend: StubBackend, monkeypatch: pytest.MonkeyPatch, caplog
) -> None:
    for path in ("~nobody-has-this-name/cache", "a\0b"):
        caplog.clear()
        assert stub_obtain(Path(path), backend).executable.blob == BLOB
        assert "the executable cache" in caplog.text
        assert "is off: " in caplog.text
    monkeypatch.setenv("KVLIFT_CACHE_DIR", "~nobody-has-this-name/cache")
    with pytest.raises(CacheError, match="'~nobody-has-this-name/cache' is off: Could not determ"):
        existing_cache()


def test_every_damaged_byte_is_noticed() -> None:
    entry = executable_entry.make("k" * 64, "stub:cpu", "main", "stub 1", 0.1, b"native code")
    data = entry.to_bytes()
    assert executable_entry.read(data, "k" * 64) == entry
    for position in range(len(data)):
        for bit in (0, 7):
            damaged = bytearray(data)
            damaged[position] ^= 1 << bit
            with pytest.raises(EntryError):
                executable_entry.read(bytes(damaged), "k" * 64)
        with pytest.raises(EntryError):
            executable_entry.read(data[:position], "k" * 64)
    with pytest.raises(EntryError, match="holds 12 bytes of 11"):
        executable_entry.read(data + b"\0", "k" * 64)


def damaged_files(data: bytes) -> list[bytes]:
    rng = random.Random(0)
    flips = []
    for _ in range(8):
        position = rng.randrange(len(data))
        flips.append(data[:position] + bytes([data[position] ^ 0xFF]) + data[position + 1 :])
    return [*flips, data[:-1], data[:40], b"", b"\x7fELF" + data, data + data]


def test_damaged_files_are_replaced(folder: Path, backend: StubBackend, caplog) -> None:
    stub_obtain(folder, backend)
    (path,) = files(folder, ".kvx")
    good = path.read_bytes()
    for damaged in damaged_files(good):
        path.write_bytes(damaged)
        caplog.clear()
        assert not stub_obtain(folder, backend).from_cache
        (record,) = caplog.records
        assert record.levelno == logging.WARNING
        assert record.message.startswith("discarded the cached executable of function 'main'")
        assert executable_entry.read(path.read_bytes(), path.stem).blob == BLOB
        assert stub_obtain(folder, backend).from_cache


@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo, lambda path: path.symlink_to("/etc/passwd")])
def test_entries_that_are_no_files(folder: Path, backend: StubBackend, caplog, make) -> None:
    stub_obtain(folder, backend)
    (path,) = files(folder, ".kvx")
    path.unlink()
    make(path)
    assert stub_obtain(folder, backend).executable.blob == BLOB
    assert re.search(
        "discarded the cached executable .*: it (is no file|cannot be op)", caplog.text
    )
    # What can be removed has been replaced.
    assert stub_obtain(folder, backend).from_cache is (make is not os.mkdir)


def test_a_blob_that_the_runtime_does_not_take(folder: Path, tmp_path: Path, caplog) -> None:
    stub_obtain(folder, StubBackend(tmp_path / "bad", blob=b"bad"))
    good = StubBackend(tmp_path / "good")
    assert not stub_obtain(folder, good).from_cache
    assert "the runtime does not take it" in caplog.text
    assert stub_obtain(folder, good).from_cache


def test_files_of_another_key_version_or_kind(
    folder: Path, backend: StubBackend, monkeypatch: pytest.MonkeyPatch, caplog
) -> None:
    stub_obtain(folder, backend)
    (path,) = files(folder, ".kvx")
    other = path.with_name("0" * 64 + ".kvx")
    path.rename(other)
    with pytest.raises(EntryError, match="from something else than its name says"):
        open_cache(folder).read("0" * 64)
    with monkeypatch.context() as patch:
        patch.setattr(executable_entry, "FORMAT", 2)
        with pytest.raises(EntryError, match="has format 1, this kvlift reads 2"):
            open_cache(folder).read("0" * 64)
    other.replace(path)
    other.symlink_to(path)
    with pytest.raises(EntryError, match="cannot be opened"):
        open_cache(folder).read("0" * 64)
    path.chmod(0o666)
    assert not stub_obtain(folder, backend).from_cache
    assert "it belongs to another user, or others can write it" in caplog.text
    assert path.stat().st_mode & 0o777 == 0o600


def test_the_folder_is_the_users_alone(folder: Path, backend: StubBackend) -> None:
    stub_obtain(folder, backend)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}


@pytest.mark.parametrize("mode", [0o777, 0o770, 0o1777])
@pytest.mark.parametrize("is_above", [False, True])
def test_a_folder_that_others_can_write(
    tmp_path: Path, backend: StubBackend, mode: int, is_above: bool, caplog
) -> None:
    above = tmp_path / "above"
    folder = above / "cache"
    folder.mkdir(mode=0o700, parents=True)
    stub_obtain(folder, backend)
    (above if is_above else folder).chmod(mode)
    # Nobody can rename another one's folder in a sticky one.
    is_refused = not (is_above and mode & 0o1000)
    assert stub_obtain(folder, backend).from_cache is not is_refused
    if is_refused:
        place = above if is_above else folder
        assert f"is off: others can write '{place}', which `chmod go-w '{place}'`" in caplog.text


def test_a_folder_of_another_user(
    folder: Path, backend: StubBackend, monkeypatch: pytest.MonkeyPatch, caplog
) -> None:
    stub_obtain(folder, backend)
    me = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: me + 1)
    assert not stub_obtain(folder, backend).from_cache
    assert f"the executable cache '{folder}' is off: '{folder}' belongs to another" in caplog.text


def test_the_least_recently_used_go_first(
    folder: Path, backend: StubBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = len(BLOB) + 600
    monkeypatch.setenv("KVLIFT_CACHE_LIMIT", str(3 * size))
    for age, text in enumerate(("a", "b", "c")):
        stub_obtain(folder, backend, text)
        newest = max(files(folder, ".kvx"), key=lambda path: path.stat().st_mtime_ns)
        os.utime(newest, (1000 + age, 1000 + age))
    assert stub_obtain(folder, backend, "a").from_cache
    stub_obtain(folder, backend, "d")
    assert sum(path.stat().st_size for path in files(folder, ".kvx")) <= 3 * size
    kept = [text for text in "abcd" if stub_obtain(False, backend, text).key
            in {path.stem for path in files(folder, ".kvx")}]  # fmt: skip
    assert kept == ["a", "c", "d"]
    assert len(files(folder, ".lock")) == 3


def test_what_is_larger_than_the_cache_is_not_kept(
    folder: Path, backend: StubBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KVLIFT_CACHE_LIMIT", "1KB")
    stub_obtain(folder, backend)
    assert files(folder, ".kvx") == []


@pytest.mark.parametrize(
    ("text", "limit"),
    [("", 2 * 10**9), ("5", 5), ("1.5 kB", 1500), ("2GiB", 2 << 30), ("3M", 3 * 10**6)],
)
def test_limits(
    folder: Path, monkeypatch: pytest.MonkeyPatch, text: str, limit: int, caplog
) -> None:
    monkeypatch.setenv("KVLIFT_CACHE_LIMIT", text)
    assert open_cache(folder).limit == limit
    assert not caplog.records


def test_odd_limits(folder: Path, monkeypatch: pytest.MonkeyPatch, caplog) -> None:
    monkeypatch.setenv("KVLIFT_CACHE_LIMIT", "much")
    assert open_cache(folder).limit == executable_cache.DEFAULT_LIMIT
    assert "KVLIFT_CACHE_LIMIT='much' is no size such as 500MB or 2GiB; 2GB is used" in caplog.text
    monkeypatch.setenv("KVLIFT_CACHE_LIMIT", "0")
    assert open_cache(folder) is None


def test_what_makes_another_key(
    backend: StubBackend, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def key(text: str = "module") -> str:
        return stub_obtain(False, backend, text).key

    first = key()
    assert key() == first
    found = {first, key("other module")}
    flags = tmp_path / "flags"
    flags.write_text("--xla_a")
    changes = [
        (monkeypatch.setenv, "XLA_FLAGS", "--xla_cpu_enable_fast_math=true"),
        (monkeypatch.setenv, "XLA_FLAGS", str(flags)),
        (monkeypatch.setenv, "IREE_LLVM_EMBEDDED_LINKER_PATH", "/bin/ld"),
        (monkeypatch.setattr, backend, "compiler_facts", lambda: {"version": "stub 2"}),
        (monkeypatch.setattr, executable_entry, "_cpu", lambda: {"flags": "avx512"}),
        (monkeypatch.setattr, executable_entry, "_own_code", lambda: "edited"),
        (monkeypatch.setattr, executable_entry, "FORMAT", 2),
        (monkeypatch.setattr, executable_entry, "__version__", "9"),
    ]
    for change, *arguments in changes:
        change(*arguments)
        found.add(key())
    flags.write_text("--xla_b")
    found.add(key())
    monkeypatch.setenv("UNRELATED", "1")
    found.add(key())
    assert len(found) == 2 + len(changes) + 1


def test_clear(folder: Path, backend: StubBackend) -> None:
    for text in "abc":
        stub_obtain(folder, backend, text)
    (folder / ("0" * 64 + ".dead.tmp")).write_bytes(b"half")
    cache = open_cache(folder)
    assert {s.header.function for s in cache.entries()} == {"main"}
    assert cache.clear() == 3
    assert list(folder.iterdir()) == []


USE_REAL = """
import json
import numpy as np
import small_programs as programs
from kvlift.runtime import iree, pjrt
from kvlift.runtime.program import compile
target, folder, may_compile = sys.argv[1], sys.argv[2], sys.argv[3] == "yes"
def refuse(*_):
    raise AssertionError("compiled")
if not may_compile:
    pjrt.PjrtBackend.compile = refuse
    iree.IreeBackend.compile = refuse
# One is kept in place, one is copied, one has a loop, one writes an argument that is no slot.
made = [
    programs.as_is(programs.attention_program(batch=1)),
    programs.square_program(programs.WHOLE_VALUES["rolled"]),
    programs.lift(programs.counter_source() + programs.weighted_source("write")),
]
for lifted in made:
    program = compile(lifted, target, cache=folder)
    assert set(program.from_cache.values()) == {not may_compile}
    print(program.audit())
    print(program.compiled_text(program.manifest.functions[0].name))
rng = np.random.default_rng(0)
c = rng.standard_normal((8, 8)).astype(np.float32)
program = compile(made[1], target, cache=folder)
with program.session(state={"c": c}) as session:
    for _ in range(3):
        print(session(rng.standard_normal((8, 8)).astype(np.float32)).tobytes().hex())
    print(session.state["c"].tobytes().hex())
"""


@pytest.mark.parametrize("target", TARGETS)
def test_a_second_process_compiles_nothing_and_runs_and_audits_alike(
    folder: Path, target: str
) -> None:
    outputs = []
    for may_compile in ("yes", "no"):
        out, error = child(USE_REAL, target, folder, may_compile).communicate()
        assert error == ""
        outputs.append(out)
    assert outputs[0] == outputs[1]
    assert "of slot c at" in outputs[0]


@pytest.mark.parametrize("target", TARGETS)
def test_a_loaded_executable_serializes_to_the_same_bytes(folder: Path, target: str) -> None:
    lifted = programs.counter_program("i32")
    first, second = (compile(lifted, target, cache=folder) for _ in range(2))
    assert (first.from_cache, second.from_cache) == ({"main": False}, {"main": True})
    blobs = [program._executable(None).serialize() for program in (first, second)]
    assert blobs[0] == blobs[1]
    assert compile(lifted, target, cache=False).from_cache == {"main": False}


@pytest.mark.parametrize("target", TARGETS)
def test_real_executables_that_are_none(folder: Path, target: str, caplog) -> None:
    """Blobs with a right checksum that the runtime refuses: compiled again, nothing dies."""
    lifted = programs.counter_program("i32")
    compile(lifted, target, cache=folder)
    (path,) = files(folder, ".kvx")
    header, _ = executable_entry.read_header(path.read_bytes())
    good = executable_entry.read(path.read_bytes(), path.stem).blob
    for blob in (b"", b"nonsense", good[: len(good) // 2]):
        made = executable_entry.make(path.stem, target, "main", header.compiler, 0, blob)
        path.write_bytes(made.to_bytes())
        path.chmod(0o600)
        assert compile(lifted, target, cache=folder).from_cache == {"main": False}
    assert len(caplog.records) == 3
    assert compile(lifted, target, cache=folder).from_cache == {"main": True}


def test_xla_flags_and_locations_make_another_key(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = programs.counter_source()
    compile(programs.lift(source), cache=folder)
    assert compile(programs.lift(source), cache=folder).from_cache == {"main": True}
    # Audits name lines, so those of another source would be wrong.
    assert compile(programs.lift("\n" + source), cache=folder).from_cache == {"main": False}
    monkeypatch.setenv("XLA_FLAGS", "--xla_cpu_enable_fast_min_max=false")
    assert compile(programs.lift(source), cache=folder).from_cache == {"main": False}
