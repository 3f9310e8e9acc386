"""What a session is given when it is made: initial values of slots, and weights by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from kvlift.errors import SessionError
from kvlift.runtime.slot_store import HeldSlot
from kvlift.runtime.starting_values import StartingValues, names_kept
from kvlift.slots import Argument, Function, SlicedSlot, Slot

if TYPE_CHECKING:
    from kvlift.runtime.backend import Buffer, Executable
    from kvlift.runtime.values import Host

# Arguments of these kinds have values; only a user's inputs may be left to the calls.
_WEIGHTS = ("parameter", "buffer", "constant")


@dataclass(frozen=True)
class Bound:
    """The arguments of one function that are the same in every call.

    Attributes:
        buffers: on the device, by argument index.
        refreshed: on the host: a run overwrites the device's copy, so that each needs a new one.
        hosts: arrays whose memory buffers may share: IREE does not keep them alive.
    """

    buffers: Mapping[int, Buffer]
    refreshed: Mapping[int, Host]
    hosts: Sequence[Host]


def refuse_unknown_names(
    executables: Sequence[Executable], state: Mapping[str, Any], weights: Mapping[str, Any]
) -> None:
    """Refuses values for slots and arguments that no function has.

    Raises:
        SessionError: it lists the names that there are.
    """
    slots = list(dict.fromkeys(s.name for e in executables for s in e.function.state))
    others = list(dict.fromkeys(a.name for a in _no_slots(executables)))
    _refuse_unknown("state", state, slots, "slots")
    _refuse_unknown("weights", weights, others, "arguments that are no slots")


def hold_slots(
    executables: Sequence[Executable], defaults: StartingValues, state: Mapping[str, Any]
) -> list[HeldSlot]:
    """The slots of all functions, each name once, with their initial values.

    Raises:
        SessionError: a value is missing or of a wrong type, or a slot is sliced in one function
            and tied in another.
    """
    homes: dict[str, tuple[Slot | SlicedSlot, Executable]] = {}
    for executable in executables:
        for slot in executable.function.state:
            known, home = homes.setdefault(slot.name, (slot, executable))
            _refuse_difference(known, home.function, slot, executable.function)
    sources = {n: e.function.arguments[s.argument].name for n, (s, e) in homes.items()}
    missing = [
        name
        for name, source in sources.items()
        if not (name in state or name in defaults or source in defaults)
    ]
    if missing:
        raise SessionError(
            f"no initial value for {listed(missing)}; pass state={{{missing[0]!r}: ...}} (a slot "
            "is never silently zero)"
        )
    given = StartingValues(state, names_kept(executables), is_own=False)
    held = []
    for name, (slot, home) in homes.items():
        source = given if name in given else defaults
        initial = source.initial(slot, name if name in source else sources[name])
        held.append(HeldSlot(slot, home, initial))
    return held


def bind_weights(
    executables: Sequence[Executable], defaults: StartingValues, weights: Mapping[str, Any]
) -> list[Bound]:
    """Each function's weights on the device; what functions and sessions share is there once.

    Raises:
        SessionError: a value is missing or of a wrong type.
    """
    given = StartingValues(weights, names_kept(executables), is_own=False)
    wanted = [a.name for a in _no_slots(executables) if a.kind in _WEIGHTS]
    missing = [n for n in dict.fromkeys(wanted) if n not in given and n not in defaults]
    if missing:
        raise SessionError(f"no value for {listed(missing)}; pass weights={{{missing[0]!r}: ...}}")
    return [_bind(executable, defaults, given) for executable in executables]


def listed(names: list[str], limit: int = 12) -> str:
    """Names for a message, the first ones of many."""
    shown = ", ".join(repr(name) for name in names[:limit])
    rest = len(names) - limit
    return f"{shown} and {rest} more" if rest > 0 else shown or "none"


def _no_slots(executables: Sequence[Executable]) -> list[Argument]:
    return [a for e in executables for a in e.function.arguments if not a.is_state]


def _bind(executable: Executable, defaults: StartingValues, given: StartingValues) -> Bound:
    buffers, refreshed, hosts = {}, {}, []
    for argument in executable.function.arguments:
        if not _is_bound(argument, defaults, given):
            continue
        known = given if argument.name in given else defaults
        if argument.index in executable.overwritten:
            refreshed[argument.index] = known.host(argument)
            continue
        weight = known.weight(executable, argument)
        buffers[argument.index] = weight.buffer
        if weight.host is not None:
            hosts.append(weight.host)
    return Bound(buffers, refreshed, hosts)


def _is_bound(argument: Argument, defaults: StartingValues, given: StartingValues) -> bool:
    """One function's weight says nothing about another one's input of the same name."""
    if argument.is_state:
        return False
    is_known = argument.name in defaults and argument.kind in _WEIGHTS
    return is_known or argument.name in given


def _refuse_difference(
    first: Slot | SlicedSlot, first_of: Function, second: Slot | SlicedSlot, second_of: Function
) -> None:
    """A type that differs was refused when the manifest was read."""
    if isinstance(first, Slot) != isinstance(second, Slot):
        sliced, tied = (first_of, second_of) if isinstance(second, Slot) else (second_of, first_of)
        raise SessionError(
            f"slot {first.name!r} is sliced in function {sliced.name!r} and tied in {tied.name!r}, "
            f"so they cannot share it; program.session(function={first_of.name!r}) uses one of them"
        )


def _refuse_unknown(what: str, given: Mapping[str, Any], names: list[str], kind: str) -> None:
    unknown = [name for name in given if name not in names]
    if unknown:
        raise SessionError(f"{what} names {listed(unknown)}; the {kind} are: {listed(names)}")
