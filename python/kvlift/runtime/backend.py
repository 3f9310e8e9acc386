"""What a runtime must offer to a session: compile one function, move arrays, run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Protocol

from kvlift.slots import Function, Obstacle, TensorType

if TYPE_CHECKING:
    from kvlift.audit import Copy
    from kvlift.pipelines import Require
    from kvlift.runtime.values import Host

# A runtime's own handle of a device buffer (a jax array, an IREE buffer view).
Buffer = Any
# A pointer; of what several devices share, one for each.
Address = int | tuple[int, ...]
# The library whose arrays a session gives back.
Returns = Literal["numpy", "torch", "jax"]


class LiftedSource(Protocol):
    """The part of a LiftedModule that a runtime reads."""

    @property
    def manifest(self) -> Any:
        """Functions, arguments, results and slots."""

    @property
    def values(self) -> Any:
        """Initial values by argument name."""

    @property
    def partitions(self) -> int:
        """How many devices run the program together."""

    @property
    def diagnostics(self) -> Any:
        """Remarks and warnings."""

    @property
    def compiled(self) -> Mapping[str, bytes]:
        """Serialized executables by key, which only those who trust them may run."""

    def for_target(self, target: str, *, require: Require | None = None) -> LiftedSource:
        """A copy of it in the form that suits one target."""

    def isolate(self, function: str, entry: str | None = None) -> LiftedSource:
        """A copy whose only public function is that one, by the name `entry` if given."""

    def artifact(self, version: str | None = None) -> bytes:
        """The module as a portable StableHLO artifact of that version."""


class Executable(Protocol):
    """One compiled function on one device, which all executables of a program share.

    Attributes:
        function: its arguments, results and slots.
        overwritten: arguments that are no slots but whose buffer a run overwrites; a session
            must bring a fresh copy of them to every run.
    """

    function: Function
    overwritten: frozenset[int]

    def for_session(self) -> Executable:
        """The executable for one session, which may run beside those of other sessions."""

    def put(self, argument: int, value: Host, *, copy: bool) -> Buffer:
        """A device buffer with that value.

        Args:
            argument: index of the argument that it is for.
            value: a C-contiguous host array of the argument's type.
            copy: whether the buffer must own its memory; else it may share the array's, which
                it then keeps alive and never writes.
        """

    def fill(self, argument: int, buffer: Buffer, value: Host) -> Buffer:
        """A buffer of the argument with that value: the same one if the host can write it.

        Args:
            argument: index of the argument that it is for.
            buffer: nobody else uses it; a failed run may have deleted it.
            value: a host array of the argument's type, contiguous or not.
        """

    def adopt(self, argument: int, value: Any) -> Buffer | None:
        """The value itself, when it is a buffer of this device and of the argument's type."""

    def run(self, buffers: Sequence[Buffer]) -> list[Buffer]:
        """Runs once, to completion: one buffer per argument in, one per result out."""

    def dispatch(self, buffers: Sequence[Buffer]) -> list[Buffer]:
        """The same without waiting for the end where the runtime can; see `wait`."""

    def wait(self, results: Sequence[Buffer]) -> None:
        """Until the run that gives these results is complete.

        Raises:
            Exception: it failed.
        """

    def overwrite(
        self, arguments: Sequence[int], old: Sequence[Buffer], new: Sequence[Buffer]
    ) -> list[Buffer]:
        """The values of the new buffers in the memory of the old ones, which are gone then.

        Args:
            arguments: indices of the arguments that they are for.
            old: buffers that nobody else uses.
            new: buffers of the same types, which stay.
        """

    def check_readable(self, result: int) -> None:
        """Refuses a result that the host cannot fetch, view or take in whole.

        Raises:
            SessionError: devices of other processes have parts of it.
        """

    def fetch(self, buffer: Buffer, tensor: TensorType) -> Host:
        """The buffer's value in memory of its own."""

    def view(self, buffer: Buffer, tensor: TensorType) -> Host:
        """The buffer's memory without a copy where the host can read it; never to be written."""

    def take(self, buffer: Buffer, tensor: TensorType, kind: Returns) -> Any:
        """A result that nobody else holds, as an array of that kind; a copy only if it must be."""

    def address(self, buffer: Buffer) -> Address:
        """Where the buffer's memory starts, on each device that has a part of it."""

    def is_intact(self, buffers: Sequence[Buffer]) -> bool:
        """Whether these slots still hold what they held before a run that failed."""

    def find_copies(self) -> tuple[Copy, ...]:
        """The slot-sized copies that a run makes."""

    def find_obstacles(self) -> tuple[Obstacle, ...]:
        """What needs the host in each run, beyond what the module itself says."""

    @property
    def compiled_text(self) -> str:
        """The runtime's own IR of the compiled function, for reading."""

    def serialize(self) -> bytes:
        """Everything that `Backend.deserialize` needs to make it again in another process.

        Raises:
            CompileError: the runtime cannot.
        """


class Backend(Protocol):
    """A runtime on one device, or on several that run a program together."""

    @property
    def is_kept(self) -> bool:
        """Whether another process may use what this one has compiled."""

    def compile(self, lifted: LiftedSource, function: Function) -> Executable:
        """Compiles one function of the module, without the others.

        Raises:
            CompileError: the runtime's compiler refuses; its diagnostics are in the message.
        """

    def deserialize(self, blob: bytes, function: Function) -> Executable:
        """The executable that gave `blob`, without a compiler; its audit is the same.

        Running it runs native code: only pass what nobody else could have written.

        Raises:
            CompileError: the runtime does not take it.
        """

    def compiler_facts(self) -> Mapping[str, str]:
        """What decides, beside module and environment, what `compile` makes.

        `version` names the compiler for a reader.
        """

    def on_one_device(self, executables: Sequence[Executable]) -> Sequence[Executable]:
        """The functions of one program, so that they can share buffers."""
