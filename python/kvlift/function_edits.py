"""Arguments, results and attributes of a function as Python sees them, and how to add some."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch_mlir import ir

Attributes = dict[str, Any]


def function_op(module: ir.Module, name: str) -> Any:
    """The operation of a function."""
    from torch_mlir import ir

    return ir.SymbolTable(module.operation)[name].operation


def attribute_dicts(func: Any, key: str, count: int) -> list[Attributes]:
    """The attributes of each argument (`arg_attrs`) or result (`res_attrs`)."""
    if key not in func.attributes:
        return [{} for _ in range(count)]
    return [{named.name: named.attr for named in each} for each in func.attributes[key]]


def set_attributes(func: Any, key: str, attributes: Sequence[Attributes]) -> None:
    """Replaces them; the function's context is entered."""
    from torch_mlir import ir

    func.attributes[key] = ir.ArrayAttr.get([ir.DictAttr.get(each) for each in attributes])


def append_argument(func: Any, type_: Any, marks: Mapping[str, str]) -> Any:
    """One more argument with text attributes; the value in the function's body."""
    from torch_mlir import ir

    kind = func.attributes["function_type"].value
    attributes = attribute_dicts(func, "arg_attrs", len(kind.inputs))
    with func.context, func.location:
        attributes.append({key: ir.StringAttr.get(text) for key, text in marks.items()})
        function_type = ir.FunctionType.get([*kind.inputs, type_], list(kind.results))
        func.attributes["function_type"] = ir.TypeAttr.get(function_type)
        set_attributes(func, "arg_attrs", attributes)
        return func.regions[0].blocks[0].add_argument(type_, func.location)


def append_results(func: Any, values: Sequence[Any], marks: Sequence[Mapping[str, str]]) -> None:
    """More results with text attributes, of values that the function's only block has."""
    from torch_mlir import ir

    kind = func.attributes["function_type"].value
    attributes = attribute_dicts(func, "res_attrs", len(kind.results))
    last = return_op(func)
    with func.context, last.location:
        attributes += [{k: ir.StringAttr.get(text) for k, text in each.items()} for each in marks]
        ir.Operation.create(
            "func.return", operands=[*last.operands, *values], ip=ir.InsertionPoint(last)
        )
        last.erase()
        types = [*kind.results, *(value.type for value in values)]
        function_type = ir.FunctionType.get(list(kind.inputs), types)
        func.attributes["function_type"] = ir.TypeAttr.get(function_type)
        set_attributes(func, "res_attrs", attributes)


def return_op(func: Any) -> Any:
    """The terminator of the function's only block."""
    operations = func.regions[0].blocks[0].operations
    return operations[len(operations) - 1].operation
