"""How much memory a decoding peer holds at its peak, against the capacity of its caches.

Each peer runs in a process of its own: it compiles, the kernel's high-water mark is reset, then it
makes its caches and takes a few steps. What its peak adds to what it held before is compared with
the bytes of all caches: 1.0 is one copy of them and nothing else. Two more rows are processes that
load kvlift's compiled program from a package, without torch.

    python bench/peak_memory.py                 # batch 1, capacities 2048 and 32768: 8 GB
    python bench/peak_memory.py --quick         # capacity 2048
    python bench/peak_memory.py --peers kvlift  # those with that in their names
"""

from __future__ import annotations

import argparse
import multiprocessing
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnContext
from pathlib import Path

from rich.console import Console

from decoders import model
from decoders.model import Shape
from decoders.registry import PEERS, SERVERS
from results import RESULTS, load, save

STEPS = 4
MEASURED = tuple(peer for peer in PEERS if peer.computes) + SERVERS
# At most so many times the bytes of weights, one copy of the caches, and activations.
GOAL = 1.10

console = Console()


@dataclass(frozen=True)
class Peak:
    """One peer at one capacity.

    Attributes:
        before: bytes resident when it is compiled, weights included.
        peak: the most bytes resident while it makes its caches and takes steps.
        note: why there are no numbers.
    """

    peer: str
    batch: int
    capacity: int
    before: int = 0
    peak: int = 0
    note: str = ""

    @property
    def shape(self) -> Shape:
        """The decoder's."""
        return Shape(self.batch, self.capacity)

    @property
    def copies(self) -> float:
        """What the peak adds, in bytes of all caches."""
        return (self.peak - self.before) / self.shape.cache_bytes

    @property
    def session(self) -> float:
        """Weights and what the peak adds, in what a step needs at least."""
        return (model.held_weight_bytes() + self.peak - self.before) / self.shape.held_bytes

    @property
    def process(self) -> float:
        """Everything, Python and libraries included, in what a step needs at least."""
        return self.peak / self.shape.held_bytes


def measure(index: int, shape: Shape) -> Peak:
    """Runs a peer in this process."""
    kind = MEASURED[index]
    if reason := kind.missing(shape):
        return Peak(kind.name, shape.batch, shape.capacity, note=reason)
    peer = kind(shape)
    peer.prepare()
    before = _status("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # VmHWM starts anew
    peer.start()
    tokens = model.first_tokens(shape.batch)
    peer.rewind(shape.capacity - STEPS)
    for position in range(shape.capacity - STEPS, shape.capacity):
        peer.step(tokens, position)
    return Peak(kind.name, shape.batch, shape.capacity, before, _status("VmHWM"))


def _status(name: str) -> int:
    """Bytes of one line of this process's status."""
    with open("/proc/self/status") as lines:
        return int(next(line for line in lines if line.startswith(name)).split()[1]) * 1024


def main() -> None:
    """Measures all peers that compute."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--capacities", type=int, nargs="+", default=[2048, 32768])
    parser.add_argument("--quick", action="store_true", help="capacity 2048 only")
    parser.add_argument("--peers", default="", help="only those with this in their names")
    parser.add_argument("--output", type=Path, default=RESULTS)
    options = parser.parse_args()
    path = options.output / "peak_memory.json"
    peaks = {(row.peer, row.capacity): row for row in (Peak(**each) for each in load(path))}
    context = multiprocessing.get_context("spawn")
    for capacity in [2048] if options.quick else options.capacities:
        for index, kind in enumerate(MEASURED):
            if options.peers not in kind.name:
                continue
            with console.status(f"{kind.name}, capacity {capacity}"):
                peak = _in_a_process(context, index, Shape(1, capacity))
            peaks[kind.name, capacity] = peak
            console.print(
                f"{peak.copies:5.2f} x caches, session {peak.session:.2f}, process "
                f"{peak.process:.2f}: {peak.peak / 1e6:7,.0f} MB  {kind.name}"
            )
            save(path, [asdict(p) for p in peaks.values()])


def _in_a_process(context: SpawnContext, index: int, shape: Shape) -> Peak:
    """Not in a pool: its processes may not have some of their own."""
    receiver, sender = context.Pipe(duplex=False)
    child = context.Process(target=_send, args=(sender, index, shape))
    child.start()
    sender.close()
    try:
        found: Peak = receiver.recv()
    finally:
        child.join()
    return found


def _send(sender: Connection, index: int, shape: Shape) -> None:
    sender.send(measure(index, shape))


if __name__ == "__main__":
    main()
