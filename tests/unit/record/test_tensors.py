from __future__ import annotations

import hashlib

import pytest
import torch
from comfy_provenance.provenance.errors import InputError
from comfy_provenance.provenance.record.tensors import tensor_digest


def test_digest_is_header_and_little_endian_elements():
    facts = tensor_digest(torch.tensor([[1.0, -2.0]], dtype=torch.float32))
    assert facts.dtype == "float32"
    assert facts.shape == (1, 2)
    expected = b"tensor/v1 float32 1x2\n" + bytes.fromhex("0000803f000000c0")
    assert facts.sha256 == hashlib.sha256(expected).hexdigest()


def test_scalar_and_empty_tensors_have_digests():
    assert tensor_digest(torch.tensor(3)).shape == ()
    assert tensor_digest(torch.zeros(0, 4)).shape == (0, 4)
    assert tensor_digest(torch.zeros(0, 4)).sha256 != tensor_digest(torch.zeros(4, 0)).sha256


@pytest.mark.parametrize(
    "dtype",
    [
        torch.float16,
        torch.bfloat16,
        torch.float8_e4m3fn,
        torch.float8_e5m2,
        torch.float64,
        torch.int64,
        torch.uint8,
        torch.bool,
        torch.complex64,
    ],
)
def test_every_dtype_is_told_apart_by_its_bits(dtype):
    ones = torch.ones(2, 3).to(dtype)
    zeros = torch.zeros(2, 3).to(dtype)
    assert tensor_digest(ones).dtype == str(dtype).removeprefix("torch.")
    assert tensor_digest(ones).sha256 != tensor_digest(zeros).sha256
    assert tensor_digest(ones).sha256 == tensor_digest(ones.clone()).sha256


def test_strides_do_not_count_but_shape_does():
    base = torch.arange(6, dtype=torch.float32).reshape(2, 3)
    assert tensor_digest(base.t()).sha256 == tensor_digest(base.t().contiguous()).sha256
    assert tensor_digest(base).sha256 != tensor_digest(base.reshape(3, 2)).sha256


def test_lazy_conjugate_is_resolved():
    value = torch.tensor([1 + 2j])
    assert tensor_digest(value.conj()).sha256 == tensor_digest(torch.tensor([1 - 2j])).sha256


@pytest.mark.parametrize("value", [torch.zeros(2, 2).to_sparse(), torch.zeros(2, device="meta"), [1.0], None])
def test_values_without_dense_elements_are_refused(value):
    with pytest.raises(InputError):
        tensor_digest(value)
