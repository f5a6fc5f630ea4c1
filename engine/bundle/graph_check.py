"""Look into an ONNX file before a runtime does: nothing in it may compute for ever, grow without bounds or read files.

A reader of protobuf's wire format, because the engine has no ``onnx`` package; numbers of fields are those of
``onnx.proto``. It is stricter than a runtime: what it does not know is refused, and where a field stands twice, every
one of them is looked at.

Refused are operators that are not in the list below (loops, branches, sequences, strings, custom ones), graphs inside
of nodes, functions, sparse tensors, tensors whose data lies in other files, inputs and outputs that differ from the
manifest, and constant sizes far beyond the manifest's shapes. What is computed from data is bounded by the limits of
the engine's process (``engine.confinement``) and by its watch (``engine.host.watch``).
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

NODES_LIMIT = 100_000
GROWTH_LIMIT = 64  # times the largest shape in the manifest
SMALLEST_BOUND = 1 << 22  # elements that any graph may make
FILE_LIMIT_BYTES = (1 << 31) - 1  # of protobuf

_OPERATORS = """
Abs Acos Acosh Add And ArgMax ArgMin Asin Asinh Atan Atanh Attention AveragePool BatchNormalization BitShift
BitwiseAnd BitwiseNot BitwiseOr BitwiseXor BlackmanWindow Cast CastLike Ceil Celu Clip Col2Im Compress Concat Constant
ConstantOfShape Conv ConvInteger ConvTranspose Cos Cosh CumSum DFT DepthToSpace DequantizeLinear Det Div Dropout
DynamicQuantizeLinear Einsum Elu Equal Erf Exp Expand EyeLike Flatten Floor GRU Gather GatherElements GatherND Gelu
Gemm GlobalAveragePool GlobalLpPool GlobalMaxPool Greater GreaterOrEqual GridSample GroupNormalization HammingWindow
HannWindow HardSigmoid HardSwish Hardmax Identity InstanceNormalization IsInf IsNaN LRN LSTM LayerNormalization
LeakyRelu Less LessOrEqual Log LogSoftmax LpNormalization LpPool MatMul MatMulInteger Max MaxPool Mean
MeanVarianceNormalization MelWeightMatrix Min Mish Mod Mul Neg NonZero Not OneHot Or PRelu Pad Pow QLinearConv
QLinearMatMul QuantizeLinear RMSNormalization RNN Range Reciprocal ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp
ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare Relu Reshape Resize ReverseSequence
RotaryEmbedding Round STFT ScatterElements ScatterND Selu Shape Shrink Sigmoid Sign Sin Sinh Size Slice Softmax
Softplus Softsign SpaceToDepth Split Sqrt Squeeze Sub Sum Swish Tan Tanh ThresholdedRelu Tile TopK Transpose Trilu
Unsqueeze Upsample Where Xor
"""
OPERATORS = frozenset(_OPERATORS.split())
DOMAINS = ("", "ai.onnx")
# Inputs of an operator that are sizes: input -> how many elements they ask for, at least.
_SIZES: dict[str, dict[int, Callable[[Sequence[float]], float]]] = {
    "ConstantOfShape": {0: math.prod},
    "Expand": {1: math.prod},
    "Tile": {1: math.prod},
    "OneHot": {1: max},
    "Pad": {1: lambda pads: sum(map(abs, pads))},
    "Resize": {2: math.prod, 3: math.prod},
    "Upsample": {1: math.prod},
    "HannWindow": {0: max},
    "HammingWindow": {0: max},
    "BlackmanWindow": {0: max},
}
_FORMATS = {1: "f", 6: "i", 7: "q", 11: "d"}  # data types of sizes: float, int32, int64, double
_STRING, _EXTERNAL = 8, 1
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5

Axes = Sequence[str | int]
Field = tuple[int, int, Any]


def check_graph(raw: bytes, inputs: Mapping[str, Axes], outputs: Mapping[str, Axes]) -> None:
    """Check the bytes of an ONNX file.

    Args:
        inputs, outputs: what the manifest says of the graph, name -> axes.

    Raises:
        ValueError: it must not be opened; the message says why.
    """
    if len(raw) > FILE_LIMIT_BYTES:
        raise ValueError(f"it has over {FILE_LIMIT_BYTES} bytes")
    shapes = [[axis for axis in axes if isinstance(axis, int)] for axes in (*inputs.values(), *outputs.values())]
    bound = max([SMALLEST_BOUND, *(GROWTH_LIMIT * math.prod(shape) for shape in shapes)])
    graphs = 0
    for number, _, value in _fields(memoryview(raw), _MODEL):
        if number == 7:
            graphs += 1
            _Graph(bound).read(value, inputs, outputs)
        elif number == 25:
            raise ValueError("it holds functions of its own")
        elif number == 20:
            raise ValueError("it holds a training graph")
    if graphs != 1:
        raise ValueError(f"it holds {graphs} graphs")


class _Graph:
    """What has been read of one graph.

    Args:
        bound: elements that a constant size may ask for.
    """

    def __init__(self, bound: float) -> None:
        self._bound = bound
        self._constants: dict[str, Sequence[float]] = {}
        self._stored: set[str] = set()
        self._nodes: list[tuple[str, list[str]]] = []
        self._count = 0

    def read(self, view: memoryview, inputs: Mapping[str, Axes], outputs: Mapping[str, Axes]) -> None:
        given: list[tuple[str, list[int | None]]] = []
        answered: list[tuple[str, list[int | None]]] = []
        for number, _, value in _fields(view, _GRAPH):
            if number == 1:
                self._read_node(value)
            elif number == 5:
                name, numbers = _tensor(value)
                self._stored.add(name)
                self._constants[name] = numbers
            elif number == 15:
                raise ValueError("it holds sparse tensors")
            elif number in (11, 12):
                (given if number == 11 else answered).append(_value_info(value))
        _compare("input", [one for one in given if one[0] not in self._stored], inputs)
        _compare("output", answered, outputs)
        for operator, names in self._nodes:
            self._check_sizes(operator, names)

    def _read_node(self, view: memoryview) -> None:
        takes: list[str] = []
        gives: list[str] = []
        operators: list[str] = []
        domains: list[str] = []
        constants: list[Sequence[float]] = []
        places = {1: takes, 2: gives, 4: operators, 7: domains}
        for number, _, value in _fields(view, _NODE):
            if number in places:
                places[number].append(_text(value))
            elif number == 5:
                constants += _attribute(value)
        if len(operators) != 1 or operators[0] not in OPERATORS or not set(domains) <= set(DOMAINS):
            named = repr(".".join([*domains, *operators])[:80])[1:-1]  # a damaged name may hold line breaks
            raise ValueError(f"it uses the operator {named or 'without a name'}")
        if operators[0] == "Constant" and gives and constants:
            self._constants[gives[0]] = constants[0]
        if operators[0] in _SIZES or operators[0] == "Range":
            self._nodes.append((operators[0], takes))
        self._count += 1
        if self._count > NODES_LIMIT:
            raise ValueError(f"it has over {NODES_LIMIT} nodes")

    def _check_sizes(self, operator: str, names: list[str]) -> None:
        known = [self._constants.get(name, ()) for name in names]
        asked = [
            count(numbers)
            for place, count in _SIZES.get(operator, {}).items()
            if place < len(known) and len(numbers := known[place])
        ]
        if operator == "Range" and len(known) == 3 and all(map(len, known)):
            (start,), (stop,), (step,) = (list(numbers)[:1] for numbers in known)
            asked.append(math.inf if step == 0 else (stop - start) / step)
        if any(count > self._bound for count in asked):
            raise ValueError(f"{operator} asks for {max(asked):g} elements, at most {self._bound} are allowed")


def _compare(what: str, found: list[tuple[str, list[int | None]]], wanted: Mapping[str, Axes]) -> None:
    for name, shape in found:
        axes = wanted.get(name)
        if axes is None:
            raise ValueError(f"its {what} {name[:80]!r} is not in the manifest")
        if shape and len(shape) != len(axes):
            raise ValueError(f"its {what} {name[:80]!r} has {len(shape)} axes, the manifest says {len(axes)}")
        for length, axis in zip(shape, axes, strict=False):
            if length is not None and isinstance(axis, int) and length != axis:
                raise ValueError(f"its {what} {name[:80]!r} has the shape {shape}, the manifest says {list(axes)}")


def _attribute(view: memoryview) -> list[Sequence[float]]:
    """The numbers in an attribute, as far as they may be sizes."""
    found: list[Sequence[float]] = []
    whole: list[float] = []
    for number, wire, value in _fields(view, _ATTRIBUTE):
        if number in (6, 11):
            raise ValueError("it has a graph inside of a node")
        if number in (22, 23):
            raise ValueError("it holds sparse tensors")
        if number in (5, 10):
            found.append(_tensor(value)[1])
        elif number in (3, 8):
            whole += [_signed(one) for one in (_varints(value) if wire == _BYTES else [value])]
    return [*found, whole] if whole else found


def _tensor(view: memoryview) -> tuple[str, Sequence[float]]:
    """Name of a tensor, and its numbers where it is short enough to be a size."""
    name, kind, raw, whole = "", 0, memoryview(b""), list[float]()
    for number, wire, value in _fields(view, _TENSOR):
        if number == 13 or (number == 14 and value == _EXTERNAL):
            raise ValueError("it keeps data outside of itself")
        if number == 6 or (number == 2 and value == _STRING):
            raise ValueError("it holds texts")
        if number == 8:
            name = _text(value)
        elif number == 2:
            kind = value
        elif number == 9:
            raw = value
        elif number in (5, 7) and len(whole) < 64:
            whole += [_signed(one) for one in (_varints(value) if wire == _BYTES else [value])]
        elif number == 4 and wire == _BYTES and len(value) % 4 == 0 and len(value) <= 256:
            whole += struct.unpack(f"<{len(value) // 4}f", value)
    code = _FORMATS.get(kind)
    if code and raw and len(raw) <= 512 and len(raw) % struct.calcsize(code) == 0:
        whole += struct.unpack(f"<{len(raw) // struct.calcsize(code)}{code}", raw)
    return name, whole


def _value_info(view: memoryview) -> tuple[str, list[int | None]]:
    """Name and shape of an input or output; None for an axis without a number."""
    name, shape = "", list[int | None]()
    for number, _, value in _fields(view, _VALUE_INFO):
        if number == 1:
            name = _text(value)
        elif number == 2:
            for kind, _, inner in _fields(value, _TYPE):
                if kind != 1:
                    continue
                for part, _, dimensions in _fields(inner, _TENSOR_TYPE):
                    if part == 2:
                        shape = [_dimension(dim) for one, _, dim in _fields(dimensions, {1: _BYTES}) if one == 1]
    return name, shape


def _dimension(view: memoryview) -> int | None:
    fields = _fields(view, {1: _VARINT, 2: _BYTES, 3: _BYTES})
    return next((_signed(value) for number, _, value in fields if number == 1), None)


# Fields that each message may have: number -> wire type; None where both a single and a packed form are right.
_MODEL = {1: _VARINT, 5: _VARINT, **dict.fromkeys((2, 3, 4, 6, 7, 8, 14, 20, 25, 26), _BYTES)}
_GRAPH = dict.fromkeys((1, 2, 5, 10, 11, 12, 13, 14, 15, 16), _BYTES)
_NODE = dict.fromkeys((1, 2, 3, 4, 5, 6, 7, 8, 9, 10), _BYTES)
_ATTRIBUTE: dict[int, int | None] = {
    1: _BYTES, 2: _FIXED32, 3: _VARINT, 4: _BYTES, 5: _BYTES, 6: _BYTES, 7: None, 8: None, 9: _BYTES, 10: _BYTES,
    11: _BYTES, 13: _BYTES, 14: _BYTES, 15: _BYTES, 20: _VARINT, 21: _BYTES, 22: _BYTES, 23: _BYTES,
}  # fmt: skip
_TENSOR: dict[int, int | None] = {
    1: None, 2: _VARINT, 3: _BYTES, 4: None, 5: None, 6: _BYTES, 7: None, 8: _BYTES, 9: _BYTES, 10: None, 11: None,
    12: _BYTES, 13: _BYTES, 14: _VARINT, 16: _BYTES,
}  # fmt: skip
_VALUE_INFO = {1: _BYTES, 2: _BYTES, 3: _BYTES, 4: _BYTES}
_TYPE = {1: _BYTES, 6: _BYTES}  # tensors alone; 6 names what they mean
_TENSOR_TYPE = {1: _VARINT, 2: _BYTES}


def _fields(view: memoryview, allowed: Mapping[int, int | None]) -> Iterator[Field]:
    """Fields of a message: number, wire type, and value, a whole number or bytes.

    Raises:
        ValueError: it is no such message.
    """
    at, end = 0, len(view)
    while at < end:
        key = view[at]
        if key < 0x80:
            at += 1
        else:
            key, at = _varint(view, at)
        number, wire = key >> 3, key & 7
        if number not in allowed or allowed[number] not in (wire, None):
            raise ValueError(f"it is no ONNX file of a kind that is read (field {number} of type {wire})")
        if wire == _VARINT:
            value, at = _varint(view, at)
            yield number, wire, value
            continue
        if wire == _BYTES:
            if at < end and view[at] < 0x80:
                length, at = view[at], at + 1
            else:
                length, at = _varint(view, at)
        elif wire in (_FIXED32, _FIXED64):
            length = 4 if wire == _FIXED32 else 8
        else:
            raise ValueError("it is no ONNX file")
        if length > end - at:
            raise ValueError("it ends too soon")
        yield number, wire, view[at : at + length]
        at += length


def _varint(view: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while at < len(view) and shift < 70:
        byte = view[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & 0xFFFF_FFFF_FFFF_FFFF, at
        shift += 7
    raise ValueError("it ends too soon")


def _varints(view: memoryview) -> Iterator[int]:
    at = 0
    while at < len(view):
        value, at = _varint(view, at)
        yield value


def _signed(value: int) -> int:
    return value - (1 << 64) if value >= 1 << 63 else value


def _text(view: memoryview) -> str:
    return bytes(view).decode("utf-8", "replace")
