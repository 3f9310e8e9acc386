"""Snapshots go to a file and come back in another process, or say what is wrong."""

from __future__ import annotations

import errno
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest
import safetensors.torch

sys.path.insert(0, str(Path(__file__).parent / "runtime"))

import small_programs as programs

import kvlift
from kvlift import tensor_file

TARGETS = ("pjrt:cpu", "iree:cpu")
CONTINUE = """
import sys
import numpy as np
import kvlift
sys.path[:0] = [sys.argv[1]]
import small_programs as programs
program = kvlift.compile(programs.cache_program(), sys.argv[3], cache=False)
empty = np.zeros((4, 2, 16, 8), np.float32)
with program.session(state={"k": empty, "v": empty}) as session:
    session.restore(kvlift.load_snapshot(sys.argv[2]))
    assert session.calls == 3, session.calls
    for index in range(3, 6):
        row = np.full((4, 2, 1, 8), index + 1, np.float32)
        print(session(row, -row, index).tobytes().hex())
    print(session.state["k"].tobytes().hex())
    print(session.state["v"].tobytes().hex())
"""
# Types that safetensors knows and others, scalars, nothing, and dims that do not lie in order.
ODD = {
    "f32": np.linspace(-1, 1, 24, dtype=np.float32).reshape(2, 3, 4),
    "bf16": np.array([[1, -0.0, np.nan]], ml_dtypes.bfloat16),
    "f8": np.array([0.5, -2], ml_dtypes.float8_e4m3fnuz),
    "i4": np.arange(-8, 8, dtype=np.int8).astype(ml_dtypes.int4).reshape(4, 4),
    "c128": np.array([1 + 2j, -3j], np.complex128),
    "i1": np.array([True, False, True]),
    "pos": np.array(7, np.int64),
    "empty": np.zeros((0, 4), np.float16),
    "turned": np.arange(12, dtype=np.int32).reshape(3, 4).T,
    "a/b.c d": np.array([1], np.uint16),
}


def row(value: float) -> np.ndarray:
    return np.full((4, 2, 1, 8), value, np.float32)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A snapshot of all types."""
    path = tmp_path / "odd.kvs"
    kvlift.Snapshot(5, ODD).save(path)
    return path


@pytest.mark.parametrize("target", TARGETS)
def test_another_process_goes_on(tmp_path: Path, target: str) -> None:
    """On the other target, whose slots may be stored otherwise."""
    path = tmp_path / "three.kvs"
    program = kvlift.compile(programs.cache_program(), target)
    start = (np.arange(1024) % 97).reshape(4, 2, 16, 8).astype(np.float32)
    expected = []
    with program.session(state={"k": start, "v": -start}) as session:
        for index in range(3):
            session(row(index + 1), -row(index + 1), index)
        session.snapshot().save(path)
        for index in range(3, 6):
            expected.append(session(row(index + 1), -row(index + 1), index))
        expected += [session.state["k"], session.state["v"]]
    other = TARGETS[1 - TARGETS.index(target)]
    folder = str(Path(programs.__file__).parent)
    child = subprocess.run(
        [sys.executable, "-c", CONTINUE, folder, str(path), other],
        capture_output=True,
        text=True,
        check=False,
    )
    assert child.returncode == 0, child.stderr
    assert child.stdout.split() == [array.tobytes().hex() for array in expected]


def test_every_type_comes_back_as_it_was(path: Path) -> None:
    for verify in (None, True, False):
        found = kvlift.load_snapshot(path, verify=verify)
        assert found.calls == 5
        assert list(found.slots) == list(ODD)
        for name, value in ODD.items():
            assert (found.slots[name].dtype, found.slots[name].shape) == (value.dtype, value.shape)
            assert found.slots[name].tobytes() == value.tobytes()
    # The file is as any other safetensors file in a zip.
    with zipfile.ZipFile(path) as archive:
        theirs = safetensors.torch.load(archive.read("slots.safetensors"))
    np.testing.assert_array_equal(theirs["turned"], ODD["turned"])
    np.testing.assert_array_equal(theirs["i4"], np.ravel(ODD["i4"]).view(np.uint8))


def test_a_file_of_other_slots_changes_nothing(tmp_path: Path, path: Path) -> None:
    with kvlift.compile(programs.cache_program()).session(
        state={"k": np.ones((4, 2, 16, 8), "f4"), "v": np.ones((4, 2, 16, 8), "f4")}
    ) as session:
        before = session.snapshot()
        with pytest.raises(kvlift.SessionError, match="the snapshot has the slots 'f32', 'bf16'"):
            session.restore(kvlift.load_snapshot(path))
        wrong = {"k": before.slots["k"] * 2, "v": before.slots["v"].astype(np.float64)}
        kvlift.Snapshot(0, wrong).save(path)
        with pytest.raises(kvlift.SessionError, match="slot 'v' expects 4x2x16x8xf32, got"):
            session.restore(kvlift.load_snapshot(path))
        np.testing.assert_array_equal(session.state["k"], before.slots["k"])


def test_a_file_that_is_in_use_may_be_replaced(path: Path) -> None:
    found = kvlift.load_snapshot(path)
    kvlift.Snapshot(6, {name: value + 1 for name, value in ODD.items() if name != "i1"}).save(path)
    np.testing.assert_array_equal(found.slots["f32"], ODD["f32"])
    assert kvlift.load_snapshot(path).calls == 6


def test_a_full_disk_leaves_the_old_file(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = path.read_bytes()

    def full(self: tensor_file.TensorFile):
        yield b"x"
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(tensor_file.TensorFile, "parts", full)
    with pytest.raises(OSError, match=r"No space left on device: '.*odd\.kvs'"):
        kvlift.Snapshot(6, ODD).save(path)
    assert path.read_bytes() == before
    assert [each.name for each in path.parent.iterdir()] == ["odd.kvs"]


def test_the_reserved_name_is_refused(path: Path) -> None:
    before = path.read_bytes()
    with pytest.raises(kvlift.SessionError, match="cannot hold a slot of the name '__metadata__'"):
        kvlift.Snapshot(0, {"__metadata__": ODD["f32"]}).save(path)
    assert path.read_bytes() == before


def test_damaged_files_are_named(tmp_path: Path, path: Path) -> None:
    whole = path.read_bytes()
    part = ODD["f32"].tobytes()
    cases = {
        "is truncated or no kvlift snapshot": whole[: len(whole) // 2],
        "is truncated or no kvlift snapshot: the file is empty": b"",
        r"slots\.safetensors is not what snapshot\.json says; get .*, or take and save it": (
            whole.replace(part, part[::-1])
        ),
        r"slots\.json is not what snapshot\.json says": whole.replace(b'"calls": 5', b'"calls": 6'),
    }
    for message, data in cases.items():
        path.write_bytes(data)
        with pytest.raises(kvlift.SourceError, match=f"{path.name}' .*{message}"):
            kvlift.load_snapshot(path)
    with pytest.raises(kvlift.SourceError, match=r"cannot read '.*none': No such file"):
        kvlift.load_snapshot(tmp_path / "none")


def test_a_package_is_no_snapshot(path: Path) -> None:
    programs.cache_program().save(path)
    with pytest.raises(
        kvlift.SourceError, match=r"is no kvlift snapshot: it has no snapshot\.json"
    ):
        kvlift.load_snapshot(path)
    kvlift.Snapshot(1, ODD).save(path)
    with pytest.raises(kvlift.SourceError, match=r"is no kvlift package: it has no kvlift\.json"):
        kvlift.load(path)


def test_a_newer_format_says_what_to_do(path: Path) -> None:
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    facts = json.loads(members["snapshot.json"])
    members["snapshot.json"] = json.dumps({**facts, "format": 2}).encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    with pytest.raises(kvlift.SourceError, match=r"snapshot format 2 of kvlift .* --upgrade"):
        kvlift.load_snapshot(path)
