"""HuBERT layers with their weights laid out for inference on a CPU.

As few and as large matrix products as possible: queries, keys and values in one, a convolution as
one product over windows that overlap in memory. Products run in bfloat16 where the processor
supports it, at twice the speed of float32; the sums between them stay float32. Alternatives that
were measured and rejected (16 streams, 320 ms): torch.compile gains a seventh and compiles for
half a minute; ONNX Runtime in float32 gains nothing; dynamic int8, in either, is as fast, but
scales a whole batch by its loudest row, so that a stream's result depends on its batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class FusedLinear:
    """Several linear layers with the same input, as one matrix product in one precision."""

    def __init__(self, layers: Sequence[Any], dtype: torch.dtype, scale: float = 1.0) -> None:
        weights, biases = [layer.weight for layer in layers], [layer.bias for layer in layers]
        weights[0], biases[0] = weights[0] * scale, biases[0] * scale
        self.weight = torch.cat(weights).detach().to(dtype).contiguous()
        self.bias = torch.cat(biases).detach().to(dtype)

    def __call__(self, x: Tensor) -> Tensor:
        return F.linear(x.to(self.weight.dtype), self.weight, self.bias)


class ConvLayer:
    """One layer of the feature extractor, as one matrix product over overlapping windows."""

    def __init__(self, layer: Any, dtype: torch.dtype) -> None:
        conv = layer.conv
        (self.kernel,), (self.stride,) = conv.kernel_size, conv.stride
        # (out, in, kernel) -> (out, kernel * in), the order in which a window lies in memory
        self.weight = conv.weight.detach().transpose(1, 2).flatten(1).to(dtype).contiguous()
        self.bias = None if conv.bias is None else conv.bias.detach().to(dtype)
        norm = getattr(layer, "layer_norm", None)
        self.group_norm = norm if isinstance(norm, nn.GroupNorm) else None
        self.layer_norm = norm if isinstance(norm, nn.LayerNorm) else None

    def __call__(self, x: Tensor) -> Tensor:
        """(batch, time, in) -> (batch, steps, out)."""
        batch, time, channels = x.shape
        steps = (time - self.kernel) // self.stride + 1
        x = x.to(self.weight.dtype).contiguous()
        windows = x.as_strided(
            (batch, steps, self.kernel * channels),
            (time * channels, self.stride * channels, 1),
        )
        return F.linear(windows, self.weight, self.bias)


class EncoderLayer:
    """The weights of one HubertEncoderLayer, under the names of transformers' modeling_hubert."""

    def __init__(self, layer: Any, num_heads: int, dtype: torch.dtype) -> None:
        attention, feed = layer.attention, layer.feed_forward
        scale = (attention.q_proj.weight.shape[0] // num_heads) ** -0.5
        projections = [attention.q_proj, attention.k_proj, attention.v_proj]
        self.qkv_proj = FusedLinear(projections, dtype, scale)  # scales the queries
        self.out_proj = FusedLinear([attention.out_proj], dtype)
        self.intermediate_dense = FusedLinear([feed.intermediate_dense], dtype)
        self.output_dense = FusedLinear([feed.output_dense], dtype)
        self.intermediate_act_fn = feed.intermediate_act_fn
        self.layer_norm, self.final_layer_norm = layer.layer_norm, layer.final_layer_norm


def apply_layer_norm(norm: nn.LayerNorm, x: Tensor) -> Tensor:
    """A layer norm in the precision of `x`; torch computes its statistics in float32."""
    shape = tuple(norm.normalized_shape)
    weight, bias = norm.weight.to(x.dtype), norm.bias.to(x.dtype)
    return F.layer_norm(x, shape, weight, bias, norm.eps)


def best_dtype() -> torch.dtype:
    """bfloat16 where this processor has instructions for it, float32 elsewhere."""
    # A private function, but torch has no public one; absent or False means float32.
    able = getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)()
    return torch.bfloat16 if able else torch.float32
