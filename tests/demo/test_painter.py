"""The model behind the host: everything an author changes must show, and the same settings must give the same bits."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from comfy_provenance.demo import guidance, painter, samplers
from comfy_provenance.demo.models import CHECKPOINT, CHECKPOINT_COLD, LORA, write_models
from comfy_provenance.demo.words import Scene, embed, tokenize
from safetensors.torch import load_file

PROMPT = "a cat in the snow, mountain"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("models")
    write_models(made)
    return made


@pytest.fixture(scope="module", autouse=True)
def no_gradients() -> Iterator[None]:
    with torch.inference_mode():
        yield


def sample(folder: Path, text: str = PROMPT, **changes: Any) -> torch.Tensor:
    wish = {
        "negative": "", "seed": 1, "cfg": 7.0, "steps": 8, "sampler": "euler", "scheduler": "karras", "denoise": 1.0,
        "start": None, "checkpoint": CHECKPOINT, "lora": 0.0, "wrappers": (), **changes,
    }  # fmt: skip
    state = load_file(folder / "checkpoints" / wish["checkpoint"])
    model, clip, vae = painter.load_painter(state), painter.load_clip(state), painter.load_vae(state)
    if wish["lora"]:
        delta = load_file(folder / "loras" / LORA)
        model = model.paint_over(delta["painter.palette.delta"], wish["lora"])
    for wrapper in wish["wrappers"]:
        model = model.clone()
        model.add_wrapper_with_key("outer_sample", "test", wrapper)
    start = torch.zeros(1, painter.CHANNELS, 8, 8) if wish["start"] is None else vae.encode(wish["start"])
    guider = guidance.CFGGuider(model)
    texts = (text, wish["negative"])
    guider.set_conds(*(clip.encode_from_tokens_scheduled(clip.tokenize(words)) for words in texts))
    guider.set_cfg(wish["cfg"])
    sigmas = samplers.sigmas_for(wish["scheduler"], wish["steps"], wish["denoise"])
    noise = guidance.noise_for(start, wish["seed"])
    return vae.decode(guider.sample(noise, start, guidance.Sampler(wish["sampler"]), sigmas, seed=wish["seed"]))


def test_the_same_settings_give_the_same_bits(folder: Path) -> None:
    assert torch.equal(sample(folder), sample(folder))


@pytest.mark.parametrize(
    "changes",
    [
        {"text": "a cat in the rain, mountain"},
        {"text": "a cat in the snow, mountain, qwertyish"},
        {"text": "a cat in the snow, (mountain:1.6)"},
        {"text": "山上的猫"},
        {"negative": "blue"},
        {"seed": 2**64 - 1},
        {"cfg": 2.0},
        {"checkpoint": CHECKPOINT_COLD},
        {"lora": 0.8},
    ],
)
def test_each_setting_changes_the_picture(folder: Path, changes: dict[str, Any]) -> None:
    assert (sample(folder, **changes) - sample(folder)).abs().mean() > 0.002


@pytest.mark.parametrize("scheduler", list(samplers.SCHEDULERS))
@pytest.mark.parametrize("sampler", list(samplers.SAMPLERS))
def test_every_sampler_on_every_schedule_paints_the_same_scene(folder: Path, sampler: str, scheduler: str) -> None:
    made = sample(folder, sampler=sampler, scheduler=scheduler, steps=16)
    assert torch.isfinite(made).all()
    assert (made - sample(folder, steps=16)).abs().mean() < 0.12


@pytest.mark.parametrize("scheduler", list(samplers.SCHEDULERS))
def test_schedules_fall_to_zero(scheduler: str) -> None:
    sigmas = samplers.sigmas_for(scheduler, 10)
    assert len(sigmas) == 11 and sigmas[-1] == 0 and (sigmas.diff() < 0).all()
    assert sigmas[0] == pytest.approx(samplers.SIGMA_MAX, rel=0.01)
    assert len(samplers.sigmas_for(scheduler, 10, 0.5)) == 11 and len(samplers.sigmas_for(scheduler, 10, 0.0)) == 0


def test_a_start_picture_is_kept_the_more_the_less_it_is_denoised(folder: Path) -> None:
    start = sample(folder, "desert, sunset, castle", seed=5)
    apart = [(sample(folder, start=start, denoise=d) - start).abs().mean().item() for d in (0.0, 0.15, 0.6, 1.0)]
    assert apart[0] < 1e-6
    assert apart == sorted(apart) and apart[1] < 0.08 < apart[3]


def test_folding_loses_nothing() -> None:
    pictures = torch.rand(2, 24, 16, 3)
    assert torch.allclose(painter.unfold(painter.fold(pictures)), pictures, atol=1e-6)


def test_an_empty_prompt_is_told_apart_from_an_unknown_word() -> None:
    assert Scene(embed(tokenize(""))).empty
    assert not Scene(embed(tokenize("zyxwv"))).empty
    assert Scene(torch.zeros_like(embed(tokenize("a cat")))).empty


def test_a_wrapper_sees_the_sampling_and_changes_nothing_by_being_there(folder: Path) -> None:
    seen: list[Any] = []

    def wrapper(
        executor: Any, noise: torch.Tensor, latent: torch.Tensor, sampler: Any, sigmas: Any, *rest: Any, **more: Any
    ) -> Any:
        seen.append((executor.class_obj, sigmas, rest, more))
        return executor(noise, latent, sampler, sigmas, *rest, **more)

    def outer(executor: Any, *args: Any, **more: Any) -> Any:
        seen.append("outer")
        return executor(*args, **more)

    assert torch.equal(sample(folder, wrappers=(outer, wrapper)), sample(folder))
    assert seen[0] == "outer"
    guider, sigmas, rest, more = seen[1]
    assert isinstance(guider, guidance.CFGGuider) and len(sigmas) == 9
    assert len(rest) == 4 and rest[3] == 1 and "latent_shapes" in more  # denoise_mask, callback, disable_pbar, seed


def test_a_clone_does_not_share_its_wrappers(folder: Path) -> None:
    model = painter.load_painter(load_file(folder / "checkpoints" / CHECKPOINT))
    clone = model.clone()
    clone.add_wrapper("outer_sample", print)
    clone.model_options["transformer_options"]["x"] = 1
    assert model.get_all_wrappers("outer_sample") == [] and model.model_options == {"transformer_options": {}}


def test_a_foreign_model_file_is_refused_in_words() -> None:
    for load in (painter.load_painter, painter.load_clip, painter.load_vae):
        with pytest.raises(ValueError, match="embedded host only knows"):
            load({"some.weight": torch.zeros(1)})
