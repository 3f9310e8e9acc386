"""A module whose slots are stored as other types, called as if they were not."""

from __future__ import annotations

from typing import Any


def as_logical(module: Any) -> Any:
    """A module of which `main` takes and gives the slots' logical types; the same if all are.

    The conversions are written here from what the marks mean, and not taken from kvlift.
    """
    from torch_mlir import ir

    main = next(iter(module.body))
    stores = [_store_of(main, i) for i in range(len(main.type.inputs))]
    if not any(stores):
        return module
    by_slot = {store[0]: store for store in stores if store}
    results = [_slot(main, "res_attrs", i) for i in range(len(main.type.results))]
    lines, passed, given, logical_results = [], [], [], []
    for i, kind in enumerate(main.type.inputs):
        given.append(f"%a{i}: {stores[i][1] if stores[i] else kind}")
        passed.append(_convert(lines, f"%a{i}", stores[i], kind) if stores[i] else f"%a{i}")
    inputs = ", ".join(str(kind) for kind in main.type.inputs)
    outputs = ", ".join(str(kind) for kind in main.type.results)
    count = len(results)
    lines.append(f"%r:{count} = func.call @stored({', '.join(passed)}) : ({inputs}) -> ({outputs})")
    returned = []
    for i, (slot, kind) in enumerate(zip(results, main.type.results, strict=True)):
        store = by_slot.get(slot)
        returned.append(_convert_back(lines, f"%r#{i}", store, kind) if store else f"%r#{i}")
        logical_results.append(str(store[1] if store else kind))
    kinds = ", ".join(logical_results)
    lines.append(f"return {', '.join(returned)} : {kinds}")
    body = "\n  ".join(lines)
    wrapper = f"func.func @main({', '.join(given)}) -> ({kinds}) {{\n  {body}\n}}\n"
    text = str(module).replace("func.func @main(", "func.func private @stored(", 1)
    return ir.Module.parse(text.replace("module {\n", "module {\n" + wrapper, 1))


def _attributes(function: Any, where: str, index: int) -> dict[str, Any]:
    attributes = function.attributes
    if where not in attributes:
        return {}
    return {entry.name: entry.attr for entry in attributes[where][index]}


def _slot(function: Any, where: str, index: int) -> str | None:
    slot = _attributes(function, where, index).get("kvlift.slot")
    return slot.value if slot is not None else None


def _store_of(function: Any, index: int) -> tuple[str, Any, list[int]] | None:
    """The slot's name, its logical type and the order of its dims, if it is stored otherwise."""
    marks = _attributes(function, "arg_attrs", index)
    if "kvlift.logical" not in marks:
        return None
    from torch_mlir import ir

    logical = ir.RankedTensorType(marks["kvlift.logical"].value)
    order = [int(d.value) for d in marks["kvlift.order"]] if "kvlift.order" in marks else []
    return marks["kvlift.slot"].value, logical, order or list(range(logical.rank))


def _tensor(shape: list[int], element: Any) -> str:
    return f"tensor<{''.join(f'{extent}x' for extent in shape)}{element}>"


def _step(lines: list[str], op: str, value: str, rest: str, old: str, new: str) -> str:
    name = f"%c{len(lines)}"
    lines.append(f"{name} = stablehlo.{op} {value}{rest} : ({old}) -> {new}")
    return name


def _convert(lines: list[str], value: str, store: tuple[str, Any, list[int]], kind: Any) -> str:
    _, logical, order = store
    lying = _tensor([logical.shape[d] for d in order], logical.element_type)
    value = _step(lines, "transpose", value, f", dims = {order}", str(logical), lying)
    folded = _tensor(kind.shape, logical.element_type)
    value = _step(lines, "reshape", value, "", lying, folded)
    return _step(lines, "bitcast_convert", value, "", folded, str(kind))


def _convert_back(
    lines: list[str], value: str, store: tuple[str, Any, list[int]], kind: Any
) -> str:
    _, logical, order = store
    folded = _tensor(kind.shape, logical.element_type)
    value = _step(lines, "bitcast_convert", value, "", str(kind), folded)
    lying = _tensor([logical.shape[d] for d in order], logical.element_type)
    value = _step(lines, "reshape", value, "", folded, lying)
    inverse = sorted(range(len(order)), key=lambda d: order[d])
    return _step(lines, "transpose", value, f", dims = {inverse}", lying, str(logical))
