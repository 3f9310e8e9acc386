"""The `kvlift` command: help, JSON, exit codes, errors without tracebacks, completion."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import kvlift
from kvlift import cli

KVLIFT = Path(sys.executable).with_name("kvlift")
TARGETS = ("pjrt:cpu", "iree:cpu")
COMMANDS = ("lift", "compile", "run", "audit", "inspect", "bench", "demo", "doctor", "cache")
# A weight, a slot, an input and a position: y = sum of the cache's rows times w.
STEP = """
func.func @main(%w: tensor<8xf32> {kvlift.name = "w", kvlift.kind = "parameter"},
                %c: tensor<16x8xf32> {kvlift.name = "c", tf.aliasing_output = 0 : i32},
                %x: tensor<1x8xf32> {kvlift.name = "x"}, %p: tensor<i32> {kvlift.name = "p"})
    -> (tensor<16x8xf32>, tensor<8xf32> {kvlift.name = "y"}) {
  %z = stablehlo.constant dense<0> : tensor<i32>
  %f = stablehlo.constant dense<0.0> : tensor<f32>
  %n = stablehlo.dynamic_update_slice %c, %x, %p, %z
      : (tensor<16x8xf32>, tensor<1x8xf32>, tensor<i32>, tensor<i32>) -> tensor<16x8xf32>
  %s = stablehlo.reduce(%n init: %f) applies stablehlo.add across dimensions = [0]
      : (tensor<16x8xf32>, tensor<f32>) -> tensor<8xf32>
  %y = stablehlo.multiply %s, %w : tensor<8xf32>
  return %n, %y : tensor<16x8xf32>, tensor<8xf32>
}"""


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KVLIFT_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("KVLIFT_CACHE_LIMIT", "1GB")
    monkeypatch.setenv("COLUMNS", "200")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "step.mlir"
    path.write_text(STEP)
    return path


def invoke(*arguments: object, code: int = 0) -> Any:
    """The command in this process."""
    result = CliRunner().invoke(cli.app, [str(a) for a in arguments])
    assert result.exit_code == code, result.output + repr(result.exception)
    return result


def as_json(*arguments: object, code: int = 0) -> Any:
    return json.loads(invoke(*arguments, "--json", code=code).stdout)


def shell(*arguments: object, **variables: str) -> subprocess.CompletedProcess[str]:
    """The command as a shell runs it."""
    return subprocess.run(
        [KVLIFT, *map(str, arguments)],
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )


def test_help_lists_every_command() -> None:
    listed = invoke("--help").stdout
    for command in COMMANDS:
        assert f"│ {command} " in listed


@pytest.mark.parametrize(
    "command", [c.split() for c in (*COMMANDS[:-1], "cache list", "cache stats", "cache clear")]
)
def test_every_command_has_an_example_and_json(command: list[str]) -> None:
    text = invoke(*command, "--help").stdout
    assert "Example: kvlift " + command[0] in text
    assert "--json" in text


def test_no_command_is_help() -> None:
    assert "Usage: kvlift" in shell().stderr + shell().stdout


def test_lift_as_json(source: Path, tmp_path: Path) -> None:
    lifted = kvlift.lift(source)
    facts = as_json("lift", source)
    assert facts["manifest"] == json.loads(json.dumps(facts["manifest"]))
    assert [s["name"] for s in facts["manifest"]["functions"][0]["slots"]] == ["c"]
    assert facts["diagnostics"] == []
    assert facts["module"] == lifted.text()
    assert "module" not in as_json("lift", source, "-o", tmp_path / "step.kvl")
    assert kvlift.load(tmp_path / "step.kvl").slots == lifted.slots


def test_inspect_and_audit_as_json(source: Path) -> None:
    facts = as_json("inspect", source)
    (chain,) = facts["chains"][0]["chains"]
    assert [v["op"] for v in chain["versions"]] == ["argument", "dynamic_update_slice"]
    for target in TARGETS:
        report = as_json("audit", source, "--target", target)
        assert report == {"target": target, "copies": []}


def test_compile_keeps_what_it_compiled(source: Path, tmp_path: Path) -> None:
    package, arguments = tmp_path / "ready.kvl", ["--target", "pjrt:cpu", "--target", "iree:cpu"]
    first = as_json("compile", source, *arguments, "-o", package)
    assert [(f["target"], f["from_cache"], f["copies_for_target"]) for f in first] == [
        ("pjrt:cpu", False, 0),
        ("iree:cpu", False, 0),
    ]
    assert [f["from_cache"] for f in as_json("compile", source, *arguments)] == [True, True]
    assert "from the cache" in invoke("compile", source).stdout
    invoke("cache", "clear")
    assert len(kvlift.load(package).compiled) == 2
    for target in TARGETS:
        facts = as_json("run", package, "--target", target, "--trust-compiled")
        assert facts["from_cache"]
        assert not as_json("run", package, "--target", target)["from_cache"]


def test_a_module_comes_through_a_pipe(source: Path) -> None:
    for command in ("lift {} --json", "run {} --json"):
        line = f"{KVLIFT} {command.format(f'<(cat {source})')}"
        done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)


def test_compile_refuses_copies_on_request(tmp_path: Path) -> None:
    path = tmp_path / "rolled.mlir"
    tensor = "tensor<64x64xf32>"
    path.write_text(
        f"func.func @main(%c: {tensor} {{tf.aliasing_output = 0 : i32}}) -> {tensor} {{\n"
        f"  %r = stablehlo.transpose %c, dims = [1, 0] : ({tensor}) -> {tensor}\n"
        f"  return %r : {tensor}\n}}"
    )
    assert as_json("compile", path)[0]["copies_for_target"] >= 1
    done = shell("compile", path, "--require-in-place", "-o", tmp_path / "x.kvl")
    assert done.returncode == 1
    assert done.stderr.startswith("error: ")
    assert not (tmp_path / "x.kvl").exists()


@pytest.mark.parametrize("target", TARGETS)
def test_run_steps_on_one_state(source: Path, tmp_path: Path, target: str) -> None:
    x, w = tmp_path / "x.npy", np.arange(8, dtype=np.float32)
    np.save(x, np.full((1, 8), 2, np.float32))
    np.savez(tmp_path / "more.npz", w=w)
    out = tmp_path / "out.npz"
    result = invoke(
        *("run", source, "--target", target, "--steps", 2, "--input", f"x={x}", "-i", "p=3"),
        *("--inputs", tmp_path / "more.npz", "--save", out, "--json"),
    )
    assert result.stderr == "zeros: c\n"
    facts = json.loads(result.stdout)
    assert facts["results"] == [
        {"name": "y", "type": "8xf32", "elements": 8, "not_finite": 0,
         "least": 0.0, "mean": 7.0, "greatest": 14.0},
    ]  # fmt: skip
    with np.load(out) as saved:
        assert sorted(saved.files) == ["state/c", "y"]
        np.testing.assert_array_equal(saved["y"], 2 * w)
        assert saved["state/c"][3].sum() == 16
        assert saved["state/c"].sum() == 16
    text = invoke("run", source, "--target", target, "-i", "p=1").stdout
    assert f"main on {target}, 1 step, " in text


def test_run_names_results_that_the_source_nested(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")

    class Nested(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("total", torch.zeros(2))

        def forward(self, given):
            self.total += given["x"]
            return {"sum": self.total + given["y"], "parts": [given["x"] * 2, None, 3]}

    inputs = {"x": torch.ones(2), "y": torch.ones(2)}
    kvlift.lift(kvlift.export(Nested(), (inputs,))).save(tmp_path / "nested.kvl")
    facts = as_json("run", tmp_path / "nested.kvl", "-i", "given_x=[1,2]", "-i", "given_y=[3,4]")
    found = {result["name"]: result["greatest"] for result in facts["results"]}
    assert found == {"sum": 6.0, "parts.0": 4.0}


def test_names_with_brackets_are_no_markup(tmp_path: Path) -> None:
    path = tmp_path / "step[red].mlir"
    path.write_text(STEP.replace('"c"', '"c[/red]"').replace('"y"', '"[bold]y"'))
    for command in ("run", "inspect"):
        assert "c[/red]" in invoke(command, path).output
    assert "[bold]y" in invoke("run", path).output
    for command in ("audit", "bench", "compile"):
        invoke(command, path)
    assert "step[red].kvl: 1 slots" in invoke("lift", path, "-o", path.with_suffix(".kvl")).stderr


def test_run_fills_with_a_seed(source: Path) -> None:
    runs = [as_json("run", source, "--seed", seed) for seed in (1, 1, 2)]
    found = [run["results"] for run in runs]
    assert found[0] == found[1] != found[2]
    assert "random values of seed 1: w, c, x, p" in invoke("run", source, "--seed", 1).stderr


def test_bench_times_both_forms(source: Path) -> None:
    found = as_json("bench", source, "--steps", 3, "--target", "pjrt:cpu", "--target", "iree:cpu")
    assert list(found) == list(TARGETS)
    for timings in found.values():
        assert timings["lifted"]["copies"] == 0
        for form in ("lifted", "unlifted"):
            timing = timings[form]
            assert timing["problem"] == ""
            assert 0 < timing["low"] <= timing["median"] <= timing["high"]
    assert "ms per step, median of 2" in invoke("bench", source, "--steps", 2).stdout


def test_one_of_several_functions(tmp_path: Path) -> None:
    path = tmp_path / "two.mlir"
    path.write_text(STEP + STEP.replace("@main", "@other"))
    assert as_json("run", path, "--function", "other", "-i", "p=1")["function"] == "other"
    assert list(as_json("bench", path, "--function", "main", "--steps", 2)) == ["pjrt:cpu"]
    assert len(as_json("compile", path)) == 2
    for command in ("run", "bench"):
        assert "must be one of: main, other" in invoke(command, path, code=2).output


def test_cache_commands(source: Path, tmp_path: Path) -> None:
    assert "the cache is empty" in invoke("cache", "list").stdout
    assert as_json("cache", "stats")["entries"] == 0
    invoke("compile", source, "--target", "pjrt:cpu", "--target", "iree:cpu")
    listed = as_json("cache", "list")
    assert {entry["header"]["target"] for entry in listed} == set(TARGETS)
    text = invoke("cache", "list").stdout
    assert "jaxlib" in text
    assert "IREE" in text
    stats = as_json("cache", "stats")
    assert stats["entries"] == 2
    assert stats["bytes"] == sum(entry["size"] for entry in listed)
    assert stats["limit"] == 10**9
    assert str(tmp_path / "cache") in invoke("cache", "stats").stdout
    (tmp_path / "cache" / f"{listed[0]['key']}.kvx").write_bytes(b"damaged")
    assert "damaged" in invoke("cache", "list").stdout
    assert as_json("cache", "clear") == {"removed": 2}
    assert list((tmp_path / "cache").iterdir()) == []
    (tmp_path / "cache").chmod(0o777)
    done = shell("cache", "list")
    assert done.returncode == 1
    assert "is not used: others can write" in done.stderr


def test_doctor_looks_at_the_cache(source: Path, tmp_path: Path) -> None:
    from kvlift.doctor import _cache_finding

    folder = tmp_path / "cache"
    assert _cache_finding().found == f"{folder}, empty"
    invoke("compile", source)
    assert _cache_finding().found == f"{folder}, 1 executables"
    folder.chmod(0o777)
    finding = _cache_finding()
    assert finding.found.startswith(f"the executable cache '{folder}' is not used: others can")
    assert finding.fix == "mend the folder, or set KVLIFT_CACHE_DIR"


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["run", "SOURCE", "-i", "q=1"], 1, "has no argument or slot 'q'; it has: w, c, x, p"),
        (["run", "SOURCE", "-i", "x"], 1, "input 'x' must be NAME=file.npy or NAME=JSON"),
        (["run", "SOURCE", "-i", "x={"], 1, "input 'x' is neither a .npy file nor JSON"),
        (["run", "SOURCE", "-i", "x=none.npy"], 1, "No such file or directory: 'none.npy'"),
        (["run", "SOURCE", "-i", "x=TEXT.npy"], 1, "TEXT.npy' as an array"),
        (["run", "SOURCE", "--inputs", "TEXT.npy"], 1, "TEXT.npy' as arrays by name"),
        (["run", "SOURCE", "-i", "p=1.5"], 1, "'p' expects i32, which cannot hold the value 1.5"),
        (["run", "SOURCE", "-i", "x=[1,2]"], 1, "argument 'x' expects 1x8xf32, got 2xf32"),
        (["run", "SOURCE", "--steps", "0"], 2, "Invalid value for"),
        (["run", "SOURCE", "--function", "f"], 2, "must be one of: main"),
        (["run", "SOURCE", "--target", "tpu"], 1, "unknown target 'tpu'; the targets are pjrt:cpu"),
        (["run", "SOURCE", "--inputs", "CUT.npz"], 1, "CUT.npz' as arrays by name"),
        (["run", "SOURCE", "-i", "x=HUGE.npy"], 1, "HUGE.npy' as an array: Unable to allocate"),
        (["run", "SOURCE", "-i", "x=ODD.npy"], 1, "ODD.npy' as an array"),
        (["run", "SOURCE", "-i", "x=null"], 1, "argument 'x' expects a tensor, got NoneType"),
        (["run", "SOURCE", "--save", "none/x.npz"], 1, "No such file or directory: 'none/x.npz'"),
        (["inspect", "SOURCE", "--html", "none/x"], 1, "No such file or directory: 'none/x'"),
        (["inspect", "SOURCE", "--dot", "FOLDER"], 1, "Is a directory: 'FOLDER'"),
        (["compile", "none.kvl"], 1, "cannot read 'none.kvl': No such file or directory"),
        (["run", "CUT.kvl"], 1, "'CUT.kvl' is truncated or no kvlift package"),
        (["run", "."], 1, "cannot read . as StableHLO"),
        (["lift", "CUT.kvl"], 2, "is a package, which is lifted already; kvlift inspect"),
        (["compile", "SOURCE", "-o", "none/x.kvl"], 1, "No such file or directory: 'none/x.kvl'"),
        (["bench", "SOURCE", "--target", "tpu"], 1, "unknown target 'tpu'"),
        (["lift"], 2, "Missing argument"),
        (["fly"], 2, "No such command 'fly'"),
    ],
)
def test_errors_have_a_code_and_no_traceback(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys, arguments, code, message
) -> None:
    (tmp_path / "TEXT.npy").write_text("text")
    (tmp_path / "FOLDER").mkdir()
    for name in ("CUT.npz", "CUT.kvl"):
        (tmp_path / name).write_bytes(b"PK\x03\x04 and no more")
    for name, extent in (("HUGE.npy", "9" * 14), ("ODD.npy", "((((")):
        head = f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({extent},), }}\n".encode()
        start = b"\x93NUMPY\x01\x00" + len(head).to_bytes(2, "little")
        (tmp_path / name).write_bytes(start + head)
    monkeypatch.chdir(tmp_path)
    given = [str(source) if a == "SOURCE" else a for a in arguments]
    monkeypatch.setattr(sys, "argv", ["kvlift", *given])
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    assert stopped.value.code == code
    out, error = capsys.readouterr()
    assert out == ""
    assert message in " ".join(error.replace("│", " ").split())
    assert "Traceback" not in error
    # Nothing half-written is left.
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_errors_as_json(tmp_path: Path) -> None:
    """On standard output, with diagnostics; the text is on standard error as ever."""
    path = tmp_path / "lost.mlir"
    lost = STEP.replace(", tf.aliasing_output = 0 : i32", "").replace("return %n", "return %c")
    path.write_text(lost)
    done = shell("lift", path, "--json")
    error = json.loads(done.stdout)["error"]
    assert (done.returncode, error["type"]) == (1, "LiftError")
    assert "error: the program cannot be lifted" in done.stderr
    assert error["message"].startswith("the program cannot be lifted")
    assert [d["severity"] for d in error["diagnostics"]] == ["error"]
    assert error["diagnostics"][0]["location"]["file"] == str(path)
    done = shell("run", tmp_path / "none.mlir", "--json")
    assert json.loads(done.stdout)["error"]["type"] == "SourceError"


def test_error_messages_on_standard_error(source: Path, tmp_path: Path) -> None:
    done = shell("run", source, "-i", "q=1")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "error: function 'main' has no argument or slot 'q'; it has: w, c, x, p\n"
    for arguments in (
        ("--debug", "run", source, "-i", "q=1"),
        ("run", source, "-i", "q=1", "--debug"),
    ):
        done = shell(*arguments)
        assert done.returncode == 1
        assert done.stderr.startswith("Traceback")
        assert "kvlift.errors.SourceError: function 'main' has no argument" in done.stderr


def test_defects_of_kvlift_are_told_apart(monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    from kvlift import doctor

    def fail() -> None:
        raise RuntimeError("broken [thing]")

    monkeypatch.setattr(doctor, "examine", fail)
    monkeypatch.setattr(sys, "argv", ["kvlift", "doctor"])
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    assert stopped.value.code == 70
    error = capsys.readouterr().err
    assert "error: RuntimeError: broken [thing]" in error
    assert "this is a defect of kvlift; --debug shows where it happened" in error


def test_an_interrupt_is_told_by_its_code(monkeypatch: pytest.MonkeyPatch, capsys) -> None:
    from kvlift import doctor

    def interrupt() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(doctor, "examine", interrupt)
    monkeypatch.setattr(sys, "argv", ["kvlift", "doctor"])
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    assert stopped.value.code == 130
    assert "Traceback" not in capsys.readouterr().err


def test_completion() -> None:
    for words, count, expected in (
        ("kvlift co", 1, ["compile"]),
        ("kvlift run --target ir", 3, ["iree:cpu"]),
        ("kvlift cache s", 2, ["stats"]),
    ):
        done = shell(_KVLIFT_COMPLETE="complete_bash", COMP_WORDS=words, COMP_CWORD=str(count))
        assert done.stdout.split() == expected
    for kind in ("bash", "zsh", "fish"):
        assert "_KVLIFT_COMPLETE" in shell("--show-completion", kind).stdout


def test_help_is_light() -> None:
    script = (
        "import sys; import kvlift.cli; print([m for m in sys.modules if m.split('.')[0] in "
        "('jax', 'jaxlib', 'iree', 'torch', 'torch_mlir', 'numpy', 'transformers')])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout == "[]\n"
