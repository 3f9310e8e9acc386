"""What kvlift takes for the MLIR C API is the MLIR C API, as the mlir-c headers have it."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ROOT / "test" / "Tool"
HEADERS = Path("/usr/lib/llvm-22/include")
REQUIRED = os.environ.get("KVLIFT_REQUIRE_MLIR_HEADERS") == "1"


@pytest.fixture(scope="module")
def headers() -> Path:
    """The folder of mlir-c; skips without it, and fails where CI must have it."""
    if (HEADERS / "mlir-c" / "IR.h").is_file():
        return HEADERS
    message = f"no mlir-c headers in {HEADERS}: apt-get install libmlir-22-dev"
    if REQUIRED:
        pytest.fail(message)
    pytest.skip(message)


def compile_cpp(
    source: Path, *arguments: str | Path, output: Path | None = None
) -> subprocess.CompletedProcess[str]:
    target = ["-fsyntax-only"] if output is None else ["-o", output]
    return subprocess.run(
        ["c++", "-std=c++20", *target, source, *arguments],
        capture_output=True,
        text=True,
        check=False,
    )


def check_signatures(include: Path, headers: Path) -> subprocess.CompletedProcess[str]:
    return compile_cpp(SOURCES / "signatures.cpp", f"-I{include}", f"-I{headers}")


def test_rows_have_the_headers_signatures(headers: Path) -> None:
    result = check_signatures(ROOT / "include", headers)
    assert result.returncode == 0, result.stderr


CHANGES = {
    "result": ("bool, mlirOperationVerify,", "int, mlirOperationVerify,"),
    "parameter": ("mlirContextDestroy, (MlirContext context)", "mlirContextDestroy, (int x)"),
    "one parameter more": ("mlirContextCreate, (void)", "mlirContextCreate, (bool)"),
    "name": ("mlirModuleDestroy,", "mlirModuleDestruct,"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_row_does_not_compile(headers: Path, tmp_path: Path, change: str) -> None:
    rows = (ROOT / "include/kvlift/MlirC.inc").read_text()
    before, after = CHANGES[change]
    assert rows.count(before) == 1
    (tmp_path / "kvlift").mkdir()
    (tmp_path / "kvlift/MlirC.inc").write_text(rows.replace(before, after))
    result = check_signatures(tmp_path, headers)
    assert result.returncode != 0
    name = re.search(r"mlir\w+", after)
    assert name is not None
    assert name[0] in result.stderr


def layouts(folder: Path, *arguments: str) -> list[str]:
    program = folder / "layouts"
    result = compile_cpp(SOURCES / "layouts.cpp", *arguments, output=program)
    assert result.returncode == 0, result.stderr
    return subprocess.run([program], capture_output=True, text=True, check=True).stdout.splitlines()


def test_structs_have_the_headers_layouts(headers: Path, tmp_path: Path) -> None:
    ours = layouts(tmp_path, f"-I{ROOT / 'include'}")
    assert len(ours) > 40
    assert ours == layouts(tmp_path, "-DKVLIFT_THEIRS", f"-I{headers}")


def test_a_changed_struct_has_another_layout(headers: Path, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "include", tmp_path / "include")
    header = tmp_path / "include/kvlift/MlirC.h"
    text = header.read_text()
    swapped = text.replace(
        "MlirDiagnosticNote,\n  MlirDiagnosticRemark", "MlirDiagnosticRemark,\n  MlirDiagnosticNote"
    )
    swapped = swapped.replace("intptr_t nResults;", "int32_t nResults;")
    assert swapped != text
    header.write_text(swapped)
    ours = layouts(tmp_path, f"-I{tmp_path / 'include'}")
    theirs = layouts(tmp_path, "-DKVLIFT_THEIRS", f"-I{headers}")
    changed = {line.split(" ")[0] for line in set(ours) ^ set(theirs)}
    assert {"MlirDiagnosticNote", "MlirDiagnosticRemark", "MlirOperationState.nResults:"} <= changed


def test_every_handle_is_compared() -> None:
    declared = set(
        re.findall(r"^KVLIFT_HANDLE\((\w+)\)", (ROOT / "include/kvlift/MlirC.h").read_text(), re.M)
    )
    compared = set(re.findall(r"SIZE\((\w+)\)", (SOURCES / "layouts.cpp").read_text()))
    assert declared
    assert declared <= compared
