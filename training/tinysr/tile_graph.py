"""ONNX graph of a transformer TinySR for tiles of one size: the paper's size, in half precision.

Edges are float32 (N,3,h,w) in 0..1, so that the same graph serves 8 and 16 bits a sample; between them all is in the chosen
precision. The graph keeps fp16 safe by construction: modulation lies in the norms, gates in the matrices behind them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from torch import Tensor, nn

from .arch import TinySR
from .arch.autoencoder import Decoder, Encoder, ReluBlock, SepConv
from .arch.blocks import DiTBlock
from .arch.denoiser import TokenDenoiser

OPSET = 17
_PRECISIONS = {"fp16": (np.float16, TensorProto.FLOAT16), "fp32": (np.float32, TensorProto.FLOAT)}
# PyTorch's bicubic kernel.
_CUBIC = -0.75


def _float(tensor: Tensor | None) -> NDArray[np.float32]:
    assert tensor is not None
    array: NDArray[np.float32] = tensor.detach().float().cpu().numpy()
    return array


@dataclass
class _Graph:
    """Nodes and constants of a graph in one precision."""

    precision: str
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    constants: list[onnx.TensorProto] = field(default_factory=list)
    _known: dict[tuple[object, ...], str] = field(default_factory=dict)

    def op(self, kind: str, *inputs: str, outputs: int = 1, **attributes: Any) -> Any:
        """Adds a node; its output's name, or their names."""
        names = [f"{kind.lower()}_{len(self.nodes)}" + (f"_{i}" if outputs > 1 else "") for i in range(outputs)]
        self.nodes.append(helper.make_node(kind, list(inputs), names, **attributes))
        return names[0] if outputs == 1 else names

    def weight(self, value: NDArray[Any], name: str | None = None) -> str:
        """A constant in the graph's precision."""
        kind = _PRECISIONS[self.precision][0]
        cast = value.astype(kind)
        if not np.isfinite(cast).all():
            raise ValueError(f"a weight does not fit {self.precision}: {name}")
        name = name or f"w{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(cast), name))
        return name

    def scalar(self, value: float) -> str:
        """A number in the graph's precision."""
        key = ("scalar", value)
        if key not in self._known:
            self._known[key] = self.weight(np.asarray(value))
        return self._known[key]

    def ints(self, *values: int) -> str:
        """A shape or the like."""
        key = ("ints", *values)
        if key not in self._known:
            self._known[key] = f"i{len(self.constants)}"
            self.constants.append(numpy_helper.from_array(np.asarray(values, np.int64), self._known[key]))
        return self._known[key]

    def conv(self, x: str, conv: nn.Conv2d, border: str = "zeros", factor: float = 1.0) -> str:
        """A convolution; factor: multiplies what comes out."""
        pad = conv.padding[0]
        assert isinstance(pad, int)
        if border == "replicate" and pad:
            x, pad = self.op("Pad", x, self.ints(0, 0, pad, pad, 0, 0, pad, pad), mode="edge"), 0
        inputs = [x, self.weight(factor * _float(conv.weight))]
        if conv.bias is not None:
            inputs.append(self.weight(factor * _float(conv.bias)))
        settings: dict[str, Any] = {"kernel_shape": list(conv.kernel_size), "strides": list(conv.stride), "pads": [pad] * 4}
        name: str = self.op("Conv", *inputs, group=conv.groups, **settings)
        return name

    def linear(self, x: str, layers: list[tuple[nn.Linear, NDArray[np.float32] | float]]) -> str:
        """Linear layers side by side on (N,L,C), each output multiplied by a number or vector."""
        scaled = [(_float(layer.weight), _float(layer.bias), np.asarray(gain, np.float32)) for layer, gain in layers]
        weight = np.concatenate([w * (gain[:, None] if gain.ndim else gain) for w, _, gain in scaled])
        bias = np.concatenate([b * gain for _, b, gain in scaled])
        name: str = self.op("Add", self.op("MatMul", x, self.weight(weight.T)), self.weight(bias))
        return name

    def norm(self, x: str, shift: NDArray[np.float32], scale: NDArray[np.float32]) -> str:
        """Layer norm whose own scale and shift are the modulation."""
        name: str = self.op("LayerNormalization", x, self.weight(1 + scale), self.weight(shift), axis=-1, epsilon=1e-6)
        return name

    def gelu(self, x: str) -> str:
        """The tanh form. In halves the square may become infinite: the result is right all the same."""
        c = math.sqrt(2 / math.pi)
        inner = self.op("Add", self.op("Mul", self.op("Mul", x, x), self.scalar(0.044715 * c)), self.scalar(c))
        bent = self.op("Add", self.op("Tanh", self.op("Mul", x, inner)), self.scalar(1.0))
        name: str = self.op("Mul", self.op("Mul", x, self.scalar(0.5)), bent)
        return name


def _conv3(g: _Graph, x: str, conv: nn.Module) -> str:
    if isinstance(conv, SepConv):
        return g.conv(g.conv(x, conv.depthwise), conv.pointwise)
    assert isinstance(conv, nn.Conv2d)
    return g.conv(x, conv)


def _stage(g: _Graph, x: str, stage: nn.Module) -> str:
    for block in stage.children():
        assert isinstance(block, ReluBlock)
        inner = x
        for index, conv in enumerate(block.convs):
            inner = _conv3(g, g.op("Relu", inner) if index else inner, conv)
        skip = g.conv(x, block.skip) if isinstance(block.skip, nn.Conv2d) else x
        x = g.op("Relu", g.op("Add", skip, inner))
    return x


def _encoder(g: _Graph, x: str, encoder: Encoder, scaling: float) -> str:
    x = g.conv(x, encoder.enter, encoder.config.border)
    for index, stage in enumerate(encoder.stages):
        x = _stage(g, x if index == 0 else _conv3(g, x, encoder.shrink[index - 1]), stage)
    assert encoder.leave is not None
    return g.conv(x, encoder.leave, factor=scaling)


def _decoder(g: _Graph, z: str, decoder: Decoder) -> str:
    assert decoder.enter is not None
    x = g.op("Relu", g.conv(z, decoder.enter))
    scales = numpy_helper.from_array(np.asarray([1, 1, 2, 2], np.float32), "twice")
    if len(decoder.stages) > 1:
        g.constants.append(scales)
    for index, stage in enumerate(decoder.stages):
        if index:
            nearest: dict[str, Any] = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
            x = _conv3(g, g.op("Resize", x, "", "twice", **nearest), decoder.grow[index - 1])
        x = _stage(g, x, stage)
    return g.conv(x, decoder.leave)


def _block(g: _Graph, x: str, block: DiTBlock, tokens: int) -> str:
    attention, constants = block.attention.image, _float(block.modulation.constants)
    shift, scale, gate, mlp_shift, mlp_scale, mlp_gate = constants
    heads, width = attention.heads, len(gate)
    size = width // heads
    # What softmax sees is divided by the root of a head's width; here the queries are.
    three = g.linear(g.norm(x, shift, scale), [(attention.query, size**-0.5), (attention.key, 1.0), (attention.value, 1.0)])
    split = g.op("Reshape", three, g.ints(0, tokens, 3, heads, size))
    query, key, value = g.op("Split", g.op("Transpose", split, perm=[2, 0, 3, 1, 4]), outputs=3, axis=0)
    query, key, value = (g.op("Squeeze", part, g.ints(0)) for part in (query, key, value))  # (N,heads,L,d)
    scores = g.op("MatMul", query, g.op("Transpose", key, perm=[0, 1, 3, 2]))
    mixed = g.op("MatMul", g.op("Softmax", scores, axis=-1), value)
    joined = g.op("Reshape", g.op("Transpose", mixed, perm=[0, 2, 1, 3]), g.ints(0, tokens, width))
    assert attention.out is not None
    x = g.op("Add", x, g.linear(joined, [(attention.out, gate)]))
    expand, _, project = block.mlp
    assert isinstance(expand, nn.Linear)
    assert isinstance(project, nn.Linear)
    inner = g.gelu(g.linear(g.norm(x, mlp_shift, mlp_scale), [(expand, 1.0)]))
    name: str = g.op("Add", x, g.linear(inner, [(project, mlp_gate)]))
    return name


def _denoiser(g: _Graph, z: str, denoiser: TokenDenoiser) -> str:
    config = denoiser.config
    side, width, patch = config.position_side, config.width, config.patch
    tokens = side * side
    x = g.op("Reshape", g.conv(z, denoiser.embed), g.ints(0, width, tokens))
    table = _float(denoiser.position.table).reshape(1, width, tokens).transpose(0, 2, 1)
    x = g.op("Add", g.op("Transpose", x, perm=[0, 2, 1]), g.weight(table))
    for block in denoiser.blocks:
        assert isinstance(block, DiTBlock)
        x = _block(g, x, block, tokens)
    shift, scale = _float(denoiser.modulation.constants)
    eps = g.linear(g.norm(x, shift, scale), [(denoiser.out, 1.0)])
    eps = g.op("Reshape", g.op("Transpose", eps, perm=[0, 2, 1]), g.ints(0, config.latent_channels * patch**2, side, side))
    if patch > 1:
        eps = g.op("DepthToSpace", eps, blocksize=patch, mode="CRD")
    name: str = g.op("Sub", z, eps)
    return name


def _check(model: TinySR) -> TokenDenoiser:
    config, denoiser = model.config, model.denoiser
    fits = config.attention == "global" and config.conditioning == "folded" and config.source == "enlarged"
    fits &= not config.skip and config.planes == 3 and config.bicubic == "pytorch"
    fits &= config.encoder.residual == config.decoder.residual == "relu"
    fits &= config.encoder.project and config.decoder.project and config.encoder.factor == config.decoder.factor == 8
    if not fits or not isinstance(denoiser, TokenDenoiser):
        raise ValueError("tile graphs are for models like `paper`: global attention, folded, no skip, compressed autoencoder")
    return denoiser


def build_tile_graph(model: TinySR, precision: str = "fp16") -> onnx.ModelProto:
    """(N,3,t,t) -> (N,3,s*t,s*t), float32 in 0..1; t is the tile that the positional embedding is for.

    The colour fix is left out: it is for whole frames (:func:`color_fix_graph`).
    """
    config = model.config
    denoiser = _check(model)
    big = config.position_side * config.patch * 8
    tile = big // config.scale
    g = _Graph(precision)
    target = numpy_helper.from_array(np.asarray([1, 1, config.scale, config.scale], np.float32), "scale")
    g.constants.append(target)
    cubic: dict[str, Any] = {"mode": "cubic", "cubic_coeff_a": _CUBIC, "coordinate_transformation_mode": "half_pixel"}
    x = g.op("Cast", g.op("Resize", "input", "", "scale", **cubic), to=_PRECISIONS[precision][1])
    if config.signed:
        x = g.op("Sub", g.op("Mul", x, g.scalar(2.0)), g.scalar(1.0))
    z = _denoiser(g, _encoder(g, x, model.encoder, config.scaling), denoiser)
    z = g.op("Mul", z, g.scalar(1 / config.scaling))
    if config.squash:
        z = g.op("Mul", g.op("Tanh", g.op("Mul", z, g.scalar(1 / 3))), g.scalar(3.0))
    image = _decoder(g, z, model.decoder)
    if config.signed:
        image = g.op("Mul", g.op("Add", image, g.scalar(1.0)), g.scalar(0.5))
    limits = [numpy_helper.from_array(np.asarray(v, np.float32), name) for v, name in ((0, "black"), (1, "white"))]
    g.constants += limits
    wide = g.op("Cast", image, to=TensorProto.FLOAT)
    g.nodes.append(helper.make_node("Clip", [wide, "black", "white"], ["output"]))
    return _proto(
        "tinysr-tile",
        g,
        [helper.make_tensor_value_info("input", TensorProto.FLOAT, ["N", 3, tile, tile])],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, ["N", 3, big, big])],
    )


def color_fix_graph() -> onnx.ModelProto:
    """AdaIN over whole frames: each channel of `target` gets the mean and deviation that it has in `source`.

    Both float32 (1,h,w,3) in 0..1, of sizes of their own. Means are taken over columns, then over rows, as a sum over
    millions of pixels in one go would not be exact in float32.
    """
    g = _Graph("fp32")

    def mean(x: str) -> str:
        name: str = g.op("ReduceMean", g.op("ReduceMean", x, axes=[2], keepdims=1), axes=[1], keepdims=1)
        return name

    def deviation(centred: str, sides: str) -> str:
        # The variance of a sample, n - 1, as PyTorch's.
        count = g.op("ReduceProd", g.op("Cast", sides, to=TensorProto.FLOAT), keepdims=0)
        unbiased = g.op("Div", count, g.op("Sub", count, g.scalar(1.0)))
        variance = g.op("Mul", mean(g.op("Mul", centred, centred)), unbiased)
        name: str = g.op("Sqrt", g.op("Add", variance, g.scalar(1e-5)))
        return name

    means = {name: mean(name) for name in ("source", "target")}
    centred = {name: g.op("Sub", name, means[name]) for name in means}
    deviations = {
        name: deviation(value, g.op("Slice", g.op("Shape", name), g.ints(1), g.ints(3))) for name, value in centred.items()
    }
    gain = g.op("Div", deviations["source"], deviations["target"])
    moved = g.op("Add", g.op("Mul", centred["target"], gain), means["source"])
    g.nodes.append(helper.make_node("Clip", [moved, g.scalar(0.0), g.scalar(1.0)], ["fixed"]))
    frames = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, f"{name}_h", f"{name}_w", 3]) for name in ("source", "target")
    ]
    fixed = helper.make_tensor_value_info("fixed", TensorProto.FLOAT, [1, "target_h", "target_w", 3])
    return _proto("color-fix", g, frames, [fixed])


def _proto(name: str, g: _Graph, inputs: list[Any], outputs: list[Any]) -> onnx.ModelProto:
    graph = helper.make_graph(g.nodes, name, inputs, outputs, g.constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8, producer_name="tinysr-video")
