"""What a session adds to a call: its steps against a bare loop over the runtime's own call.

The bare loop passes the same buffers to the same executable and keeps its results, and does no
more than that: it checks nothing, converts nothing and fetches nothing. Both take the least of
many steps, in turns, so that other work on the machine counts as little as can be.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable

import numpy as np

import kvlift

TARGETS = ("pjrt:cpu", "iree:cpu")


def many_slots(count: int) -> kvlift.LiftedModule:
    """`count` slots of 8 x 16 floats; each call writes one row of each."""
    c, n = "tensor<8x16xf32>", "tensor<1x16xf32>"
    arguments = [
        f'%c{i}: {c} {{kvlift.name = "c{i}", kvlift.kind = "buffer", '
        f"tf.aliasing_output = {i} : i32}}"
        for i in range(count)
    ]
    arguments.append('%x: tensor<1x16xf32> {kvlift.name = "x", kvlift.kind = "user_input"}')
    arguments.append('%p: tensor<i32> {kvlift.name = "p", kvlift.kind = "user_input"}')
    updates = [
        f"%u{i} = stablehlo.dynamic_update_slice %c{i}, %x, %p, %z "
        f": ({c}, {n}, tensor<i32>, tensor<i32>) -> {c}"
        for i in range(count)
    ]
    results, types = ", ".join(f"%u{i}" for i in range(count)), ", ".join([c] * count)
    body = "\n".join(updates)
    return kvlift.lift(
        f"func.func @main({', '.join(arguments)}) -> ({types}) {{\n"
        f"%z = stablehlo.constant dense<0> : tensor<i32>\n{body}\nreturn {results} : {types}\n}}"
    )


def session_and_bare_steps(
    target: str, count: int
) -> tuple[Callable[[int], None], Callable[[int], None]]:
    """A step of a session, and one of the bare loop on buffers of its own."""
    program = kvlift.compile(many_slots(count), target)
    state = {f"c{i}": np.zeros((8, 16), np.float32) for i in range(count)}
    session, other = program.session(state=state), program.session(state=state)
    x = np.ones((1, 16), np.float32)
    positions = [np.array(i, np.int32) for i in range(8)]
    executable = other.function()._executable
    held = list(other._store.held)
    inputs = [
        executable.put(count, x, copy=True),
        executable.put(count + 1, positions[0], copy=True),
    ]

    def session_step(index: int) -> None:
        session(x, positions[index % 8])

    def bare_step(index: int) -> None:
        held[:] = executable.run([*held, *inputs])

    return session_step, bare_step


def least_microseconds(step: Callable[[int], None], steps: int) -> float:
    """The time of the quickest step."""
    least = float("inf")
    for index in range(steps):
        begin = time.perf_counter()
        step(index)
        least = min(least, time.perf_counter() - begin)
    return least * 1e6


def main() -> None:
    """Prints a line per target and number of slots, and JSON if asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--slots", type=int, nargs="+", default=[1, 16, 64, 160])
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    rows = []
    for target in TARGETS:
        for count in options.slots:
            pair = session_and_bare_steps(target, count)
            rounds = [
                [least_microseconds(s, options.steps) for s in pair] for _ in range(options.rounds)
            ]
            session, bare = (min(times) for times in zip(*rounds, strict=True))
            rows.append(
                {
                    "target": target,
                    "slots": count,
                    "session_us": session,
                    "bare_us": bare,
                    "ratio": session / bare,
                }
            )
            if not options.json:
                times = f"{session:7.1f} us, bare {bare:7.1f} us, {session / bare:.2f}x"
                print(f"{target:9} {count:4} slots: {times}")
    if options.json:
        print(json.dumps(rows, indent=2))


if __name__ == "__main__":
    main()
