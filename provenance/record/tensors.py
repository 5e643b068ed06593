"""Digests of tensors: what a latent, a conditioning or a list of sigmas was, bit by bit.

The digested bytes are one ASCII header line and then the elements in row-major order, little-endian:

    tensor/v1 <dtype> <dim>x<dim>x...\\n

`<dtype>` is torch's name without its prefix (`float32`, `bfloat16`, `float8_e4m3fn`); a scalar has no dimensions.
Two tensors share a digest exactly when dtype, shape and every bit agree; device, strides and the gradient flag do not
count. 0.0 and -0.0 differ, and so do two NaNs with different bits.
"""

from __future__ import annotations

import hashlib
import json
import sys
from dataclasses import dataclass
from typing import Any

from ..errors import InputError


@dataclass(frozen=True, slots=True)
class TensorFacts:
    """One tensor as it can be named in a record. `sha256` is over the header line and the elements."""

    dtype: str
    shape: tuple[int, ...]
    sha256: str


def tensor_digest(tensor: Any) -> TensorFacts:
    """Digest one dense torch tensor; a tensor on a device is copied to the CPU first.

    Raises InputError for values that are not dense tensors (sparse, quantized, without storage). Does not check
    that nobody writes into the tensor meanwhile: pass a private copy.
    """
    import torch  # heavy, and there whenever a tensor is

    if not isinstance(tensor, torch.Tensor) or tensor.layout != torch.strided or tensor.is_quantized or tensor.is_meta:
        raise InputError(f"not a dense tensor: {type(tensor).__name__}")
    plain = tensor.detach().resolve_conj().resolve_neg().to("cpu").contiguous()
    dtype = str(plain.dtype).removeprefix("torch.")
    shape = tuple(int(size) for size in plain.shape)
    digest = hashlib.sha256(f"tensor/v1 {dtype} {'x'.join(map(str, shape))}\n".encode("ascii"))
    if plain.numel():
        data = plain.reshape(-1).view(torch.uint8).numpy()
        digest.update(memoryview(_little_endian(data, plain)))
    return TensorFacts(dtype, shape, digest.hexdigest())


def same_file(one: bytes, other: bytes) -> bool | None:
    """Whether two safetensors files (latents are such) hold the same tensors: names, dtypes, shapes and every bit.

    The files' metadata and the order of the tensors do not count. None when one is no such file or is damaged.
    """
    found = [_stored(data) for data in (one, other)]
    return None if None in found else found[0] == found[1]


def _stored(data: bytes) -> dict[str, tuple[str, list[int], bytes]] | None:
    length = int.from_bytes(data[:8], "little")
    if len(data) < 8 or length > len(data) - 8:
        return None
    try:
        header = json.loads(data[8 : 8 + length])
        body = memoryview(data)[8 + length :]
        found = {}
        for name, tensor in header.items():
            if name != "__metadata__":
                start, end = tensor["data_offsets"]
                if not 0 <= start <= end <= len(body):
                    return None
                found[name] = (tensor["dtype"], tensor["shape"], bytes(body[start:end]))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
    return found


def _little_endian(data: Any, tensor: Any) -> Any:
    """Swap the bytes of each number on big-endian machines; a complex number is two numbers."""
    if sys.byteorder == "little":
        return data
    width = tensor.element_size() // (2 if tensor.is_complex() else 1)
    return data.reshape(-1, width)[:, ::-1].copy().reshape(-1)
