"""OpenVINO with state: variables that its CPU plugin lets grow inside its fused attention."""

from __future__ import annotations

from typing import Any

import numpy as np

from decoders import model
from decoders.model import HEAD_DIM, HEADS, WIDTH, Array, Shape
from decoders.peer import Peer

# f32 all through: by default a CPU that has bf16 computes in it, and keeps caches in 8 bits.
EXACT = {
    "INFERENCE_PRECISION_HINT": "f32",
    "KV_CACHE_PRECISION": "f32",
    "DYNAMIC_QUANTIZATION_GROUP_SIZE": "0",
}


class OpenVino(Peer):
    """A stateful model as OpenVINO's own exports of language models are.

    Each cache is a variable: ReadValue, Gather (over beams), Concat, Assign, which the CPU plugin
    fuses with the attention that reads it. It appends in memory of its own, so caches grow; before
    a turn they are set to their length again.
    """

    name = "OpenVINO, stateful"
    packages = ("openvino",)
    cache_copies = 3

    def prepare(self) -> None:
        """Builds the model and compiles it."""
        import openvino

        self._compiled = openvino.Core().compile_model(
            Graph(self.shape).build(), "CPU", {**EXACT, "PERFORMANCE_HINT": "LATENCY"}
        )
        self._beams = np.arange(self.shape.batch, dtype=np.int32)

    def start(self) -> None:
        """A request whose variables are the caches."""
        from openvino import Tensor

        self._request = self._compiled.create_infer_request()
        states = {state.name: state for state in self._request.query_state()}
        for index, cache in enumerate(model.caches(self.shape)):
            states[str(index)].state = Tensor(cache, shared_memory=True)

    def rewind(self, rows: int) -> None:
        """Takes each cache out and sets its first rows."""
        from openvino import Tensor

        for state in self._request.query_state():
            if (there := state.state.data).shape[2] != rows:
                first = np.ascontiguousarray(there[:, :, :rows])
                state.state = Tensor(first, shared_memory=True)

    def step(self, tokens: Array, position: int) -> Array:
        """One inference."""
        inputs = {"tokens": tokens, "position": np.array([position]), "beams": self._beams}
        logits: Array = self._request.infer(inputs)[0]
        return logits[:, 0]

    def stop(self) -> None:
        """Drops the request with its variables."""
        del self._request


class Graph:
    """The decoder as an OpenVINO model, op by op."""

    def __init__(self, shape: Shape) -> None:
        """Nothing is built yet."""
        from openvino import opset15

        self._shape, self._ops = shape, opset15
        self._sinks: list[Any] = []

    def build(self) -> Any:
        """The model: tokens, position and beams in, logits [batch, 1, vocabulary] out."""
        from openvino import Model

        ops, weights = self._ops, model.weights()
        tokens = ops.parameter([self._shape.batch, 1], np.int64, name="tokens")
        position = ops.parameter([1], np.int64, name="position")
        beams = ops.parameter([-1], np.int32, name="beams")
        inputs = [tokens, position, beams]
        for parameter in inputs:
            parameter.output(0).set_names({parameter.friendly_name})
        angles = ops.multiply(ops.convert(position, "f32"), model.frequencies())
        angles = ops.concat([angles, angles], 0)
        self._rotary, self._beams = (ops.cos(angles), ops.sin(angles)), beams
        x = ops.gather(weights["embedding"], tokens, np.int64(0))
        for index, layer in enumerate(weights["layers"]):
            x = self._layer(index, layer, x)
        logits = self._matmul(self._norm(x, weights["norm"]), weights["head"])
        return Model([ops.result(logits)], self._sinks, inputs, "decoder")

    def _layer(self, index: int, layer: dict[str, Array], x: Any) -> Any:
        ops = self._ops
        h = self._norm(x, layer["attention_norm"])
        query, key, value = (
            self._heads(self._matmul(h, layer[name])) for name in ("query", "key", "value")
        )
        attended = ops.scaled_dot_product_attention(
            self._rotate(query),
            self._append(2 * index, self._rotate(key)),
            self._append(2 * index + 1, value),
        )
        merged = ops.reshape(ops.transpose(attended, [0, 2, 1, 3]), [0, 0, WIDTH], True)
        x = ops.add(x, self._matmul(merged, layer["output"]))
        h = self._norm(x, layer["feed_forward_norm"])
        gate = ops.swish(self._matmul(h, layer["gate"]))
        h = ops.multiply(gate, self._matmul(h, layer["up"]))
        return ops.add(x, self._matmul(h, layer["down"]))

    def _append(self, index: int, row: Any) -> Any:
        """The variable with one more row."""
        ops, batch = self._ops, self._shape.batch
        empty = np.zeros((batch, HEADS, 0, HEAD_DIM), np.float32)
        past = ops.read_value(empty, str(index), np.float32, [batch, HEADS, -1, HEAD_DIM])
        rows = ops.concat([ops.gather(past, self._beams, np.int64(0)), row], 2)
        self._sinks.append(ops.assign(rows, str(index)))
        return rows

    def _heads(self, x: Any) -> Any:
        split = self._ops.reshape(x, [0, 0, HEADS, HEAD_DIM], True)
        return self._ops.transpose(split, [0, 2, 1, 3])

    def _rotate(self, x: Any) -> Any:
        ops, (cosine, sine) = self._ops, self._rotary
        first, second = ops.split(x, 3, 2).outputs()
        turned = ops.concat([ops.negative(second), first], 3)
        return ops.add(ops.multiply(x, cosine), ops.multiply(turned, sine))

    def _norm(self, x: Any, gain: Array) -> Any:
        ops = self._ops
        mean = ops.reduce_mean(ops.power(x, np.float32(2)), [-1], True)
        root = ops.sqrt(ops.add(mean, np.float32(model.EPSILON)))
        return ops.multiply(ops.multiply(x, ops.divide(np.float32(1), root)), gain)

    def _matmul(self, x: Any, weight: Array) -> Any:
        return self._ops.matmul(x, weight, False, False)
