"""`kvlift run`."""

from __future__ import annotations

import time
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kvlift.cli.options import (
    FunctionOption,
    InputsOption,
    JsonOption,
    SeedOption,
    SourceArgument,
    TargetOption,
    TrustOption,
    console,
    notes,
    one_function,
    print_json,
    read_lifted,
    table_of,
    working,
)

if TYPE_CHECKING:
    from kvlift.runtime.values import Host
    from kvlift.slots import Function


def run(
    source: SourceArgument,
    target: TargetOption = "pjrt:cpu",
    function: FunctionOption = None,
    given: InputsOption = None,
    inputs: Annotated[
        Path | None, typer.Option(help="An .npz file of such values by name.", show_default=False)
    ] = None,
    seed: SeedOption = None,
    steps: Annotated[int, typer.Option(min=1, help="How many calls, on one state.")] = 1,
    save: Annotated[
        Path | None,
        typer.Option(
            help="Write the last call's results, and the slots as state/NAME, to an .npz file.",
            show_default=False,
        ),
    ] = None,
    trust_compiled: TrustOption = False,
    as_json: JsonOption = False,
) -> None:
    """Run a function of a package or module for some steps, and sum up what comes out.

    Inputs, weights and slots that have no value are zeros, or random values with --seed; they
    are listed on standard error.

    Example: `kvlift run model.kvl --input tokens=[[1]] --input position=[0] --steps 3`
    """
    import kvlift
    from kvlift.filling import parse_inputs, values_for

    lifted = read_lifted(source)
    name = one_function(lifted, function)
    signature = lifted.manifest.function(name)
    values = values_for(signature, lifted.values, parse_inputs(given or [], inputs), seed)
    with working(f"compiling for {target}"):
        program = kvlift.compile(lifted, target, trust_compiled=trust_compiled)
    if values.filled:
        kind = "zeros" if seed is None else f"random values of seed {seed}"
        notes().print(f"{kind}: {', '.join(values.filled)}")
    with program.session(values.weights, values.state, function=name) as session:
        begin = time.perf_counter()
        with working(f"running {name}"):
            for _ in range(steps):
                results = session(**values.inputs)
        milliseconds = (time.perf_counter() - begin) * 1e3 / steps
        state = {slot.name: session.state[slot.name] for slot in signature.state}
    made = _named(signature, results)
    if save is not None:
        _save(save, made, state)
    facts = {
        "target": target,
        "function": name,
        "steps": steps,
        "milliseconds_per_step": round(milliseconds, 3),
        "from_cache": program.from_cache[name],
        "results": [_summary(n, value) for n, value in made.items()],
        "state": [_summary(n, value) for n, value in state.items()],
    }
    if as_json:
        print_json(facts)
    else:
        _print(facts)


def _named(function: Function, results: Any) -> dict[str, Host]:
    """The results of a call by their names in the manifest."""
    from kvlift.runtime.nesting import NestedOutputs

    outputs = {r.index: r.name for r in function.results if not r.is_state}
    if function.outputs is not None:
        apart = NestedOutputs(function.outputs, outputs).take_apart(results)
        return {name: apart[index] for index, name in outputs.items()}
    found = results if isinstance(results, tuple) else () if results is None else (results,)
    return dict(zip(outputs.values(), found, strict=True))


def _save(path: Path, results: Mapping[str, Host], state: Mapping[str, Host]) -> None:
    """Writes an .npz file, whole or not at all; element types that numpy lacks become bytes.

    `np.savez` takes names as keywords, so a result must not be called `file`.
    """
    import numpy as np

    from kvlift.whole_file import whole_file

    with whole_file(path) as file, zipfile.ZipFile(file, "w") as archive:
        for name, value in {**results, **{f"state/{n}": v for n, v in state.items()}}.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, value, allow_pickle=False)


def _summary(name: str, value: Host) -> dict[str, Any]:
    import numpy as np

    from kvlift.runtime.values import type_of

    facts: dict[str, Any] = {"name": name, "type": str(type_of(value)), "elements": value.size}
    if value.size == 0 or value.dtype.kind == "c":
        return facts
    numbers = value.astype(np.float64)
    finite = numbers[np.isfinite(numbers)]
    facts["not_finite"] = value.size - finite.size
    if finite.size:
        facts |= {
            "least": float(finite.min()),
            "mean": float(finite.mean()),
            "greatest": float(finite.max()),
        }
    return facts


def _print(facts: dict[str, Any]) -> None:
    count = f"{facts['steps']} steps" if facts["steps"] > 1 else "1 step"
    title = (
        f"{facts['function']} on {facts['target']}, {count}, "
        f"{facts['milliseconds_per_step']:.2f} ms each"
    )
    numbers = ("least", "mean", "greatest", "not finite")
    table = table_of("", "name", "type", numbers=numbers, title=title)
    for kind in ("results", "state"):
        for number, value in enumerate(facts[kind]):
            table.add_row(
                ("slot" if kind == "state" else "result") if number == 0 else "",
                value["name"],
                value["type"],
                *(f"{value[k]:.6g}" if k in value else "" for k in ("least", "mean", "greatest")),
                str(value.get("not_finite", "")),
                end_section=number == len(facts[kind]) - 1,
            )
    console().print(table)
