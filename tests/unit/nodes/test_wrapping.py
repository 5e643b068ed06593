from __future__ import annotations

import asyncio
import inspect
import json

import pytest
import torch
from comfy_provenance.nodes import build
from provenance_test_stock import STOCK, Broken, CLIPTextEncodeFlux, KSampler, Model, NodeOutput, RecordingPort, clip


def latent(height: int = 4) -> dict[str, torch.Tensor]:
    return {"samples": torch.zeros(1, 4, height, 4), "noise_mask": torch.ones(1, height, 4)}


def ksampler_inputs(model: object, **more: object) -> dict[str, object]:
    conditioning = [[torch.ones(1, 2), {"pooled_output": torch.ones(3), "strength": 1.0}]]
    return {
        "model": model,
        "seed": 2**64 - 1,
        "steps": 3,
        "cfg": 4.5,
        "scheduler": "simple",
        "positive": conditioning,
        "negative": [[torch.zeros(1, 2), {}]],
        "latent_image": latent(),
        "denoise": 1.0,
        **more,
    }


def test_wrappers_exist_for_samplers_and_for_encoders_found_by_signature(nodes):
    assert {"ProvenanceKSampler", "ProvenanceSamplerCustomAdvanced"} <= set(nodes)
    assert {"ProvenanceCLIPTextEncode", "ProvenanceCLIPTextEncodeFlux", "ProvenanceTextEncodeLater"} <= set(nodes)
    assert "ProvenanceLoadImage" not in nodes
    assert "ProvenanceLazyEncoder" not in nodes


def test_class_that_cannot_be_asked_about_itself_costs_only_its_own_wrapper(tmp_path):
    port = RecordingPort(tmp_path, {"Broken": Broken, **STOCK})
    classes, names = build(port)
    assert "ProvenanceBroken" not in classes
    assert port.problems == ["Broken has no wrapper: RuntimeError: no models folder"]
    assert set(names) == set(classes)
    assert names["ProvenanceKSampler"] == "Stock KSampler (Provenance)"


def test_inputs_are_the_stock_ones_in_order_with_ours_appended_as_optional(nodes):
    declared = nodes["ProvenanceKSampler"].INPUT_TYPES()
    assert list(declared) == ["required", "optional"]
    assert list(declared["required"].items()) == list(KSampler.INPUT_TYPES()["required"].items())
    assert list(declared["optional"]) == ["preview_every", "save_latent"]
    assert nodes["ProvenanceCLIPTextEncodeFlux"].INPUT_TYPES() == CLIPTextEncodeFlux.INPUT_TYPES()


def test_lists_of_choices_are_asked_for_anew(nodes, monkeypatch):
    monkeypatch.setattr(KSampler, "schedulers", ("simple", "installed later"))
    assert nodes["ProvenanceKSampler"].INPUT_TYPES()["required"]["scheduler"][0] == ["simple", "installed later"]


@pytest.mark.parametrize("name", ["KSampler", "SamplerCustomAdvanced", "CLIPTextEncode", "CLIPTextEncodeFlux"])
@pytest.mark.parametrize("member", ["RETURN_TYPES", "RETURN_NAMES", "OUTPUT_TOOLTIPS", "OUTPUT_IS_LIST", "OUTPUT_NODE"])
def test_what_the_executor_reads_is_the_same(nodes, name, member):
    missing = object()
    assert getattr(nodes[f"Provenance{name}"], member, missing) == getattr(STOCK[name], member, missing)


def test_v3_check_of_inputs_is_reachable_under_its_v1_name_and_empty_defaults_are_not(nodes):
    wrapper = nodes["ProvenanceCLIPTextEncodeFlux"]
    assert "guidance" in inspect.getfullargspec(wrapper.VALIDATE_INPUTS).args
    assert wrapper.VALIDATE_INPUTS(guidance=1.0) is True
    assert wrapper.VALIDATE_INPUTS(guidance=-1.0) == "guidance is negative"
    assert not hasattr(wrapper, "IS_CHANGED")
    assert not hasattr(nodes["ProvenanceSamplerCustomAdvanced"], "VALIDATE_INPUTS")


def test_change_detection_of_the_stock_class_never_sees_our_inputs(tmp_path):
    class Changing(KSampler):
        @classmethod
        def IS_CHANGED(cls, **inputs):
            return sorted(inputs)

    built = build(RecordingPort(tmp_path, {"KSampler": Changing}))[0]
    assert built["ProvenanceKSampler"].IS_CHANGED(seed=1, save_latent=True, preview_every=2) == ["seed"]


def test_v1_sampler_gives_the_same_bits_and_tells_what_it_did(port, nodes):
    model = Model()
    stock = KSampler().sample(**ksampler_inputs(Model()))
    result = nodes["ProvenanceKSampler"]().run(**ksampler_inputs(model))
    assert isinstance(result, tuple)
    assert torch.equal(result[0]["samples"], stock[0]["samples"])

    [(context, class_type, values, tensors)] = port.seen
    assert (context.execution, context.node, class_type) == ("run-1", "7", "ProvenanceKSampler")
    assert values["kind"] == "sampling"
    assert values["failed"] is None
    assert values["inputs"] == {"seed": 2**64 - 1, "steps": 3, "cfg": 4.5, "scheduler": "simple", "denoise": 1.0}
    [sampled] = values["passes"]
    assert sampled["sigmas"] == torch.linspace(10.0, 0.0, 4).tolist()
    assert sampled["seed"] == 2**64 - 1
    assert sampled["sampler"] == "sample_euler"
    assert sampled["sampler_options"] == {"eta": 0.5}
    assert sampled["steps_run"] == 3
    assert len(sampled["step_ms"]) == 3
    assert values["conditioning"]["positive"] == [{"strength": 1.0}]
    assert set(tensors) == {
        "latent_in.samples",
        "latent_in.noise_mask",
        "positive.0.cond",
        "positive.0.pooled_output",
        "negative.0.cond",
        "sigmas.0",
        "latent_out.0.samples",
        "latent_out.0.noise_mask",
    }
    assert torch.equal(tensors["latent_out.0.samples"], stock[0]["samples"])
    json.dumps(values, allow_nan=False)
    assert port.problems == []


def test_nothing_of_ours_stays_on_the_model(nodes):
    model = Model()
    nodes["ProvenanceKSampler"]().run(**ksampler_inputs(model))
    assert all(group == {} for group in model.wrappers.values())


def test_wrappers_of_other_packs_stay_and_run(nodes):
    model = Model()
    heard = []

    def theirs(executor, *args, **kwargs):
        heard.append(len(args))
        return executor(*args, **kwargs)

    model.add_wrapper_with_key("outer_sample", "theirs", theirs)
    nodes["ProvenanceKSampler"]().run(**ksampler_inputs(model))
    assert heard == [8]
    assert model.wrappers["outer_sample"] == {"theirs": [theirs]}


def test_clone_made_while_sampling_passes_through_later(port, nodes):
    model, clone = Model(), Model()

    def cloning(executor, *args, **kwargs):
        clone.wrappers = {kind: {key: list(w) for key, w in group.items()} for kind, group in model.wrappers.items()}
        clone.remove_wrappers_with_key("outer_sample", "cloning")
        return executor(*args, **kwargs)

    model.add_wrapper_with_key("outer_sample", "cloning", cloning)
    first = nodes["ProvenanceKSampler"]().run(**ksampler_inputs(model))
    again = KSampler().sample(**ksampler_inputs(clone))
    assert torch.equal(first[0]["samples"], again[0]["samples"])
    assert len(port.seen[0][2]["passes"]) == 1


def test_v3_sampler_returns_the_stock_object_and_tells_noise_guider_and_sampler(port, nodes):
    from provenance_test_stock import EULER, SimpleNamespace

    guider = SimpleNamespace(
        model_patcher=Model(), cfg=7.0, original_conds={"positive": [{"cross_attn": torch.ones(2), "guidance": 2.0}]}
    )
    inputs = {
        "noise": SimpleNamespace(seed=5),
        "guider": guider,
        "sampler": EULER,
        "sigmas": torch.tensor([4.0, 1.0, 0.0]),
        "latent_image": latent(),
    }
    result = nodes["ProvenanceSamplerCustomAdvanced"]().run(**inputs)
    assert isinstance(result, NodeOutput)
    assert torch.equal(result.args[0]["samples"], STOCK["SamplerCustomAdvanced"].execute(**inputs).args[0]["samples"])
    values, tensors = port.seen[0][2:]
    assert values["noise_seed"] == 5
    assert values["guider"] == {"class": "SimpleNamespace", "cfg": 7.0}
    assert values["sampler"] == "sample_euler"
    assert values["passes"][0]["sigmas"] == [4.0, 1.0, 0.0]
    assert values["conditioning"]["positive"] == [{"guidance": 2.0}]
    assert {"positive.0.cross_attn", "latent_out.0.samples", "latent_out.1.samples"} <= set(tensors)


def test_model_that_cannot_be_listened_to_still_runs(port, nodes):
    result = nodes["ProvenanceKSampler"]().run(**ksampler_inputs(object()))
    assert result[0]["samples"].shape == (1, 4, 4, 4)
    assert port.seen[0][2]["passes"] == []
    assert port.problems == []


def test_copies_are_private(port, nodes):
    inputs = ksampler_inputs(Model())
    result = nodes["ProvenanceKSampler"]().run(**inputs)
    before = port.seen[0][3]["latent_out.0.samples"].clone()
    result[0]["samples"].zero_()
    inputs["latent_image"]["samples"].fill_(9.0)
    assert torch.equal(port.seen[0][3]["latent_out.0.samples"], before)
    assert port.seen[0][3]["latent_in.samples"].count_nonzero() == 0


def test_error_of_the_stock_node_passes_unchanged_and_is_told(port, nodes):
    broken = latent()
    del broken["samples"]
    with pytest.raises(KeyError, match="samples") as caught:
        nodes["ProvenanceKSampler"]().run(**ksampler_inputs(Model(), latent_image=broken))
    assert caught.type is KeyError
    assert port.seen[0][2]["failed"] == "KeyError"
    assert port.seen[0][2]["inputs"]["seed"] == 2**64 - 1


def test_interrupt_in_the_middle_keeps_the_steps_that_ran(port, nodes):
    class Interrupted(BaseException):
        pass

    class Stopping(Model):
        def run(self, kind, function, *args):
            if kind == "sampler_sample":
                raise Interrupted
            return super().run(kind, function, *args)

    model = Stopping()
    with pytest.raises(Interrupted):
        nodes["ProvenanceKSampler"]().run(**ksampler_inputs(model))
    assert port.seen[0][2]["failed"] == "Interrupted"
    assert port.seen[0][2]["passes"][0]["steps_run"] == 0
    assert all(group == {} for group in model.wrappers.values())


def test_failure_of_our_own_is_reported_and_changes_nothing(port, nodes):
    class Touchy(Model):
        def remove_wrappers_with_key(self, kind, key):
            raise RuntimeError("no such method any more")

    conditioning = [[torch.ones(1, 2), {"odd": torch.ones(2).to_sparse()}]]
    stock = KSampler().sample(**ksampler_inputs(Model()))
    result = nodes["ProvenanceKSampler"]().run(**ksampler_inputs(Touchy(), positive=conditioning))
    assert torch.equal(result[0]["samples"], stock[0]["samples"])
    assert port.problems[-1] == "ProvenanceKSampler could not stop listening: RuntimeError: no such method any more"
    assert port.seen[0][2]["omitted"] == {"positive.0.odd": "float32 [2]"}


def test_receiver_that_fails_costs_the_observation_only(port, nodes, monkeypatch):
    def refuse(*args):
        raise OSError("queue is gone")

    monkeypatch.setattr(port, "observe", refuse)
    assert nodes["ProvenanceCLIPTextEncode"]().run(clip=clip, text="a cat")
    monkeypatch.setattr(port, "context", refuse)
    assert nodes["ProvenanceCLIPTextEncode"]().run(clip=clip, text="a cat")
    assert all("queue is gone" in problem for problem in port.problems)
    assert len(port.problems) == 2


def test_outside_a_recorded_run_nothing_is_told(port, nodes):
    port.current = None
    assert nodes["ProvenanceKSampler"]().run(**ksampler_inputs(Model()))
    assert port.seen == []
    assert port.problems == []


def test_v1_encoder_tells_text_and_conditioning(port, nodes):
    text = "a cat crystal pendant, Ø 銀"
    result = nodes["ProvenanceCLIPTextEncode"]().run(clip=clip, text=text)
    assert torch.equal(result[0][0][0], clip(text))
    values, tensors = port.seen[0][2:]
    assert values["kind"] == "encoding"
    assert values["texts"] == {"text": text}
    assert values["inputs"] == {}
    assert values["outputs"] == [[{"guidance": 3.5}]]
    assert set(tensors) == {"out.0.0.cond", "out.0.0.pooled_output"}


def test_v3_encoder_tells_each_text(port, nodes):
    inputs = {"clip": clip, "clip_l": "a cat", "t5xxl": "crystal", "guidance": 2.5}
    result = nodes["ProvenanceCLIPTextEncodeFlux"]().run(**inputs)
    assert isinstance(result, NodeOutput)
    assert port.seen[0][2]["texts"] == {"clip_l": "a cat", "t5xxl": "crystal"}
    assert port.seen[0][2]["inputs"] == {"guidance": 2.5}


def test_asynchronous_encoder_stays_asynchronous(port, nodes):
    wrapper = nodes["ProvenanceTextEncodeLater"]()
    assert inspect.iscoroutinefunction(wrapper.run)
    result = asyncio.run(wrapper.run(clip=clip, clip_l="", t5xxl="later", guidance=1.0))
    assert torch.equal(result.args[0][0][0], clip("later"))
    assert port.seen[0][2]["texts"]["t5xxl"] == "later"


def test_numbers_that_json_lacks_are_told_as_text(port, nodes):
    nodes["ProvenanceKSampler"]().run(**ksampler_inputs(Model(), cfg=float("inf")))
    assert port.seen[0][2]["inputs"]["cfg"] == "inf"
    json.dumps(port.seen[0][2], allow_nan=False)


def test_state_of_a_v1_object_lives_as_long_as_the_wrapper(tmp_path):
    class Counting(KSampler):
        def __init__(self):
            self.calls = 0

        def sample(self, **inputs):
            self.calls += 1
            return ({"samples": torch.tensor([float(self.calls)])},)

    wrapper = build(RecordingPort(tmp_path, {"KSampler": Counting}))[0]["ProvenanceKSampler"]()
    wrapper.run(**ksampler_inputs(None))
    assert wrapper.run(**ksampler_inputs(None))[0]["samples"].item() == 2.0


def test_more_than_the_limit_is_named_and_not_copied(port, nodes, monkeypatch):
    from comfy_provenance.nodes import plain

    monkeypatch.setattr(plain, "COPY_LIMIT", 64)
    nodes["ProvenanceCLIPTextEncode"]().run(clip=clip, text="three words here")
    values, tensors = port.seen[0][2:]
    assert values["omitted"] == {"out.0.0.cond": "float32 [3, 8]"}
    assert set(tensors) == {"out.0.0.pooled_output"}
