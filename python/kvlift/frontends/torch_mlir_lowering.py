"""torch-mlir: from a graph whose signature has only user inputs and outputs to StableHLO.

The one file that touches torch-mlir's private Python interfaces (FxImporter, its table of
decompositions, the names of its pipelines). Nothing is printed: the stages run here, with
their diagnostics captured, rather than in `torch_mlir.fx`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from kvlift.errors import SourceError
from kvlift.frontends.source_lines import mlir_source_line, node_source_line

if TYPE_CHECKING:
    import torch
    from torch_mlir import ir

TESTED_VERSION = "20261001"
TO_TORCH = (
    "builtin.module(func.func(torch-match-quantized-custom-ops),"
    "torchdynamo-export-to-torch-backend-pipeline{ extra-library=})"
)
ADVICE = (
    "rewrite this line with other ops, or give ExportedProgram.run_decompositions a "
    "decomposition for it before the lift"
)
_CUSTOM_OP = re.compile(r'"torch\.operator".*?name = "torch\.([^"]+)"', re.DOTALL)
_TORCH_OP = re.compile(r"""['"]torch\.([\w.]+)['"]""")
_NEVER_TO_BLAME = ("torch.constant", "torch.vtensor.literal", "torch.prim.ListConstruct")
TO_STABLEHLO = "builtin.module(torch-backend-to-stablehlo-backend-pipeline{allow-non-finites=true})"


def decomposition_table() -> dict[Any, Callable[..., Any]]:
    """A fresh copy of torch-mlir's own decompositions."""
    try:
        from torch_mlir.extras.fx_decomp_util import get_decomposition_table
    except ImportError as error:
        raise _changed(error) from error
    return dict(get_decomposition_table())


def import_graph(
    program: torch.export.ExportedProgram, context: ir.Context | None, function: str
) -> tuple[ir.Module, ir.Operation]:
    """The graph as one function of the torch dialect: the module and the function.

    Raises:
        SourceError: a node has no form in the torch dialect.
    """
    from torch_mlir import ir

    try:
        from torch_mlir._mlir_libs._stablehlo import register_dialect as register_stablehlo
        from torch_mlir.dialects import torch as torch_dialect
        from torch_mlir.extras.fx_importer import FxImporter, GraphNodeImporter
    except ImportError as error:
        raise _changed(error) from error
    current: list[Any] = []

    class Watched(GraphNodeImporter):  # type: ignore[misc]
        """Remembers the node at work, so that a failure can name its source line."""

        def import_nodes(self, nodes: Iterable[Any], **options: Any) -> None:
            super().import_nodes(_watch(nodes, current), **options)

    context = context or ir.Context()
    torch_dialect.register_dialect(context)
    register_stablehlo(context)
    try:
        importer = FxImporter(context=context, graph_node_importer_cls=Watched)
        func = importer.import_program(program, func_name=function)
    except (TypeError, AttributeError) as error:
        raise _refused(current, error) if current else _changed(error) from error
    except Exception as error:
        raise _refused(current, error) from error
    return importer.module, func


def lower_to_stablehlo(module: ir.Module) -> None:
    """Lowers a module of the torch dialect in place; argument and result marks survive.

    Raises:
        SourceError: an op has no lowering; the message names it and its source line.
    """
    _run(module, TO_TORCH)
    # `.item()` and `narrow` leave checks of the sizes they found; StableHLO has no such op,
    # and the program is right for every input that passes them.
    for op in [op for op in _operations(module.operation) if op.name == "torch.runtime.assert"]:
        op.erase()
    _run(module, TO_STABLEHLO)
    _narrow_positions(module)


def _narrow_positions(module: ir.Module) -> None:
    """Lets sorts carry positions in 32 bits and widens them after.

    IREE makes a `chlo.top_k` of torch's top k, a sort of values beside an iota, and then refuses
    it for positions of 64 bits. No dimension is as long as to need those.
    """
    for op in [op for op in _operations(module.operation) if op.name == "stablehlo.sort"]:
        arguments = op.regions[0].blocks[0].arguments
        for i, operand in enumerate(op.operands):
            pair = (arguments[2 * i], arguments[2 * i + 1])
            if _is_wide_iota(operand) and not any(list(a.uses) for a in pair):
                _narrow_operand(op, i, pair)


def _is_wide_iota(value: Any) -> bool:
    from torch_mlir import ir

    maker = value.owner
    return (
        isinstance(maker, ir.Operation | ir.OpView)
        and maker.name == "stablehlo.iota"
        and str(ir.RankedTensorType(value.type).element_type) == "i64"
    )


def _narrow_operand(sort: Any, index: int, pair: tuple[Any, Any]) -> None:
    from torch_mlir import ir

    result, iota = sort.results[index], sort.operands[index].owner
    wide = ir.RankedTensorType(result.type)
    with sort.location:
        number = ir.IntegerType.get_signless(32)
        narrow = ir.RankedTensorType.get(wide.shape, number)
        attributes = {"iota_dimension": iota.attributes["iota_dimension"]}
        with ir.InsertionPoint(sort):
            counted = ir.Operation.create("stablehlo.iota", results=[narrow], attributes=attributes)
        sort.operands[index] = counted.result
        for argument in pair:
            argument.set_type(ir.RankedTensorType.get([], number))
        result.set_type(narrow)
        with ir.InsertionPoint.after(sort):
            widened = ir.Operation.create("stablehlo.convert", results=[wide], operands=[result])
    result.replace_all_uses_except(widened.result, widened)


def _watch(nodes: Iterable[Any], current: list[Any]) -> Iterator[Any]:
    for node in nodes:
        current[:] = [node]
        yield node
    current.clear()


def _run(module: ir.Module, pipeline: str) -> None:
    from torch_mlir.passmanager import PassManager

    context = module.context
    try:
        with context:
            manager = PassManager.parse(pipeline)
    except ValueError as error:
        raise _changed(error) from error
    # Warnings and remarks of the stages would go to stderr; errors come with the exception.
    handler = context.attach_diagnostic_handler(lambda _: True)
    try:
        manager.run(module.operation)
    except Exception as error:
        raise _not_lowered(module, getattr(error, "error_diagnostics", ()), error) from error
    finally:
        handler.detach()


def _operations(root: Any) -> Iterator[Any]:
    for region in root.regions:
        for block in region:
            for op in block:
                yield op.operation
                yield from _operations(op.operation)


def _refused(current: Sequence[Any], error: Exception) -> SourceError:
    if not current:
        return SourceError(f"torch-mlir cannot import the program: {_first_line(error)}")
    node = current[0]
    return SourceError(
        f"{node_source_line(node)}: torch-mlir has no form for {node.target}: "
        f"{_first_line(error)}; {ADVICE}"
    )


def _not_lowered(module: ir.Module, diagnostics: Sequence[Any], error: Exception) -> SourceError:
    """Names the op and the line of the first diagnostic."""
    if not diagnostics:
        return SourceError(f"torch-mlir cannot lower the program: {_first_line(error)}")
    first = diagnostics[0]
    text = "\n".join([first.message, *(note.message for note in first.notes)])
    found = _CUSTOM_OP.search(text) or _TORCH_OP.search(text)
    name, location = found.group(1) if found else "an op", first.location
    if f"torch.{name}".startswith(_NEVER_TO_BLAME):
        # A constant is left over because the op that takes it has no lowering.
        name, location = _leftovers(module) or (name, location)
    reason = first.message.splitlines()[0]
    reason = "" if reason.startswith("failed to legalize") else f" ({reason})"
    return SourceError(
        f"{mlir_source_line(location)}: torch-mlir cannot lower {name} to StableHLO{reason}; "
        f"{ADVICE}"
    )


def _leftovers(module: ir.Module) -> tuple[str, Any] | None:
    """The ops that no pattern took, and the place of the first."""
    left = [
        op
        for op in _operations(module.operation)
        if op.name.startswith("torch.") and not op.name.startswith(_NEVER_TO_BLAME)
    ]
    if not left:
        return None
    names = dict.fromkeys(op.name.removeprefix("torch.") for op in left)
    return " or ".join(list(names)[:3]), left[0].location


def _first_line(error: Exception) -> str:
    text = str(error).strip() or type(error).__name__
    return text.splitlines()[0][:300]


def _changed(error: Exception) -> SourceError:
    return SourceError(
        f"this torch-mlir differs from the tested {TESTED_VERSION}: {_first_line(error)}; "
        f"install torch-mlir=={TESTED_VERSION}"
    )
