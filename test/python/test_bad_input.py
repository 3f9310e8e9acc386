"""Bad input of every kind: one clear message, everything left as it was, no process killed."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import kvlift
from test_lift import FORMS, SOURCE, artifact, parse

BIN = Path(sys.executable).parent
TARGETS = ("pjrt:cpu", "iree:cpu")
SYNTAX = "func.func @main(%a: tensor<4xf32>) -> tensor<4xf32> {\n  return %b : tensor<4xf32>\n}\n"
INVALID = "func.func @main(%a: tensor<4xf32>) -> tensor<8xf32> {\n  return %a : tensor<4xf32>\n}\n"
FOREIGN = 'func.func @main() {\n  "foo.bar"() : () -> ()\n  return\n}\n'


def newer_artifact() -> bytes:
    """An artifact whose producer says it is of a StableHLO of the future."""
    data = artifact(SOURCE)  # of 1.9.0, which is as long
    start = data.index(b"StableHLO_v")
    end = data.index(b"\0", start)
    return data[:start] + b"StableHLO_v9.9.9" + data[end:]


# File contents -> what both kvlift.lift and kvlift-opt say, with `FILE` for its name.
BAD_FILES: dict[str, tuple[Callable[[], bytes], str]] = {
    "empty": (lambda: b"", r"FILE: error: the source is empty"),
    "blank": (lambda: b" \n\t\n", r"FILE: error: the source is empty"),
    "noise": (
        lambda: bytes(range(256)),
        r"FILE: error: the source is neither MLIR text nor MLIR bytecode",
    ),
    "not utf-8": (lambda: b"\xff\xfe func", r"FILE:1:1: error: unexpected character"),
    "syntax": (SYNTAX.encode, r"FILE:2:10: error: use of undeclared SSA value name"),
    "invalid": (INVALID.encode, r"FILE:2:3: error: type of return operand 0 \('tensor<4xf32>'\)"),
    "foreign op": (
        FOREIGN.encode,
        r"FILE:2:12: error: operation being parsed with an unregistered",
    ),
    "newer artifact": (
        newer_artifact,
        r"FILE: error: the portable artifact was written by StableHLO 9\.9\.9, the library reads "
        r"up to 1\.\d+\.\d+; write it for an older version, or install a newer torch-mlir",
    ),
    "cut bytecode": (lambda: FORMS["bytecode"](SOURCE)[:100], r"FILE(:\d+:\d+)?: error: "),
    "cut artifact": (lambda: artifact(SOURCE)[:100], r"FILE(:\d+:\d+)?: error: "),
}


@pytest.mark.parametrize("case", BAD_FILES)
def test_bad_file_in_python(tmp_path: Path, case: str, capfd) -> None:
    make, message = BAD_FILES[case]
    path = tmp_path / "model"
    path.write_bytes(make())
    for source, name in ((path, str(path)), (str(path), str(path)), (make(), "<module>")):
        capfd.readouterr()
        with pytest.raises(kvlift.SourceError) as error:
            kvlift.lift(source)
        lines = str(error.value).splitlines()
        assert lines[0] == f"cannot read {name} as StableHLO:"
        assert_matches(message.replace("FILE", name), lines[1])
        assert capfd.readouterr() == ("", "")
    assert path.read_bytes() == make()


@pytest.mark.parametrize("case", BAD_FILES)
def test_bad_file_in_the_tools(tmp_path: Path, case: str) -> None:
    make, message = BAD_FILES[case]
    path, output = tmp_path / "model", tmp_path / "output"
    path.write_bytes(make())
    output.write_text("as it was")
    for command in (["kvlift-opt"], ["kvlift", "lift"]):
        child = run(*command, path, "-o", output)
        assert child.returncode == 1
        assert child.stdout == ""
        errors = [line for line in child.stderr.splitlines() if " error: " in line]
        # The host says of a cut artifact both what it missed and that it gave up.
        assert len(errors) == (2 if case == "cut artifact" else 1)
        assert_matches(message.replace("FILE", str(path)), errors[0])
        assert "Traceback" not in child.stderr
        assert output.read_text() == "as it was"
        assert sorted(os.listdir(tmp_path)) == ["model", "output"]


def named(function: str = "main", argument: str = "", slot: str = "", place: str = "") -> str:
    """A module with these names, MLIR's escapes for bytes included."""
    tensor, marks = "tensor<8xf32>", f'{{kvlift.slot = "{slot}"}}' if slot else ""
    mark = f'{{kvlift.name = "{argument}"}}' if argument else marks
    return (
        f'func.func @"{function}"(%c: {tensor} {mark} {place}, %u: tensor<1xf32>, %i: tensor<i32>)'
        f" -> ({tensor} {marks}) {{\n  %0 = stablehlo.dynamic_update_slice %c, %u, %i : "
        f"({tensor}, tensor<1xf32>, tensor<i32>) -> {tensor}\n  return %0 : {tensor}\n}}"
    )


@pytest.mark.parametrize(
    ("source", "what"),
    [
        (named(function=r"f\FF"), r"a function is called 'f\xff'"),
        (named(argument=r"\C3\A9\E9"), r"argument #0 of function 'main' is called 'é\xe9'"),
        (named(slot=r"k\FF"), r"the slot of argument #0 of function 'main' is called 'k\xff'"),
    ],
)
def test_names_that_are_not_utf8(source: str, what: str) -> None:
    with pytest.raises(kvlift.LiftError) as error:
        kvlift.lift(source)
    expected = f"<module>:1:1: error: {what}, which is not UTF-8; rename it"
    assert str(error.value).splitlines()[1] == expected


def test_places_that_are_not_utf8() -> None:
    lifted = kvlift.lift(named(place=r'loc("k\FF")'))
    assert [slot.name for slot in lifted.slots] == [r"k\xff"]


def test_state_names_that_are_not_text() -> None:
    with pytest.raises(kvlift.LiftError, match="must be text without"):
        kvlift.lift(named(), state={"\ud800": (0, 0)})


def test_text_has_a_name_in_diagnostics() -> None:
    lost = named().replace("return %0", "return %c")
    with pytest.raises(kvlift.LiftError) as error:
        kvlift.lift(lost)
    places = [each.location for each in error.value.diagnostics]
    assert [str(place) for place in places] == ["<module>:2:8"]


def test_texts_that_no_path_can_be() -> None:
    for text, reason in (("x" * 300, "File name too long"), ("a\0b", "No such file")):
        with pytest.raises(kvlift.SourceError, match=f"cannot read the file: {reason}"):
            kvlift.lift(text)


@pytest.mark.parametrize(
    ("path", "reason"), [("none.mlir", "No such file or directory"), ("", ".* directory")]
)
def test_missing_file_and_folder(tmp_path: Path, path: str, reason: str) -> None:
    with pytest.raises(
        kvlift.SourceError, match=f"cannot read the file: {reason}|it is a {reason}"
    ):
        kvlift.lift(tmp_path / path)
    for command in (["kvlift-opt"], ["kvlift", "lift"]):
        child = run(*command, tmp_path / path, "-o", tmp_path / "output")
        assert child.returncode == 1
        assert "cannot read" in child.stderr
        assert "Traceback" not in child.stderr
    assert os.listdir(tmp_path) == []


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    program, *arguments = map(str, command)
    return subprocess.run(
        [BIN / program, *arguments],
        capture_output=True,
        text=True,
        errors="replace",
        timeout=60,
        check=False,
    )


def assert_matches(pattern: str, text: str) -> None:
    assert re.search(pattern, text), f"{pattern!r} is not in {text!r}"


CUTS = """
import sys
import kvlift
data = open(sys.argv[1], "rb").read()
# All the headers, and some 200 places behind them.
for end in [*range(40), *range(40, len(data), len(data) // 200 + 1), len(data) - 1]:
    print(end, flush=True)
    try:
        kvlift.lift(data[:end])
    except kvlift.SourceError as error:
        assert "error: " in str(error), error
    else:
        raise SystemExit(f"{end} of {len(data)} bytes were accepted")
kvlift.lift(data)
"""


@pytest.mark.parametrize("form", ["bytecode", "artifact"])
@pytest.mark.parametrize("model", ["small", "torch"])
def test_no_truncation_kills_the_process(tmp_path: Path, form: str, model: str) -> None:
    """In a child process: the host's readers may abort."""
    text = SOURCE
    if model == "torch":
        from running import export
        from stateful_models import CASES

        text = kvlift.lift(export(CASES["int8_scale"])).text()
    path = tmp_path / "model"
    path.write_bytes(FORMS[form](text))
    child = subprocess.run(
        [sys.executable, "-c", CUTS, str(path)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    last = child.stdout.splitlines()[-1:]
    assert child.returncode == 0, f"cut at {last}: {child.returncode} {child.stderr[-2000:]}"
    assert last == [str(path.stat().st_size - 1)]
    assert child.stderr == ""


@pytest.mark.parametrize("form", ["bytecode", "artifact"])
def test_truncations_in_kvlift_opt(tmp_path: Path, form: str) -> None:
    data = FORMS[form](SOURCE)
    path, output = tmp_path / "model", tmp_path / "output"
    for end in np.linspace(1, len(data) - 1, 12).astype(int):
        path.write_bytes(data[:end])
        child = run("kvlift-opt", path, "-o", output)
        assert (child.returncode, child.stdout) == (1, ""), end
        assert f"{path}" in child.stderr
        assert "error: " in child.stderr
        assert os.listdir(tmp_path) == ["model"]


@pytest.mark.parametrize(
    "source", [5, None, 2.5, object(), ["text"], {"text"}, bytearray(b"module {}"), kvlift.lift]
)
def test_wrong_typed_source(source: object) -> None:
    kind = type(source)
    with pytest.raises(kvlift.SourceError, match=rf"cannot lift a builtins\.{kind.__name__}; pass"):
        kvlift.lift(source)
    with pytest.raises(kvlift.SourceError, match=rf"cannot lift a builtins\.{kind.__name__}; pass"):
        kvlift.lift({"decode": source})


def test_a_bare_nn_module_is_told_about_export() -> None:
    import torch

    with pytest.raises(kvlift.SourceError, match=r"kvlift\.export makes one from an nn\.Module"):
        kvlift.lift(torch.nn.Linear(2, 2))


@pytest.mark.parametrize("source", ["module {}", "func.func private @f() { return }"])
def test_module_without_a_public_function(tmp_path: Path, source: str) -> None:
    module = parse(source)
    before = str(module)
    with pytest.raises(kvlift.LiftError, match="the module has no public function, so nothing"):
        kvlift.lift(module)
    assert str(module) == before
    path = tmp_path / "model.mlir"
    path.write_text(source)
    child = run("kvlift", "lift", path, "-o", tmp_path / "out.kvl")
    assert child.returncode == 1
    assert "the module has no public function" in child.stderr
    assert os.listdir(tmp_path) == ["model.mlir"]
    # For the tool such a module is input like any other.
    assert run("kvlift-opt", path).returncode == 0


@pytest.mark.parametrize(
    "kind", ["i32", "tensor<*xf32>", "tuple<tensor<f32>>", "!stablehlo.token", "memref<4xf32>"]
)
def test_wrong_typed_argument_of_a_function(kind: str) -> None:
    module = parse(
        f"func.func @main(%a: tensor<f32>, %b: {kind}) -> tensor<f32> {{ return %a : tensor<f32> }}"
    )
    before = str(module)
    with pytest.raises(kvlift.LiftError) as error:
        kvlift.lift(module)
    assert str(error.value) == (
        f"argument #1 of function 'main' is {kind}; lift takes StableHLO on ranked tensors"
    )
    assert str(module) == before


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("element", ["index", "f8E4M3", "!quant.uniform<i8:f32, 1.0>"])
def test_element_types_that_no_session_can_pass(element: str, target: str) -> None:
    t = f"tensor<4x{element}>"
    lifted = kvlift.lift(f"func.func @main(%a: {t}) -> {t} {{ return %a : {t} }}")
    with pytest.raises(
        kvlift.CompileError, match=r"'arg0' of function 'main': element type .* can"
    ):
        kvlift.compile(lifted, target)


def test_exported_program_with_an_unsupported_op() -> None:
    import torch

    class Model(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("k", torch.zeros(3, 3))

        def forward(self, x):
            self.k.add_(x)
            return torch.linalg.eigvals(self.k)

    exported = torch.export.export(Model(), (torch.ones(3, 3),))
    before = str(exported), exported.state_dict["k"].clone()
    with pytest.raises(kvlift.SourceError) as error:
        kvlift.lift(exported)
    assert_matches(r"test_bad_input\.py:\d+: .* aten\.linalg_eig to StableHLO", str(error.value))
    assert str(exported) == before[0]
    assert torch.equal(exported.state_dict["k"], before[1])


@pytest.mark.parametrize("target", TARGETS)
def test_session_called_wrong(target: str) -> None:
    lifted = kvlift.lift(SOURCE)
    program = kvlift.compile(lifted, target)
    row, cache = np.ones((1, 8), np.float32), np.zeros((4, 8), np.float32)
    for arguments, message in (
        ({}, "no initial value for 'cache', 'count'; pass state="),
        (
            {"state": {"cache": cache, "count": 0, "k": 0}},
            "state names 'k'; the slots are: 'cache'",
        ),
        ({"state": {"cache": cache[:2], "count": 0}}, "slot 'cache' expects 4x8xf32, got 2x8xf32"),
        ({"state": {"cache": cache, "count": 0.5}}, "slot 'count' expects i64, which cannot hold"),
        ({"weights": {"cache": cache}}, "weights names 'cache'; the arguments that are no slots"),
    ):
        with pytest.raises(kvlift.SessionError, match=message):
            program.session(**arguments)
    with pytest.raises(KeyError, match="no function 'decode'; the module has: main"):
        program.session(function="decode")

    session = program.session(state={"cache": cache, "count": 7})
    session(row, 1)
    before = {name: session.state[name] for name in session.state}
    addresses = session.addresses()
    for args, by_name, message in (
        ((row[0], 1), {}, "argument 'arg1' expects 1x8xf32, got 8xf32"),
        ((row.reshape(8, 1), 1), {}, "expects 1x8xf32, got 8x1xf32"),
        ((row.astype(np.float64), 1), {}, "expects 1x8xf32, got 1x8xf64"),
        ((row.astype(np.int32), 1), {}, "expects 1x8xf32, got 1x8xi32"),
        ((row, 2**40), {}, "argument 'arg2' expects i32, which cannot hold the value"),
        ((row, None), {}, "argument 'arg2' expects a tensor, got NoneType"),
        ((row,), {}, "missing 'arg2'; the function takes: 'arg1', 'arg2'"),
        ((row, 1, 2), {}, "3 arguments given, the function takes 2"),
        ((row, 1), {"position": 1}, "no argument 'position'; the function takes"),
        ((row, 1), {"cache": cache}, "argument 'cache' is a slot, so a call cannot pass it"),
        ((row, 1), {"arg2": 1}, "argument 'arg2' is given twice"),
    ):
        with pytest.raises(kvlift.SessionError, match=message):
            session(*args, **by_name)
        assert session.addresses() == addresses
        for name, value in before.items():
            np.testing.assert_array_equal(session.state[name], value)
    with pytest.raises(KeyError, match="no slot 'k'; the session has: cache, count"):
        session.state["k"]
    session(row, 2)
    assert session.state["count"] == 9
    session.close()
    for use in (lambda: session(row, 1), lambda: session.state["cache"], session.reset):
        with pytest.raises(kvlift.SessionError, match="the session is closed; make a new one"):
            use()


@pytest.mark.filterwarnings("ignore:ComplexHalf")
def test_tensors_that_numpy_cannot_hold() -> None:
    import torch

    lifted = kvlift.lift(SOURCE)
    with kvlift.compile(lifted).session(state={"cache": torch.zeros(4, 8), "count": 0}) as session:
        for row, message in (
            (torch.zeros(1, 8, dtype=torch.complex32), "cannot become an array"),
            (
                torch.zeros(1, 8, device="meta"),
                "is on the device 'meta'; such a tensor has no values",
            ),
            (torch.zeros(1, 8).to_sparse(), "cannot become an array"),
        ):
            with pytest.raises(kvlift.SessionError, match=f"argument 'arg1' {message}"):
                session(row, 0)
        assert session.state["count"] == 0


@pytest.mark.parametrize("target", TARGETS)
def test_arguments_of_one_name_are_told_apart_by_position(target: str) -> None:
    source = """func.func @main(%a: tensor<f32> loc("x"), %b: tensor<f32> loc("x")) -> tensor<f32> {
      %n = stablehlo.subtract %a, %b : tensor<f32>
      return %n : tensor<f32>
    }"""
    with kvlift.compile(kvlift.lift(source), target).session() as session:
        assert session(5, 3) == 2
        with pytest.raises(
            kvlift.SessionError, match="2 arguments are named 'x'; pass them by pos"
        ):
            session(x=5)


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError, RuntimeError])
@pytest.mark.parametrize("when", ["before", "during", "after"])
def test_interrupted_calls(target: str, when: str, error: type[BaseException], monkeypatch) -> None:
    """The slots are as before, or the session says that it is poisoned; `reset` mends it."""
    program = kvlift.compile(kvlift.lift(SOURCE), target)
    row, cache = np.ones((1, 8), np.float32), np.zeros((4, 8), np.float32)
    session = program.session(state={"cache": cache, "count": 0})
    session(row, 0)
    before = session.state["cache"]
    executable = session.function()._executable
    real = executable.run

    def interrupted(buffers):
        if when == "after":
            real(buffers)
        raise error("stop")

    with monkeypatch.context() as patched:
        if when == "before":
            patched.setattr(executable, "put", lambda *args, **kwargs: interrupted([]))
        else:
            patched.setattr(executable, "run", interrupted)
        expected = kvlift.SessionError if issubclass(error, Exception) else error
        with pytest.raises(expected, match="stop"):
            session(row * 2, 1)
    try:
        after = session.state["cache"]
    except kvlift.SessionError as poisoned:
        assert when != "before"
        assert_matches(r"the session is poisoned: .*\(stop\); session\.reset\(\)", str(poisoned))
        with pytest.raises(kvlift.SessionError, match="poisoned"):
            session(row, 1)
        session.reset()
        np.testing.assert_array_equal(session.state["cache"], cache)
        assert session.state["count"] == 0
    else:
        np.testing.assert_array_equal(after, before)
        assert session.state["count"] == 1
    # PJRT knows whether it took the buffers; IREE may have written them.
    count = int(session.state["count"])
    np.testing.assert_array_equal(session(row * 3, 2), session.state["cache"].sum(0))
    assert session.state["count"] == count + 1


@pytest.fixture(scope="module")
def package(tmp_path_factory) -> tuple[kvlift.LiftedModule, bytes]:
    lifted = kvlift.lift(SOURCE)
    values = {"cache": np.arange(32, dtype=np.float32).reshape(4, 8), "count": np.array(3)}
    lifted = dataclasses.replace(lifted, values=values)
    path = tmp_path_factory.mktemp("package") / "model.kvl"
    lifted.save(path)
    return lifted, path.read_bytes()


def test_truncated_packages(tmp_path: Path, package) -> None:
    _, data = package
    path = tmp_path / "model.kvl"
    for end in sorted({*range(0, len(data), 7), *range(len(data) - 64, len(data))}):
        path.write_bytes(data[:end])
        with pytest.raises(kvlift.SourceError, match=f"'{path}' is truncated or no kvlift package"):
            kvlift.load(path)


def test_edited_bytes_of_a_package_are_found_or_harmless(tmp_path: Path, package) -> None:
    """Dates and the like in the zip's headers carry nothing; all contents have checksums."""
    lifted, data = package
    path = tmp_path / "model.kvl"
    accepted = 0
    for index in range(0, len(data), 3):
        changed = bytearray(data)
        changed[index] ^= 0x55
        path.write_bytes(changed)
        try:
            loaded = kvlift.load(path)
        except kvlift.SourceError as error:
            assert str(path) in str(error)  # noqa: PT017
            continue
        accepted += 1
        assert loaded.text() == lifted.text()
        assert {n: v.tobytes() for n, v in loaded.values.items()} == {
            n: v.tobytes() for n, v in lifted.values.items()
        }
    assert accepted < len(data) / 12


def rezip(data: bytes, path: Path, *, is_sealed: bool = False, **replaced: bytes | None) -> None:
    """The package with members replaced (or left out), as somebody with a zip tool would.

    With `is_sealed`, sizes and checksums are made to fit.
    """
    old = path.with_suffix(".old")
    old.write_bytes(data)
    with zipfile.ZipFile(old) as source:
        members = {name: source.read(name) for name in source.namelist()}
    old.unlink()
    for name in list(members):
        new = replaced.get(name.partition(".")[0], members[name])
        if new is None:
            del members[name]
        else:
            members[name] = new
    if is_sealed:
        facts = json.loads(members["kvlift.json"])
        for name in facts["members"]:
            checksum = hashlib.sha256(members[name]).hexdigest()
            facts["members"][name] = {"size": len(members[name]), "sha256": checksum}
        members["kvlift.json"] = json.dumps(facts).encode()
    with zipfile.ZipFile(path, "w") as target:
        for name, member in members.items():
            target.writestr(name, member)


@pytest.mark.parametrize(
    ("replaced", "message"),
    [
        ({"kvlift": b'{"format": 1}'}, "has package format 1, this kvlift reads 2; lift and save"),
        (
            {"kvlift": b'{"format": 3, "kvlift": "9.0"}'},
            "has package format 3 of kvlift 9.0, this kvlift reads 2; pip install --upgrade kvlift",
        ),
        ({"kvlift": b'{"format": 2}'}, r"is damaged: kvlift\.json lists no members"),
        ({"kvlift": b'{"format": 2, "members": {}}'}, r"kvlift\.json does not list manifest\.json"),
        ({"kvlift": b"{}"}, r"is damaged: kvlift\.json names no format"),
        ({"kvlift": b"\xff"}, r"is damaged: kvlift\.json names no format"),
        ({"kvlift": None}, r"is no kvlift package: .*kvlift\.json"),
        ({"manifest": None}, r"was edited: the file has no manifest\.json"),
        ({"manifest": b"{}"}, r"is damaged: manifest\.json is not what kvlift\.json says; get the"),
        ({"module": SYNTAX.encode()}, r"is damaged: module\.mlirbc is not what kvlift\.json says"),
        ({"values": b"12345678abc"}, r"is damaged: values\.safetensors is not what kvlift\.json"),
        ({"splats": b"[]"}, r"is damaged: splats\.json is not what kvlift\.json says"),
    ],
)
def test_edited_members_of_a_package(tmp_path: Path, package, replaced, message: str) -> None:
    refuse_package(tmp_path, package, message, **replaced)


@pytest.mark.parametrize(
    ("replaced", "message"),
    [
        ({"manifest": b"{}"}, r"was edited: manifest\.json does not describe module\.mlirbc"),
        ({"module": b""}, r"cannot read .*model\.kvl/module\.mlirbc as StableHLO:\n.*is empty"),
        ({"module": SYNTAX.encode()}, r"module\.mlirbc:2:10: error: use of undeclared"),
        ({"module": b"func.func @main() { return }"}, r"manifest\.json does not describe"),
        ({"values": b"12345678abc"}, r"is damaged: values\.safetensors: "),
        ({"values": b""}, r"is damaged: values\.safetensors: "),
        ({"splats": b"[]"}, r"is damaged: splats\.json: "),
        ({"splats": b'{"a": {"dtype": "F32", "shape": [9], "bits": "00"}}'}, r"1 bytes for F32"),
        ({"splats": b'{"a": {"dtype": "F32", "shape": [-9], "bits": "00"}}'}, r"shape \[-9\]"),
        ({"splats": b'{"a": {"dtype": "Q8", "shape": [], "bits": "00"}}'}, r"splats\.json: 'Q8'"),
        ({"splats": b"[" * 100_000}, r"is damaged: splats\.json: "),
    ],
)
def test_edited_members_with_right_checksums(tmp_path, package, replaced, message: str) -> None:
    """Whoever edits with care meets the readers behind the checksums."""
    refuse_package(tmp_path, package, message, is_sealed=True, **replaced)


def refuse_package(tmp_path: Path, package, message: str, **replaced: bytes | bool | None) -> None:
    path = tmp_path / "model.kvl"
    rezip(package[1], path, **replaced)
    before = path.read_bytes()
    with pytest.raises(kvlift.SourceError, match=message):
        kvlift.load(path)
    assert path.read_bytes() == before
    rezip(package[1], path)
    assert kvlift.load(path).manifest == package[0].manifest


def test_edited_values_are_refused_by_the_session(tmp_path: Path, package) -> None:
    from safetensors.numpy import save

    path = tmp_path / "model.kvl"
    values = save({"cache": np.zeros((4, 7), np.float32)})
    rezip(package[1], path, is_sealed=True, values=values)
    program = kvlift.compile(kvlift.load(path))
    with pytest.raises(kvlift.SessionError, match="no initial value for 'count'"):
        program.session()
    with pytest.raises(kvlift.SessionError, match="slot 'cache' expects 4x8xf32, got 4x7xf32"):
        program.session(state={"count": 0})


def test_missing_package_and_foreign_files(tmp_path: Path, package) -> None:
    (tmp_path / "model.mlir").write_text(SOURCE)
    with pytest.raises(kvlift.SourceError, match=r"cannot read '.*none.kvl': No such file"):
        kvlift.load(tmp_path / "none.kvl")
    with pytest.raises(kvlift.SourceError, match=r"cannot read '.*': Is a directory"):
        kvlift.load(tmp_path)
    with pytest.raises(kvlift.SourceError, match="is truncated or no kvlift package"):
        kvlift.load(tmp_path / "model.mlir")
    # The other way round: a package is no module.
    (tmp_path / "model.kvl").write_bytes(package[1])
    with pytest.raises(kvlift.SourceError, match="the source is neither MLIR text nor MLIR byt"):
        kvlift.lift(tmp_path / "model.kvl")


def test_cli_refusals_have_no_traceback(tmp_path: Path) -> None:
    source = tmp_path / "model.mlir"
    source.write_text(SOURCE)
    for arguments, code, message in (
        ([source, "-o", tmp_path / "none" / "x.kvl"], 1, "No such file or directory"),
        ([source, "--lost-updates", "maybe"], 2, "must be error, return or ignore"),
        ([], 2, "Missing argument"),
    ):
        child = run("kvlift", "lift", *arguments)
        assert child.returncode == code
        assert message in child.stderr
        assert "Traceback" not in child.stderr
    assert os.listdir(tmp_path) == ["model.mlir"]
    assert json.loads(run("kvlift", "doctor", "--json").stdout)


@pytest.mark.parametrize("element", ["bf16", "i1", "f8E4M3FN", "i16"])
@pytest.mark.parametrize("splat", [True, False])
def test_first_values_of_globals_of_any_type(element: str, splat: bool) -> None:
    import ml_dtypes

    one = "true" if element == "i1" else "1" if element[0] == "i" else "1.0"
    zero = "false" if element == "i1" else "0" if element[0] == "i" else "0.0"
    text = one if splat else f"[{one}, {zero}, {one}]"
    kind = f"tensor<3x{element}>"
    lifted = kvlift.lift(
        f"ml_program.global private mutable @g(dense<{text}> : {kind}) : {kind}\n"
        f"func.func @main(%u: {kind}) -> {kind} {{\n"
        f"  %g = ml_program.global_load @g : {kind}\n"
        f"  ml_program.global_store @g = %u : {kind}\n  return %u : {kind}\n}}\n"
    )
    names = {"bf16": ml_dtypes.bfloat16, "i1": np.bool_, "i16": np.int16}
    dtype = np.dtype(names.get(element, ml_dtypes.float8_e4m3fn))
    assert lifted.values["g"].dtype == dtype
    assert lifted.values["g"].tolist() == np.array([1, 1 if splat else 0, 1], dtype).tolist()


def test_names_that_are_no_utf8() -> None:
    text = SOURCE.replace('kvlift.name = "cache"', 'kvlift.name = "\\FFa\\C3\\A9\\ED\\A0\\80"')
    with pytest.raises(
        kvlift.LiftError, match=r"is called '\\xffa\u00e9\\xed\\xa0\\x80', which is not"
    ):
        kvlift.lift(text)
