"""From a torch.export ExportedProgram to functional StableHLO with named, paired state.

1. Decompose a copy of the program; in-place ops become mutation outputs of its signature.
2. Note each input and output: name, kind, and the state that an output carries.
3. Make every input a user input and every output a user output: weights, buffers and
   constants become arguments, mutated values become leading results.
4. Import with torch-mlir, write the notes on the function as attributes, lower.
State is paired by the signature's names, never by position.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch.export.graph_signature import (
    ConstantArgument,
    ExportGraphSignature,
    InputKind,
    InputSpec,
    OutputKind,
    OutputSpec,
    SymIntArgument,
    TensorArgument,
)
from torch.utils._pytree import TreeSpec, tree_flatten_with_path, tree_unflatten

from kvlift.errors import SourceError
from kvlift.frontends import torch_mlir_lowering
from kvlift.frontends.decompositions import UpdateDecompositions
from kvlift.frontends.scalars import (
    fixed_numbers,
    numbers_as_tensors,
    read_from_rank_zero,
    sizes_as_tensors,
)
from kvlift.frontends.source_lines import traceback_source_line
from kvlift.frontends.sources import mark_nesting
from kvlift.runtime.values import as_array, is_all_zero_bits
from kvlift.structure import Fixed, Leaf, describe

if TYPE_CHECKING:
    from torch_mlir import ir

KINDS = {
    InputKind.PARAMETER: "parameter",
    InputKind.BUFFER: "buffer",
    InputKind.USER_INPUT: "user_input",
    InputKind.CONSTANT_TENSOR: "constant",
}
MUTATIONS = (
    OutputKind.BUFFER_MUTATION,
    OutputKind.PARAMETER_MUTATION,
    OutputKind.USER_INPUT_MUTATION,
)


@dataclass(frozen=True)
class ImportedProgram:
    """A program in StableHLO, and what its arguments start with.

    Attributes:
        module: one function; each argument has `kvlift.name` and `kvlift.kind`, each result
            `kvlift.name`, and each slot's argument and result `kvlift.slot`.
        values: initial values by argument name, for every argument but the user inputs. A
            slot's value is a copy; weights share the program's memory.
    """

    module: ir.Module
    values: dict[str, torch.Tensor]


@dataclass(frozen=True)
class Input:
    """One argument: its node in the graph, its name for the user, and its kind."""

    node: str
    name: str
    kind: str
    target: str | None


@dataclass(frozen=True)
class Output:
    """One result: its name, and the argument whose new value it carries, if any."""

    name: str
    slot: str | None


def import_exported_program(
    exported: torch.export.ExportedProgram,
    *,
    context: ir.Context | None = None,
    function: str = "main",
) -> ImportedProgram:
    """Imports a program; static numbers and None among its inputs are baked in.

    Args:
        exported: from `torch.export.export`, decomposed or not; it is not changed.
        context: where the module is made; a new one by default.
        function: the name of the StableHLO function.

    Returns:
        The module and the initial values. Results are the mutated state first, then the
        outputs, without those that are None or a static number.

    Raises:
        SourceError: an op has no lowering, or the program has an input or output that is no
            tensor, such as a custom object; the message names its source line.
    """
    program = _decomposed(exported)
    _check(program)
    numbers_as_tensors(program)
    sizes_as_tensors(program)
    read_from_rank_zero(program)
    signature = program.graph_signature
    inputs = _inputs(signature.input_specs)
    outputs = _outputs(program, inputs)
    nesting = _nesting(program)
    program._graph_signature = _plain(signature)
    module, func = torch_mlir_lowering.import_graph(program, context, function)
    _mark(func, inputs, outputs)
    mark_nesting(func, *nesting)
    torch_mlir_lowering.lower_to_stablehlo(module)
    return ImportedProgram(module, _values(program, inputs, outputs))


def _decomposed(exported: torch.export.ExportedProgram) -> torch.export.ExportedProgram:
    table = torch_mlir_lowering.decomposition_table() | UpdateDecompositions().table()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return exported.run_decompositions(table)
    except Exception as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        line = traceback_source_line(error)
        advice = "export the model with kvlift.export, which also tries torch.export's other mode"
        if "data-dependent" in reason:
            advice = "keep sizes independent of values: torch.where in place of x[mask] = rows"
        raise SourceError(
            f"{line + ': ' if line else ''}torch cannot decompose the exported program: {reason}; "
            f"{advice}"
        ) from error


def _check(program: torch.export.ExportedProgram) -> None:
    """Refuses what has no tensor to stand for it, and numbers that vary in name only."""
    signature = program.graph_signature
    for spec in [*signature.input_specs, *signature.output_specs]:
        _check_spec(spec)
    for name, value in fixed_numbers(program):
        raise SourceError(
            f"input {name!r} was to vary, but the export fixed it to {value} (a number in "
            "x[..., n] does); use x.narrow(dim, n, 1) or a 1-D tensor index"
        )


def _check_spec(spec: InputSpec | OutputSpec) -> None:
    known = isinstance(spec.arg, TensorArgument | SymIntArgument | ConstantArgument)
    if known and (spec.kind in KINDS or spec.kind in (*MUTATIONS, OutputKind.USER_OUTPUT)):
        return
    name = getattr(spec.arg, "name", spec.target)
    what = spec.kind.name.lower().replace("_", " ")
    raise SourceError(
        f"{name!r} is a {what} ({type(spec.arg).__name__}), which StableHLO cannot carry; pass "
        "tensors in and out of the model"
    )


def _inputs(specs: Iterable[InputSpec]) -> list[Input]:
    """Arguments in order: state and weights by qualified name, user inputs by their own."""
    specs = [s for s in specs if not isinstance(s.arg, ConstantArgument)]
    taken = {s.target for s in specs if s.target is not None}
    inputs = []
    for spec in specs:
        name = spec.target
        if name is None:
            name = _unique(spec.arg.name, taken)
            taken.add(name)
        inputs.append(Input(spec.arg.name, name, KINDS[spec.kind], spec.target))
    return inputs


def _outputs(program: torch.export.ExportedProgram, inputs: list[Input]) -> list[Output]:
    by_target = {i.target: i.name for i in inputs if i.target is not None}
    by_node = {i.node: i.name for i in inputs}
    names = iter(_output_names(program))
    outputs: list[Output] = []
    for spec in program.graph_signature.output_specs:
        if spec.kind is OutputKind.USER_OUTPUT:
            name = next(names)
            if not isinstance(spec.arg, ConstantArgument):
                taken = {i.name for i in inputs} | {o.name for o in outputs}
                outputs.append(Output(_unique(name, taken), None))
            continue
        of_input = spec.kind is OutputKind.USER_INPUT_MUTATION
        slot = by_node[spec.target] if of_input else by_target[spec.target]
        outputs.append(Output(slot, slot))
    return outputs


def _output_names(program: torch.export.ExportedProgram) -> list[str]:
    """One name per user output: its path in what `forward` returns (`logits`, `output.0`)."""
    out_spec = program.call_spec.out_spec
    count = out_spec.num_leaves
    if out_spec.is_leaf():
        return ["output"]
    paths, _ = tree_flatten_with_path(tree_unflatten(range(count), out_spec))
    names = []
    for path, _ in paths:
        parts = [re.sub(r"[^\w]", "", str(key)) for key in path]
        names.append(".".join(parts if not parts[0].isdigit() else ["output", *parts]))
    return names


def _nesting(program: torch.export.ExportedProgram) -> tuple[str | None, str | None]:
    """How arguments and results are nested; each is counted among those that are tensors."""
    specs, signature = program.call_spec, program.graph_signature
    inputs = [s for s in signature.input_specs if s.kind is InputKind.USER_INPUT]
    arguments = [s for s in signature.input_specs if not isinstance(s.arg, ConstantArgument)]
    outputs = [s for s in signature.output_specs if s.kind is OutputKind.USER_OUTPUT]
    results = [s for s in signature.output_specs if not isinstance(s.arg, ConstantArgument)]
    return (
        _described(specs.in_spec, inputs, arguments),
        _described(specs.out_spec, outputs, results),
    )


def _described(spec: TreeSpec, leaves: list[Any], counted: list[Any]) -> str | None:
    index = {id(item): position for position, item in enumerate(counted)}
    if spec is None or spec.num_leaves != len(leaves):
        return None
    stands = [
        Leaf(index[id(item)]) if id(item) in index else Fixed(item.arg.value) for item in leaves
    ]
    return describe(tree_unflatten(stands, spec))


def _unique(name: str, taken: set[str]) -> str:
    candidate, count = name, 0
    while candidate in taken:
        count += 1
        candidate = f"{name}_{count}"
    return candidate


def _plain(signature: ExportGraphSignature) -> ExportGraphSignature:
    """The same inputs and outputs with every one a user's, constant results left out."""
    return ExportGraphSignature(
        [InputSpec(InputKind.USER_INPUT, s.arg, None) for s in signature.input_specs],
        [
            OutputSpec(OutputKind.USER_OUTPUT, s.arg, None)
            for s in signature.output_specs
            if not isinstance(s.arg, ConstantArgument)
        ],
    )


def _mark(func: ir.Operation, inputs: list[Input], outputs: list[Output]) -> None:
    """Writes names, kinds and ties on the function; torch-mlir carries them through."""
    from torch_mlir import ir

    slots = {o.slot for o in outputs if o.slot is not None}
    arguments = [
        {"kvlift.name": i.name, "kvlift.kind": i.kind}
        | ({"kvlift.slot": i.name} if i.name in slots else {})
        for i in inputs
    ]
    results = [
        {"kvlift.name": o.name} | ({"kvlift.slot": o.slot} if o.slot else {}) for o in outputs
    ]
    with func.context:
        for key, marks in (("arg_attrs", arguments), ("res_attrs", results)):
            func.attributes[key] = ir.ArrayAttr.get(
                [
                    ir.DictAttr.get({k: ir.StringAttr.get(v) for k, v in mark.items()})
                    for mark in marks
                ]
            )


def _values(
    program: torch.export.ExportedProgram, inputs: list[Input], outputs: list[Output]
) -> dict[str, torch.Tensor]:
    """Slots are copied: the module that was exported goes on changing its own."""
    slots = {o.slot for o in outputs}
    values = {}
    for item in inputs:
        if item.target is None:
            continue
        value = program.state_dict.get(item.target)
        if value is None:
            value = program.constants[item.target]
        value = value.detach()
        values[item.name] = _copied(value) if item.name in slots else value
    return values


def _copied(value: torch.Tensor) -> torch.Tensor:
    """A copy; an empty cache, the common case, takes no memory."""
    if is_all_zero_bits(as_array(value, "a buffer")):
        return torch.zeros((), dtype=value.dtype).expand(value.shape)
    return value.clone()
