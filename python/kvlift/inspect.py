"""`kvlift inspect`: functions, slots, chains and verdicts as a tree, a graph or a page."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kvlift.errors import LiftError
from kvlift.host import diagnostics_from_core, host

if TYPE_CHECKING:
    from rich.tree import Tree

    from kvlift.lifted_module import LiftedModule
    from kvlift.slots import SlicedSlot, Slot

PROVED = "in_place"


@dataclass(frozen=True)
class Read:
    """An op that looks at a version.

    Attributes:
        version: the version that it reads.
        op: the op's name.
        where: the user's source location.
        position: its place in the block's order.
        is_conflict: whether it cannot run before the update that overwrites the version.
    """

    version: int
    op: str
    where: str
    position: int
    is_conflict: bool


@dataclass(frozen=True)
class Version:
    """A value of a slot between two updates.

    Attributes:
        id: its number in the chain's block.
        parent: the version that its update consumed; None for the first.
        op: the update that made it; `argument` for the first.
        where: the update's source location.
        position: the update's place in the block's order; -1 for the first.
    """

    id: int
    parent: int | None
    op: str
    where: str
    position: int


@dataclass(frozen=True)
class Chain:
    """The versions of one slot in one block, and who reads them.

    Attributes:
        slot: the slot's name.
        block: where the block is: the function, or the op with regions and its location.
        verdict: `in_place`, or why not; empty when nobody has checked.
        last: the version that leaves the block; None if none does.
    """

    slot: str
    block: str
    verdict: str
    versions: tuple[Version, ...]
    reads: tuple[Read, ...]
    last: int | None


@dataclass(frozen=True)
class FunctionChains:
    """A function's chains, its own block first."""

    name: str
    chains: tuple[Chain, ...]


def chains_of(lifted: LiftedModule) -> tuple[FunctionChains, ...]:
    """The chains of every public function of a lifted module.

    Raises:
        LiftError: the module's marks contradict each other.
    """
    text, entries = host().chains(lifted.module._CAPIPtr)
    if text is None:
        raise LiftError("the module's marks are wrong", diagnostics_from_core(entries))
    return tuple(
        FunctionChains(f["name"], tuple(_chain(c) for c in f["chains"])) for f in json.loads(text)
    )


def _chain(data: dict[str, Any]) -> Chain:
    """The core numbers the versions of a block; here each chain counts its own from 0."""
    number = {version["id"]: i for i, version in enumerate(data["versions"])}
    return Chain(
        slot=data["slot"],
        block=data["block"],
        verdict=data["verdict"],
        versions=tuple(
            Version(**{**v, "id": number[v["id"]], "parent": number.get(v["parent"])})
            for v in data["versions"]
        ),
        reads=tuple(Read(**{**r, "version": number[r["version"]]}) for r in data["reads"]),
        last=number.get(data["last"]),
    )


def _short(where: str) -> str:
    """The last two parts of a path: enough to know it, and it fits."""
    return "/".join(where.rsplit("/", 2)[-2:])


def as_tree(lifted: LiftedModule) -> Tree:
    """Functions, slots, versions and their readers for a terminal."""
    from rich.markup import escape
    from rich.tree import Tree

    root = Tree("module")
    types = {slot.name: slot for slot in lifted.slots}
    for function in chains_of(lifted):
        branch = root.add(f"[bold]function {escape(function.name)}[/]")
        for chain in function.chains:
            slot = types.get(chain.slot)
            facts = f" {_types(slot)}, {slot.kind}" if slot else ""
            tie = f", argument {slot.argument} -> result {slot.result}" if slot else ""
            node = branch.add(
                f"slot [bold]{escape(chain.slot)}[/]{facts}{tie} in {escape(chain.block)}"
                f"{_styled_verdict(chain.verdict)}"
            )
            for version in chain.versions:
                mark = " [green](leaves)[/]" if version.id == chain.last else ""
                made = node.add(
                    f"v{version.id} {version.op} [dim]{escape(_short(version.where))}[/]{mark}"
                )
                for read in chain.reads:
                    if read.version == version.id:
                        style = "red" if read.is_conflict else "cyan"
                        made.add(
                            f"[{style}]read by {read.op}[/] [dim]{escape(_short(read.where))}[/]"
                        )
        for sliced in lifted.manifest.function(function.name).sliced:
            node = branch.add(
                f"sliced slot [bold]{escape(sliced.name)}[/] {_types(sliced)}, {sliced.kind}, "
                f"argument {sliced.argument}"
            )
            for update in sliced.updates:
                node.add(f"rows in result {update.rows}, start in result {update.start}")
    return root


def _types(slot: Slot | SlicedSlot) -> str:
    if slot.store == slot.logical and slot.order is None:
        return str(slot.logical)
    dims = "" if slot.order is None else f", dims {', '.join(map(str, slot.order))}"
    return f"{slot.logical} (stored as {slot.store}{dims})"


def _styled_verdict(verdict: str) -> str:
    from rich.markup import escape

    if not verdict:
        return ""
    style = "green" if verdict == PROVED else "red"
    return f": [{style}]{escape(verdict)}[/]"


def as_dot(lifted: LiftedModule) -> str:
    """The chains as a Graphviz graph, one cluster per chain."""
    lines = ["digraph kvlift {", "  rankdir=LR; node [shape=box, fontname=Helvetica];"]
    for f, function in enumerate(chains_of(lifted)):
        for c, chain in enumerate(function.chains):
            name = f"{f}_{c}"
            title = _quoted(f"{function.name}: {chain.slot} in {chain.block} {chain.verdict}")
            lines += [f"  subgraph cluster_{name} {{", f"    label={title};"]
            lines += _dot_chain(name, chain)
            lines.append("  }")
    return "\n".join([*lines, "}"]) + "\n"


def _dot_chain(name: str, chain: Chain) -> list[str]:
    lines = []
    for version in chain.versions:
        label = _quoted(f"v{version.id}\n{version.op}\n{_short(version.where)}")
        bold = ", penwidth=2" if version.id == chain.last else ""
        lines.append(f"    v{name}_{version.id} [label={label}, color=steelblue{bold}];")
        if version.parent is not None:
            lines.append(f"    v{name}_{version.parent} -> v{name}_{version.id};")
    for number, read in enumerate(chain.reads):
        color = "red" if read.is_conflict else "gray40"
        label = _quoted(f"{read.op}\n{_short(read.where)}")
        lines.append(f"    r{name}_{number} [label={label}, style=rounded, color={color}];")
        lines.append(
            f"    v{name}_{read.version} -> r{name}_{number} [style=dashed, color={color}];"
        )
    return lines


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def as_html(lifted: LiftedModule, title: str) -> str:
    """The chains as one page that needs nothing else: a lane per chain, in the block's order."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("kvlift"), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["short"] = _short
    environment.filters["types"] = _types
    slots = {slot.name: slot for slot in lifted.slots}
    return environment.get_template("chains.html").render(
        title=title, functions=chains_of(lifted), slots=slots, proved=PROVED
    )
