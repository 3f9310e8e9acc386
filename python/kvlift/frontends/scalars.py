"""Numbers that the program reads when it runs: 0-d integer tensors, and `.item()` of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode
from torch.export.graph_signature import InputSpec, OutputSpec, SymIntArgument, TensorArgument
from torch.fx.passes.shape_prop import _extract_tensor_metadata

READ = torch.ops.aten._local_scalar_dense.default


def numbers_as_tensors(program: torch.export.ExportedProgram) -> None:
    """Whole-number inputs that vary from call to call become tensor<i64> inputs.

    `forward(x, n)` gets the form `forward(x, t)` with n read from t in the graph: torch-mlir
    would make an argument of type `i64`, and StableHLO functions take tensors only. In place,
    on the importer's own copy of the program.
    """
    graph = program.graph
    placeholders = {node.name: node for node in graph.nodes if node.op == "placeholder"}
    specs = program.graph_signature.input_specs
    for position, spec in enumerate(specs):
        if not isinstance(spec.arg, SymIntArgument):
            continue
        node = placeholders[spec.arg.name]
        with graph.inserting_after(list(placeholders.values())[-1]):
            number = graph.call_function(READ, (node,))
        node.replace_all_uses_with(number, delete_user_cb=_is_not(number))
        number.meta["val"] = node.meta["val"]
        _annotate(node, _fake_mode(program).from_tensor(torch.zeros((), dtype=torch.int64)))
        specs[position] = InputSpec(spec.kind, TensorArgument(spec.arg.name), spec.target)


def sizes_as_tensors(program: torch.export.ExportedProgram) -> None:
    """Whole numbers that the program returns, such as a size, become tensor<i64> results."""
    graph = program.graph
    nodes = {node.name: node for node in graph.nodes}
    specs = program.graph_signature.output_specs
    for position, spec in enumerate(specs):
        if not isinstance(spec.arg, SymIntArgument):
            continue
        number = nodes[spec.arg.name]
        with graph.inserting_before(graph.output_node()):
            scalar = graph.call_function(
                torch.ops.aten.scalar_tensor.default, (number,), {"dtype": torch.int64}
            )
        _annotate(scalar, _fake_mode(program).from_tensor(torch.zeros((), dtype=torch.int64)))
        specs[position] = OutputSpec(spec.kind, TensorArgument(scalar.name), spec.target)


def fixed_numbers(program: torch.export.ExportedProgram) -> list[tuple[str, int]]:
    """Inputs that were to vary and that tracing fixed: torch.export ignores them silently."""
    nodes = {node.name: node for node in program.graph.nodes if node.op == "placeholder"}
    fixed = []
    for spec in program.graph_signature.input_specs:
        if isinstance(spec.arg, SymIntArgument):
            value = nodes[spec.arg.name].meta["val"]
            number = value if isinstance(value, int) else value.node.maybe_as_int()
            fixed += [] if number is None else [(spec.arg.name, int(number))]
    return fixed


def read_from_rank_zero(program: torch.export.ExportedProgram) -> None:
    """`.item()` of a one-element tensor reads from its 0-d reshape, which torch-mlir lowers."""
    graph = program.graph
    for node in [n for n in graph.nodes if n.op == "call_function" and n.target is READ]:
        source = node.args[0]
        value = source.meta["val"]
        if value.dim() == 0:
            continue
        with graph.inserting_before(node):
            scalar = graph.call_function(torch.ops.aten.view.default, (source, []))
        scalar.meta.update(stack_trace=node.meta.get("stack_trace"))
        _annotate(scalar, value.reshape([]))
        node.args = (scalar,)


def _is_not(kept: Any) -> Callable[[Any], bool]:
    return lambda user: user is not kept


def _annotate(node: Any, value: torch.Tensor) -> None:
    node.meta.update(val=value, tensor_meta=_extract_tensor_metadata(value))


def _fake_mode(program: torch.export.ExportedProgram) -> FakeTensorMode:
    values = (node.meta.get("val") for node in program.graph.nodes)
    modes = (value.fake_mode for value in values if isinstance(value, FakeTensor))
    return next(modes, None) or FakeTensorMode()
