from __future__ import annotations

import pytest
import torch
from comfy_provenance.nodes.plain import Copies
from comfy_provenance.provenance.record.tensors import tensor_digest


@pytest.mark.parametrize(
    "tensor",
    [
        torch.rand(3, 4),
        torch.rand(3, 4).t(),
        torch.rand(8, 8)[::2, 1:],
        torch.tensor(2.5),
        torch.zeros(0, 3),
        torch.rand(5).to(torch.bfloat16),
        torch.rand(5).to(torch.float8_e4m3fn),
        torch.tensor([True, False]),
        torch.tensor([1 + 2j]).conj(),
        torch.arange(6, dtype=torch.int64),
    ],
    ids=lambda tensor: f"{tensor.dtype}-{list(tensor.shape)}",
)
def test_copy_has_the_same_digest_and_shares_no_memory(tensor):
    copies = Copies()
    copies.add("it", tensor)
    copy = copies.tensors["it"]
    assert tensor_digest(copy) == tensor_digest(tensor)
    assert copy.untyped_storage().data_ptr() != tensor.untyped_storage().data_ptr() or not tensor.numel()


def test_tensors_made_in_inference_mode_are_copied():
    with torch.inference_mode():
        made = torch.rand(2, 2) * 2
        copies = Copies()
        copies.add("it", made)
    assert tensor_digest(copies.tensors["it"]) == tensor_digest(made)


def test_same_tensor_under_two_names_is_copied_once():
    tensor = torch.rand(2)
    copies = Copies()
    copies.add("a", tensor)
    copies.add("b", tensor)
    assert copies.tensors["a"] is copies.tensors["b"]


def test_lists_and_nested_tensors_are_named_by_place():
    class Nested:
        is_nested = True

        def unbind(self):
            return [torch.zeros(1), torch.ones(1)]

    copies = Copies()
    copies.latent("latent_in", {"samples": Nested()})
    copies.conditioning("positive", [[None, {"reference_latents": [torch.zeros(2)]}]])
    assert set(copies.tensors) == {"latent_in.samples.0", "latent_in.samples.1", "positive.0.reference_latents.0"}
