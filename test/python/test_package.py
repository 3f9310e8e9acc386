"""Packages: what is in the file, what is mapped, and whose compiled code runs."""

from __future__ import annotations

import dataclasses
import errno
import hashlib
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import safetensors.numpy

import kvlift
from kvlift import archive, sealed
from kvlift.runtime import values
from kvlift.runtime.executable_entry import EntryError, read
from test_lift import SOURCE

TARGETS = ("pjrt:cpu", "iree:cpu")
# Sizes that are multiples of 64 bytes, and others, which must not push those out of line.
ODD = {
    "odd": np.arange(7, dtype=np.int8),
    "row": np.arange(16, dtype=np.float32),
    "scalar": np.array(3, np.int64),
    "empty": np.zeros((0, 4), np.float32),
    "table": np.arange(64 * 33, dtype=np.float16).reshape(33, 64),
}
WEIGHTED = """
func.func @main(%w: tensor<256x64xf32> {kvlift.name = "w", kvlift.kind = "parameter"},
                %c: tensor<256x64xf32> {kvlift.name = "c", tf.aliasing_output = 0 : i32},
                %x: tensor<256x64xf32>) -> (tensor<256x64xf32>, tensor<256x64xf32>) {
  %n = stablehlo.add %c, %x : tensor<256x64xf32>
  %y = stablehlo.multiply %n, %w : tensor<256x64xf32>
  return %n, %y : tensor<256x64xf32>, tensor<256x64xf32>
}"""


def lift(source: str = SOURCE, **initial: np.ndarray) -> kvlift.LiftedModule:
    return dataclasses.replace(kvlift.lift(source), values=initial)


def weighted() -> kvlift.LiftedModule:
    rng = np.random.default_rng(0)
    w = rng.standard_normal((256, 64)).astype(np.float32)
    return lift(WEIGHTED, w=w, c=np.zeros((256, 64), np.float32))


def test_members_are_aligned_and_any_unzip_reads_them(tmp_path: Path) -> None:
    path = tmp_path / "model.kvl"
    lift(**ODD).save(path)
    names = ["manifest.json", "module.mlirbc", "splats.json", "values.safetensors", "kvlift.json"]
    with zipfile.ZipFile(path) as found:
        assert found.testzip() is None
        assert found.namelist() == names
        listed = json.loads(found.read("kvlift.json"))
        assert listed["format"] == 2
        for name, facts in listed["members"].items():
            assert facts["sha256"] == hashlib.sha256(found.read(name)).hexdigest()
        theirs = safetensors.numpy.load(found.read("values.safetensors"))
    for name, member in archive.read_members(path).items():
        start = np.frombuffer(member, np.uint8).ctypes.data
        assert start % archive.ALIGNMENT == 0, name
    for name, value in ODD.items():
        assert theirs[name].dtype == value.dtype
        np.testing.assert_array_equal(theirs[name], value)


def test_values_are_views_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "model.kvl"
    lift(**ODD).save(path)
    before = path.read_bytes()
    loaded = kvlift.load(path).values
    assert list(loaded) == sorted(ODD)
    for name, value in loaded.items():
        np.testing.assert_array_equal(value, ODD[name])
        assert value.dtype == ODD[name].dtype
        assert value.base is not None
    assert values.is_aligned(loaded["row"])
    assert values.is_aligned(loaded["table"])
    # What is written to a view stays in the process; the next load sees the file.
    loaded["row"][0] = 99
    assert path.read_bytes() == before
    np.testing.assert_array_equal(kvlift.load(path).values["row"], ODD["row"])


def test_a_package_may_be_replaced_while_it_is_used(tmp_path: Path) -> None:
    path = tmp_path / "model.kvl"
    lift(row=ODD["row"]).save(path)
    loaded = kvlift.load(path)
    dataclasses.replace(loaded, values={"row": ODD["row"] + 1}).save(path)
    loaded.save(tmp_path / "copy.kvl")
    np.testing.assert_array_equal(loaded.values["row"], ODD["row"])
    np.testing.assert_array_equal(kvlift.load(path).values["row"], ODD["row"] + 1)
    np.testing.assert_array_equal(kvlift.load(tmp_path / "copy.kvl").values["row"], ODD["row"])


@pytest.mark.parametrize(
    "value",
    [
        np.zeros((1 << 14, 64), np.float32),
        np.full((1 << 14, 64), -0.0, np.float32),
        np.full((1 << 14, 64), np.nan, np.float16),
        np.full((1 << 14, 64), 7, np.int64),
        np.full((1 << 14, 64), True),
    ],
    ids=["zeros", "negative zeros", "nans", "sevens", "trues"],
)
def test_splats_take_no_space(tmp_path: Path, value: np.ndarray) -> None:
    path = tmp_path / "model.kvl"
    lift(c=value).save(path)
    assert path.stat().st_size < 10_000
    loaded = kvlift.load(path).values["c"]
    assert (loaded.dtype, loaded.shape) == (value.dtype, value.shape)
    assert loaded.tobytes() == value.tobytes()


@pytest.mark.parametrize("position", [0, 1, 1 << 16, -1])
def test_almost_splats_are_kept(tmp_path: Path, position: int) -> None:
    value = np.zeros(1 << 17, np.uint8)
    value[position] = 1
    lift(c=value).save(tmp_path / "model.kvl")
    np.testing.assert_array_equal(kvlift.load(tmp_path / "model.kvl").values["c"], value)


def test_large_values_are_checked_on_request(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "model.kvl"
    lift(row=ODD["row"]).save(path)
    data = bytearray(path.read_bytes())
    data[data.index(ODD["row"].tobytes()) + 5] ^= 1
    path.write_bytes(data)
    with pytest.raises(kvlift.SourceError, match=r"values\.safetensors is not what"):
        kvlift.load(path)
    assert kvlift.load(path, verify=False).values["row"].shape == (16,)
    monkeypatch.setattr(sealed, "VERIFIED_BYTES", 8)
    assert kvlift.load(path).values["row"].shape == (16,)
    with pytest.raises(kvlift.SourceError, match=r"values\.safetensors is not what"):
        kvlift.load(path, verify=True)


def test_members_that_may_be_larger_than_four_gigabytes(tmp_path: Path) -> None:
    """Their headers are longer; the layout follows what was announced."""
    path = tmp_path / "large.zip"
    with path.open("w+b") as file, archive.ArchiveWriter(file) as writer:
        for name, size in (("large", 5 << 30), ("last", 3)):
            with writer.member(name, size) as member:
                member.write(b"abc")
    members = archive.read_members(path)
    for name in ("large", "last"):
        assert np.frombuffer(members[name], np.uint8).ctypes.data % archive.ALIGNMENT == 0
        assert bytes(members[name]) == b"abc"


RUN = """
import sys
import numpy as np
import kvlift
path, target = sys.argv[1:]
loaded = kvlift.load(path)
with kvlift.compile(loaded, target, cache=False).session() as session:
    for step in range(3):
        print(session(np.full((256, 64), step, np.float32)).tobytes().hex())
"""


@pytest.mark.parametrize("target", TARGETS)
def test_a_session_binds_mapped_weights_where_they_lie(tmp_path: Path, target: str) -> None:
    path = tmp_path / "model.kvl"
    lifted = weighted()
    lifted.save(path)
    loaded = kvlift.load(path)
    program = kvlift.compile(loaded, target, cache=False)
    (executable,) = program._executables.values()
    w = next(a for a in executable.function.arguments if a.name == "w")
    buffer = executable.put(w.index, loaded.values["w"], copy=False)
    assert executable.address(buffer) == loaded.values["w"].ctypes.data
    expected = []
    with kvlift.compile(lifted, target, cache=False).session() as session:
        for step in range(3):
            out = session(np.full((256, 64), step, np.float32))
            expected.append(out.tobytes().hex())
    child = subprocess.run(
        [sys.executable, "-c", RUN, str(path), target], capture_output=True, text=True, check=True
    )
    assert child.stdout.split() == expected


@pytest.mark.parametrize("target", TARGETS)
def test_compiled_code_runs_only_when_it_is_trusted(
    tmp_path: Path, target: str, monkeypatch: pytest.MonkeyPatch, caplog
) -> None:
    path = tmp_path / "model.kvl"
    lifted = weighted()
    program = kvlift.compile(lifted, target, cache=False)
    lifted.save(path, compiled=[program])
    loaded = kvlift.load(path)
    assert len(loaded.compiled) == 1
    assert kvlift.compile(loaded, target, cache=False).from_cache == {"main": False}
    trusted = kvlift.compile(loaded, target, cache=False, trust_compiled=True)
    assert trusted.from_cache == {"main": True}
    assert trusted.audit() == program.audit()
    x = np.ones((256, 64), np.float32)
    with program.session() as first, trusted.session() as second:
        np.testing.assert_array_equal(first(x), second(x))
    # A trusted package that is packed once more brings the same bytes.
    loaded.save(tmp_path / "again.kvl", compiled=[trusted])
    assert (tmp_path / "again.kvl").read_bytes() == path.read_bytes()
    assert not caplog.records
    monkeypatch.setenv("XLA_FLAGS", "--xla_cpu_enable_fast_math=false")
    other = kvlift.compile(loaded, target, cache=False, trust_compiled=True)
    assert other.from_cache == {"main": False}
    assert "the package has no executable of function 'main' for this target" in caplog.text


def test_damaged_compiled_code_is_compiled_again(tmp_path: Path, caplog) -> None:
    lifted = weighted()
    program = kvlift.compile(lifted, cache=False)
    ((key, data),) = {e.header.key: e.to_bytes() for e in program.entries()}.items()
    for changed in (b"", data[:-1], data[:100] + b"x" + data[101:]):
        with pytest.raises(EntryError):
            read(changed, key)
        odd = dataclasses.replace(lifted, compiled={key: changed})
        again = kvlift.compile(odd, cache=False, trust_compiled=True)
        assert again.from_cache == {"main": False}
    assert caplog.text.count("the package's executable of function 'main' is of no use") == 3


def test_programs_of_another_module_are_refused(tmp_path: Path) -> None:
    program = kvlift.compile(lift(SOURCE), cache=False)
    with pytest.raises(kvlift.LiftError, match="compiled from another module than is saved"):
        weighted().save(tmp_path / "model.kvl", compiled=[program])
    assert os.listdir(tmp_path) == []


def test_loading_runs_no_runtime(tmp_path: Path) -> None:
    path = tmp_path / "model.kvl"
    lifted = weighted()
    lifted.save(path, compiled=[kvlift.compile(lifted, t, cache=False) for t in TARGETS])
    script = (
        "import sys, kvlift; kvlift.load(sys.argv[1]); "
        "print([m for m in sys.modules if m.split('.')[0] in ('jax', 'jaxlib', 'iree', 'torch')])"
    )
    child = subprocess.run(
        [sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=True
    )
    assert child.stdout == "[]\n"


def test_only_files_are_replaced(tmp_path: Path) -> None:
    """A link stays a link; a pipe or a device is no place for a package."""
    lifted = weighted()
    (tmp_path / "old.kvl").write_text("old")
    (tmp_path / "link.kvl").symlink_to("old.kvl")
    os.mkfifo(tmp_path / "pipe")
    lifted.save(tmp_path / "link.kvl")
    assert (tmp_path / "link.kvl").is_symlink()
    assert kvlift.load(tmp_path / "old.kvl").manifest == lifted.manifest
    with pytest.raises(OSError, match=r"a device or a pipe, which is not replaced: '.*pipe'"):
        lifted.save(tmp_path / "pipe")
    with pytest.raises(IsADirectoryError, match=r"Is a directory: '\.'"):
        lifted.save("")
    assert sorted(os.listdir(tmp_path)) == ["link.kvl", "old.kvl", "pipe"]


def test_a_full_disk_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "model.kvl"
    weighted().save(path)
    before = path.read_bytes()

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match=r"No space left on device: '.*model\.kvl'"):
        lift().save(path)
    assert path.read_bytes() == before
    assert os.listdir(tmp_path) == ["model.kvl"]


def test_a_name_that_the_file_cannot_hold_is_refused(tmp_path: Path) -> None:
    with pytest.raises(kvlift.LiftError, match="a package cannot hold a value of the name '__me"):
        lift(__metadata__=np.zeros(3)).save(tmp_path / "x.kvl")
