"""The MLIR host library: found, checked, named when it is wrong; `kvlift doctor`; the command."""

from __future__ import annotations

import json
import os
import re
import shutil
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from kvlift import HostError, _core
from kvlift.host import LIBRARY_VARIABLE, TESTED_TORCH_MLIR, find_library, host
from test_lift import SOURCE

BIN = Path(sys.executable).parent
ROOT = Path(__file__).parents[2]
FIX = f"pip install torch-mlir=={TESTED_TORCH_MLIR}"
HEAVY = ("torch", "jax", "jaxlib", "iree", "torch_mlir", "numpy", "typer", "rich")


def run(
    *command: str | Path, library: Path | None = None, **variables: str
) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, **variables}
    if library is not None:
        environment[LIBRARY_VARIABLE] = str(library)
    return subprocess.run(
        list(map(str, command)),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env=environment,
    )


def python(
    code: str, *arguments: str | Path, library: Path | None = None
) -> subprocess.CompletedProcess[str]:
    return run(sys.executable, "-c", code, *arguments, library=library)


def last_loaded_byte(library: Path) -> int:
    """Where the last segment of an ELF file ends."""
    with library.open("rb") as file:
        header = file.read(64)
        (table,) = struct.unpack_from("<Q", header, 32)
        size, count = struct.unpack_from("<HH", header, 54)
        file.seek(table)
        entries = [file.read(size) for _ in range(count)]
    return max(sum(struct.unpack_from("<Q", entry, at)[0] for at in (8, 32)) for entry in entries)


def cut(library: Path, target: Path, size: int) -> Path:
    """The library's start, and zeros that take no disk up to the size."""
    with library.open("rb") as source:
        target.write_bytes(source.read(min(size, 1 << 16)))
    os.truncate(target, size)
    return target


def assert_refused(library: Path, *parts: str) -> str:
    """Refused in this process, and as a HostError by a fresh one that names it."""
    with pytest.raises(RuntimeError) as error:
        _core.load_host(str(library))
    message = str(error.value)
    for part in (str(library), *parts, FIX, LIBRARY_VARIABLE):
        assert part in message
    child = python(
        "import kvlift\n"
        "try: kvlift.lift('module {}')\n"
        "except kvlift.HostError as error: print(error)",
        library=library,
    )
    assert (child.returncode, child.stdout, child.stderr) == (0, message + "\n", "")
    return message


def test_missing_library_and_folder(tmp_path: Path) -> None:
    assert_refused(tmp_path / "none.so", "cannot load the MLIR library", "No such file")
    assert_refused(tmp_path, "cannot load the MLIR library", "directory")


def test_truncated_library(tmp_path: Path) -> None:
    """Cut anywhere: without the check the loader would die of SIGBUS."""
    library = find_library()
    end = last_loaded_byte(library)
    assert end <= library.stat().st_size
    for size in (0, 3, 63, 64, 200, 4096, 1 << 20, end // 2, end - 1):
        path = cut(library, tmp_path / "cut.so", size)
        with pytest.raises(RuntimeError, match=rf"truncated \({size} bytes\); install the tested"):
            _core.load_host(str(path))
    assert_refused(cut(library, tmp_path / "cut.so", end // 2), "the library is truncated")


def test_file_that_is_no_library(tmp_path: Path) -> None:
    path = tmp_path / "text.so"
    path.write_text("INPUT(libother.so)\n" * 10)
    assert_refused(path, "the file is not a shared library")


@pytest.mark.parametrize(("offset", "value"), [(18, b"\xf3\x00"), (4, b"\x01")])
def test_library_of_another_architecture(tmp_path: Path, offset: int, value: bytes) -> None:
    """RISC-V in e_machine, then 32 bits in EI_CLASS."""
    path = cut(find_library(), tmp_path / "other.so", 1 << 16)
    data = bytearray(path.read_bytes())
    data[offset : offset + len(value)] = value
    path.write_bytes(data)
    assert_refused(path, "the library is for another architecture")


@pytest.mark.skipif(shutil.which("g++") is None, reason="needs g++")
def test_library_without_the_entry_points_names_all(tmp_path: Path) -> None:
    path = tmp_path / "empty.so"
    one = 'extern "C" void mlirContextCreate() {}'
    subprocess.run(
        ["g++", "-shared", "-fPIC", "-x", "c++", "-", "-o", path], input=one.encode(), check=True
    )
    table = (ROOT / "include" / "kvlift" / "MlirC.inc").read_text()
    required = re.findall(r"KVLIFT_MLIR_C\(\s*required,[^,]+,\s*(\w+)", table)
    assert len(required) > 50
    required.remove("mlirContextCreate")
    message = assert_refused(path, f"lacks {len(required)} entry points that kvlift needs: ")
    listed = message.partition("needs: ")[2].partition(";")[0].split(", ")
    assert listed == required


def test_torch_mlir_not_installed(monkeypatch) -> None:
    import importlib.util

    monkeypatch.delenv(LIBRARY_VARIABLE, raising=False)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(HostError, match=f"torch-mlir is not installed; .* `{FIX}`"):
        find_library()


def test_a_library_that_misbehaves_is_named(monkeypatch) -> None:
    class Odd:
        producer = "MLIR99"

        def canary(self) -> str:
            return "a module does not print what was parsed"

    monkeypatch.setattr(_core, "load_host", lambda path: Odd())
    host.cache_clear()
    try:
        with pytest.raises(HostError, match=rf"\(MLIR99\) does not work as expected: .*`{FIX}`"):
            host()
    finally:
        monkeypatch.undo()
        host.cache_clear()
    assert host().canary() == ""


def test_the_named_library_is_the_one_that_is_used(tmp_path: Path) -> None:
    """Under another name it is still the library that Python has loaded, not a second MLIR."""
    link = tmp_path / "renamed.so"
    link.symlink_to(find_library())
    child = python(
        "import sys, kvlift\nfrom kvlift.host import host\n"
        "print(host().path)\nprint(len(kvlift.lift(sys.argv[1]).slots))",
        SOURCE,
        library=link,
    )
    assert (child.stdout, child.stderr) == (f"{link}\n2\n", "")


def test_host_knows_its_versions() -> None:
    oldest, newest = host().stablehlo_versions
    assert re.fullmatch(r"\d+\.\d+\.\d+", oldest)
    assert re.fullmatch(r"1\.\d+\.\d+", newest)
    assert host().producer.startswith("LLVM") or "MLIR" in host().producer
    assert host().missing_optional == []


def test_doctor_finds_everything_here() -> None:
    child = run(BIN / "kvlift", "doctor", "--json")
    assert (child.returncode, child.stderr) == (0, "")
    findings = {f["what"]: f for f in json.loads(child.stdout)}
    assert findings["MLIR library"]["found"] == str(find_library())
    assert findings["torch-mlir"] == {
        "what": "torch-mlir",
        "found": TESTED_TORCH_MLIR,
        "fix": "",
    }
    for target in ("pjrt:cpu", "iree:cpu"):
        assert (findings[target]["found"], findings[target]["fix"]) == ("works", "")
    for part in ("kvlift", "LLVM", "StableHLO", "missing entry points", "torch", "jax", "jaxlib"):
        assert findings[part]["found"]
    table = run(BIN / "kvlift", "doctor", COLUMNS="200")
    assert table.returncode == 0
    for part in findings:
        assert part in table.stdout


@pytest.mark.parametrize("as_json", [True, False])
def test_doctor_of_a_broken_library(tmp_path: Path, as_json: bool) -> None:
    path = tmp_path / "text.so"
    path.write_text("no library " * 10)
    options = ["--json"] if as_json else []
    child = run(BIN / "kvlift", "doctor", *options, library=path, COLUMNS="1000")
    assert (child.returncode, child.stderr) == (1, "")
    assert "the file is not a shared library" in child.stdout
    assert FIX in child.stdout
    if as_json:
        findings = {f["what"]: f for f in json.loads(child.stdout)}
        assert findings["MLIR library"]["fix"] == FIX
        assert "not a shared library" in findings["pjrt:cpu"]["found"]


def test_doctor_without_the_optional_packages(monkeypatch) -> None:
    import importlib.metadata

    from kvlift.doctor import examine

    real = importlib.metadata.version

    def version(name: str) -> str:
        if name in ("jax", "jaxlib"):
            raise importlib.metadata.PackageNotFoundError(name)
        return "2.9.1" if name == "torch" else real(name)

    monkeypatch.setattr(importlib.metadata, "version", version)
    findings = {f.what: f for f in examine()}
    for part in ("jax", "jaxlib", "pjrt:cpu"):
        assert findings[part].found == "not installed"
        assert findings[part].fix == "pip install 'kvlift[pjrt]'"
    assert findings["torch"].found == "2.9.1, tested with 2.13"
    assert findings["torch"].fix == "pip install 'kvlift[torch]'"
    assert findings["iree:cpu"].found == "works"


IMPORT = f"""
import sys, time
begin = time.perf_counter()
import kvlift
seconds = time.perf_counter() - begin
dir(kvlift), kvlift.Slot, kvlift.LiftError
print([name for name in {HEAVY} if name in sys.modules])
print(f"import kvlift: {{seconds:.3f}} s", file=sys.stderr)
"""


def test_import_is_light(capsys) -> None:
    child = python(IMPORT)
    assert child.stdout == "[]\n"
    with capsys.disabled():
        print(f"\n{child.stderr.strip()}")


def test_the_package_has_no_unknown_names() -> None:
    import kvlift

    for name in kvlift.__all__:
        assert getattr(kvlift, name) is not None
    with pytest.raises(AttributeError, match="module 'kvlift' has no attribute 'lfit'"):
        kvlift.lfit  # noqa: B018


def test_lift_on_the_command_line(tmp_path: Path) -> None:
    import kvlift

    source = tmp_path / "model.mlir"
    source.write_text(SOURCE)
    expected = kvlift.lift(source)
    child = run(BIN / "kvlift", "lift", source)
    assert (child.returncode, child.stderr) == (0, "")
    assert child.stdout.rstrip() == expected.text().rstrip()
    package = tmp_path / "model.kvl"
    child = run(BIN / "kvlift", "lift", source, "-o", package, COLUMNS="500")
    assert (child.returncode, child.stdout) == (0, "")
    assert child.stderr == f"wrote {package}: 2 slots\n"
    assert kvlift.load(package).slots == expected.slots
    child = run(BIN / "kvlift", "lift", source, "--slice-results", "-o", package, COLUMNS="500")
    assert child.returncode == 0
    assert "remark: slot 'count' stays a slot: " in child.stderr
    assert child.stderr.endswith(f"wrote {package}: 2 slots\n")
    assert [s.name for s in kvlift.load(package).manifest.function().sliced] == ["cache"]


def test_lost_updates_on_the_command_line(tmp_path: Path) -> None:
    from test_lift import LOST

    source = tmp_path / "lost.mlir"
    source.write_text(LOST)
    child = run(BIN / "kvlift", "lift", source)
    assert (child.returncode, child.stdout) == (1, "")
    assert "error: lost update of argument" in child.stderr
    child = run(BIN / "kvlift", "lift", source, "--lost-updates", "return")
    assert child.returncode == 0
    assert "tf.aliasing_output = 1" in child.stdout
    child = run(BIN / "kvlift", "lift", source, "--lost-updates", "ignore")
    assert child.returncode == 0
    assert "remark: lost update of argument" in child.stderr


@pytest.mark.slow
def test_demo_and_its_second_start(tmp_path: Path) -> None:
    options = ("--batch", "1", "--capacity", "64", "--steps", "4")
    environment = {
        "COLUMNS": "200",
        "KVLIFT_CACHE_DIR": str(tmp_path / "cache"),
        "KVLIFT_CACHE_LIMIT": "1GB",
    }
    for told in (
        "compiled 4 executables, 0 came from the cache",
        "compiled nothing: all 4 executables came from the cache",
    ):
        child = run(BIN / "kvlift", "demo", *options, **environment)
        assert child.returncode == 0, child.stdout + child.stderr
        assert "all tokens equal eager, every slot kept its address" in child.stdout
        for name in ("key_cache_0", "value_cache_3", "pjrt:cpu", "iree:cpu"):
            assert name in child.stdout
        assert "NO" not in child.stdout
        assert told in child.stdout


def test_demo_refuses_more_steps_than_rows() -> None:
    child = run(BIN / "kvlift", "demo", "--capacity", "8", "--steps", "9")
    assert child.returncode == 2
    assert "must not exceed --capacity" in child.stderr


def test_doctor_shows_the_extras_in_its_fixes(monkeypatch: pytest.MonkeyPatch) -> None:
    from typer.testing import CliRunner

    from kvlift import cli, doctor

    finding = doctor.Finding("pjrt:cpu", "not installed", "pip install 'kvlift[pjrt]'")
    monkeypatch.setattr(doctor, "examine", lambda: [finding])
    assert "kvlift[pjrt]" in CliRunner().invoke(cli.app, ["doctor"]).output
