"""Stock samplers beside their wrappers inside a real ComfyUI: the same bits, and all of it observed.

Needs no model files: the script builds a small network with random weights from ComfyUI's own classes.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import hosts
import pytest

REAL = hosts.real()
SCRIPT = Path(__file__).with_name("wrappers_inside.py")
SAMPLERS = ("KSampler", "KSamplerAdvanced", "SamplerCustom", "SamplerCustomAdvanced")
CASES = [f"{name}{masked}" for name in SAMPLERS for masked in ("", " masked")]
ENCODERS = (
    "CLIPTextEncode",
    "CLIPTextEncodeControlnet",
    "CLIPTextEncodeFlux",
    "CLIPTextEncodeHiDream",
    "CLIPTextEncodeHunyuanDiT",
    "CLIPTextEncodeLumina2",
    "CLIPTextEncodePixArtAlpha",
    "CLIPTextEncodeSD3",
    "CLIPTextEncodeSDXL",
    "CLIPTextEncodeSDXLRefiner",
    "TextEncodeAceStepAudio",
    "TextEncodeHunyuanVideo_ImageToVideo",
    "TextEncodeQwenImageEdit",
)

pytestmark = pytest.mark.skipif(REAL is None, reason="no real ComfyUI: set COMFYUI_PATH and COMFYUI_PYTHON")


@pytest.fixture(scope="module")
def report() -> dict[str, Any]:
    assert REAL is not None
    done = subprocess.run(
        [REAL.command[0], str(SCRIPT), str(REAL.folder), str(hosts.ROOT / "nodes"), *hosts.DEVICE],
        capture_output=True,
        encoding="utf-8",
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return dict(json.loads(done.stdout.rpartition("@@")[2]))


def test_every_core_sampler_and_text_encoder_has_a_wrapper(report: dict[str, Any]) -> None:
    assert {f"Provenance{name}" for name in (*SAMPLERS, *ENCODERS)} <= set(report["declared"])
    assert report["problems"] == []


def test_it_ran_on_the_device_that_was_asked_for(report: dict[str, Any]) -> None:
    assert (report["device"] == "cpu") == ("--cpu" in hosts.DEVICE)


def test_wrappers_declare_the_stock_inputs_first_and_the_same_outputs(report: dict[str, Any]) -> None:
    for class_type, told in report["declared"].items():
        (stock_inputs, stock_outputs), (inputs, outputs) = told["stock"], told["wrapper"]
        assert told["specs_equal"], class_type
        assert outputs == stock_outputs, class_type
        for section in ("required", "optional"):
            names = stock_inputs.get(section, [])
            extras = inputs.get(section, [])[len(names) :]
            assert inputs.get(section, [])[: len(names)] == names, class_type
            sampler = class_type.removeprefix("Provenance") in SAMPLERS
            assert extras == (["preview_every", "save_latent"] if sampler and section == "optional" else []), class_type


@pytest.mark.parametrize("case", CASES)
def test_wrapped_sampling_gives_the_same_bits_and_leaves_the_model_as_it_was(report: dict[str, Any], case: str) -> None:
    seen = report["sampling"][case]
    assert seen["same"]
    assert seen["out_as_observed"]
    assert seen["left_on_model"] == []
    assert seen["values"]["failed"] is None


@pytest.mark.parametrize("case", ["KSampler", "SamplerCustom"])
def test_sigmas_are_those_that_were_sampled(report: dict[str, Any], case: str) -> None:
    (sampled,) = report["sampling"][case]["values"]["passes"]
    assert sampled["sigmas"] == report["sampling"][case]["sigmas"]
    assert sampled["steps_run"] == len(sampled["step_ms"]) == len(sampled["sigmas"]) - 1


def test_seed_steps_sampler_and_settings_are_told(report: dict[str, Any]) -> None:
    values = report["sampling"]["KSampler"]["values"]
    assert values["inputs"] == {
        "seed": 2**64 - 1,
        "denoise": 0.7,
        "cfg": 3.5,
        "steps": 4,
        "sampler_name": "dpmpp_2m_sde",
        "scheduler": "karras",
    }
    assert values["passes"][0]["seed"] == 2**64 - 1
    assert values["passes"][0]["sampler"] == "sample_dpmpp_2m_sde"
    part = report["sampling"]["KSamplerAdvanced"]["values"]
    assert (part["inputs"]["start_at_step"], part["inputs"]["end_at_step"], part["passes"][0]["steps_run"]) == (1, 3, 2)
    advanced = report["sampling"]["SamplerCustomAdvanced"]["values"]
    assert advanced["noise_seed"] == 11
    assert advanced["guider"] == {"class": "CFGGuider", "cfg": 3.0}
    assert advanced["sampler"] == "sample_euler_ancestral"


@pytest.mark.parametrize("case", CASES)
def test_latents_and_conditioning_are_handed_over(report: dict[str, Any], case: str) -> None:
    tensors = set(report["sampling"][case]["tensors"])
    assert {"latent_in.samples", "latent_out.0.samples", "sigmas.0"} <= tensors
    assert ("latent_in.noise_mask" in tensors) == case.endswith("masked")
    assert any(name.startswith("positive.0.") for name in tensors)
    assert any(name.startswith("negative.0.") for name in tensors)
