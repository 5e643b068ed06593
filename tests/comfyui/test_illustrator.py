"""A small work, made the way an illustrator makes one, and what a stranger makes of its dossier.

An idea and its revision, nine prompt versions, two models, thirty candidates, choices with reasons, a failure, a region
painted over, an edit in another program; anchored at a local authority, exported from the command line. Then the
stranger: the zip alone, openssl, a browser, and changed copies.
"""

from __future__ import annotations

import io
import json
import random
import shutil
import subprocess
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import hosts
import pytest
from comfy_provenance.demo.client import Client
from comfy_provenance.demo.models import CHECKPOINT_COLD
from comfy_provenance.demo.session import ModelPart, Painting, Prompt, Run, Session, paint
from comfy_provenance.provenance.present import dossiers
from comfy_provenance.provenance.seal.timestamp import read_roots
from comfy_provenance.tests.authorities import Authority, Pki, needs_openssl
from PIL import Image
from test_authoring import edited, form, krita
from test_session import model_part

pytestmark = [needs_openssl, pytest.mark.timeout(900)]
API = "/provenance/v1"
PROMPTS = (
    "a cat",
    "a cat with a lamp",
    "an old cat with a lamp",
    "an old cat with a lamp, sea",
    "an old cat with a brass lamp, sea, dusk",
    "an old cat with a brass lamp, sea, dusk, one warm window",
    "an old cat with a brass lamp, calm sea, dusk, one warm window",
    "an old cat with a brass lamp, calm sea, dusk, one warm window, no people",
    "an old cat keeping a brass lamp, calm sea, dusk, one warm window, no people",
)
IDEA = "A cat that keeps the light after the keeper has left."


@dataclass
class Work:
    """What was made: the host's folder outlives the host."""

    host: hosts.Host
    final: str
    authority: Authority
    zip: Path
    exported: dict[str, Any]


def second_model(kind: hosts.Kind, part: ModelPart, folder: Path) -> ModelPart:
    """Another model file: the embedded host brings one, a real one gets a copy with other bytes beside the first."""
    name, nodes = CHECKPOINT_COLD, {key: {**node, "inputs": dict(node["inputs"])} for key, node in part.nodes.items()}
    if kind.real:
        from safetensors.torch import load_file, save_file

        name = "second_painter.safetensors"
        first = next((kind.folder / "models").rglob(str(nodes["1"]["inputs"]["unet_name"])))
        (folder / "models").mkdir(parents=True)
        save_file(load_file(first), folder / "models" / name, {"note": "another file"})
        nodes["1"]["inputs"]["unet_name"] = name
    else:
        nodes["1"]["inputs"]["ckpt_name"] = name
    return replace(part, nodes=nodes)


def arguments(kind: hosts.Kind, folder: Path) -> tuple[str, ...]:
    if not kind.real:
        return ()
    paths = folder / "second.yaml"
    paths.write_text(f"second:\n  base_path: {folder}\n  diffusion_models: models\n", encoding="utf-8")
    return ("--extra-model-paths-config", str(paths))


def inpaint(part: ModelPart, wish: Painting, masked: str) -> Prompt:
    """A region of an earlier picture painted anew: the mask comes with the picture's alpha."""
    prompt = paint(part, wish)
    prompt["30"] = {"class_type": "LoadImage", "inputs": {"image": masked}}
    prompt["31"] = {"class_type": "SetLatentNoiseMask", "inputs": {"samples": ["12", 0], "mask": ["30", 1]}}
    prompt["13"]["inputs"]["latent_image"] = ["31", 0]
    return prompt


def with_hole(path: Path) -> bytes:
    """The picture with a quarter cut out of its alpha channel, as the mask editor saves it."""
    with Image.open(path) as image:
        image = image.convert("RGBA")
        image.paste((0, 0, 0, 0), (0, 0, image.width // 2, image.height // 2))
        data = io.BytesIO()
        image.save(data, "PNG")
    return data.getvalue()


@pytest.fixture(scope="module")
def work(kind: hosts.Kind, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Work]:
    part = model_part(kind)
    folder = tmp_path_factory.mktemp("illustrator")
    other = second_model(kind, part, folder)
    size = 64
    with Authority(Pki(tmp_path_factory.mktemp("pki"))) as authority:
        with hosts.running(kind, folder / "host", arguments=arguments(kind, folder)) as host:
            host.settled()
            host.post(f"{API}/settings", {"authorities": [{"name": "Local authority", "url": authority.url}]})
            final = make(host, part, other, size)
            host.post(f"{API}/times/now", {})
        path = folder / "dossier.zip"
        done = host.command("export", final, "-o", str(path), "--title", "The keeper", "--json")
        assert done.returncode == 0, done.stderr + done.stdout[-2000:]
        yield Work(host, final, authority, path, json.loads(done.stdout))


def make(host: hosts.Host, part: ModelPart, other: ModelPart, size: int) -> str:
    """Make the work; gives the digest of its final file."""
    first = form(host, "intents", {"title": "Keeper", "text": IDEA, "source": "page"}, [])
    host.post(f"{API}/intents", {"text": IDEA + " Dusk, one window.", "revises": first["entry"]})
    session = Session(Client(f"http://127.0.0.1:{host.port}"))

    def wish(text: str, seed: int, **changes: Any) -> Painting:
        return Painting(text=text, seed=seed, size=size, steps=2, prefix="keeper", **changes)

    head: Run | None = None
    candidates: list[Run] = []
    for number, text in enumerate(PROMPTS):
        model = part if number < 5 else other
        tried = [session.run(f"{number}.{seed}", paint(model, wish(text, seed)), head) for seed in range(3)]
        candidates += tried
        decide(host, tried[1], "keep", f"closest to version {number + 1}", over=[tried[0], tried[2]])
        decide(host, tried[0], "reject", "too busy")
        head = tried[1]
    assert head is not None
    candidates += [session.run(f"more {seed}", paint(other, wish(PROMPTS[-1], seed)), head) for seed in (7, 8)]
    broken = session.client.upload("keeper-broken.png", b"\x89PNG\r\n\x1a\n and then nothing more")
    session.run("broken", paint(part, wish(PROMPTS[-1], 1, start=broken)), head)
    host.upload("keeper-masked.png", with_hole(host.folder / "output" / head.outputs[0]["filename"]))
    painted = session.run("inpaint", inpaint(other, wish(PROMPTS[-1], 3, start=head.file()), "keeper-masked.png"), head)
    assert painted.status == "success", painted
    candidates.append(painted)
    assert len(candidates) == 30
    decide(host, painted, "keep", "the window is the only light now")
    found = host.recorded(painted.execution)["outputs"][0]
    final = edited(host.folder / "output" / found["file"])
    statement = {"of": [found["sha256"]], "stage": "finished", "note": "painted the sky by hand", "source": "page"}
    files = [("file", "keeper-final.png", final), ("project", "keeper.kra", krita(final))]
    said = form(host, "imports", statement, files)
    host.settled()
    return str(said["sha256"])


def decide(host: hosts.Host, run: Run, decision: str, reason: str, over: list[Run] | None = None) -> None:
    output = host.recorded(run.execution)["outputs"][0]["sha256"]
    body = {"execution": run.execution, "output": output, "decision": decision, "reason": reason}
    if over:
        body["over"] = [{"execution": each.execution, "output": None} for each in over]
    host.post(f"{API}/decisions", body)


@pytest.fixture(scope="module")
def unpacked(work: Work, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("stranger")
    shutil.unpack_archive(work.zip, folder)
    return folder / "dossier"


def test_the_exporter_finds_it_sound_and_signs_it(work: Work) -> None:
    assert work.exported["signed"]
    assert work.exported["check"]["ok"], work.exported["check"]["findings"]


def test_it_verifies_with_the_authoritys_root_and_all_is_bounded_in_time(work: Work) -> None:
    found = dossiers.verify(work.zip, roots=read_roots(work.authority.pki.root.read_bytes()))
    assert found["ok"], found["findings"]
    told = found["dossier"]
    assert {anchor["trust"] for anchor in told["anchors"]} == {"trusted"}
    assert told["entries"]["anchored"] >= told["entries"]["shown"] - 3  # what came with and after the last token
    assert told["works"][0]["sha256"] == work.final


def test_the_report_shows_the_five_parts(work: Work, unpacked: Path) -> None:
    report = (unpacked / "report.html").read_text(encoding="utf-8")
    for anchor in ("idea", "prompts", "models", "selection", "edits", "environment", "integrity", "gaps"):
        assert f'<section id="{anchor}"' in report
    for text in (
        IDEA,
        "closest to version 9",
        "too busy",
        "painted the sky by hand",
        "keeper-final.png",
        "Local authority",
    ):
        assert text in report, text
    assert report.count('class="version"') >= len(PROMPTS)
    files = 4 if work.host.kind.real else 2  # two of the diffusion model; a real host loads encoder and decoder apart
    assert f"{files} models" in report
    crate = json.loads((unpacked / "data" / "ro-crate-metadata.json").read_text(encoding="utf-8"))
    runs = [each for each in crate["@graph"] if each["@type"] == "CreateAction"]
    assert len(runs) == 31
    assert ("SSIM" in report and 'class="mask' in report) or "25.0%" in report


def test_a_stranger_checks_it_with_openssl_by_the_instructions(work: Work, unpacked: Path) -> None:
    from comfy_provenance.tests.dossier.test_outside_programs import UNIX, bash, blocks, promised

    if not UNIX or not shutil.which("ssh-keygen"):
        pytest.skip("no sha256sum, base64 or ssh-keygen")
    sums, fingerprint, whole, signatures, _, _, tokens = blocks(unpacked, "en")[:7]
    says = promised(unpacked, "en")
    assert bash(unpacked, sums) == ""
    assert [bash(unpacked, each).strip() for each in (fingerprint, whole, signatures)] == [
        each.strip() for each in says[:3]
    ]
    shutil.copy(work.authority.pki.root, unpacked / "roots.pem")
    answer = bash(unpacked, tokens)
    (unpacked / "roots.pem").unlink()
    assert answer.count("Verification: OK") == tokens.count("openssl ts") > 0, answer


def test_a_stranger_checks_it_in_a_browser(work: Work, unpacked: Path) -> None:
    playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        pytest.skip("no Chromium on the PATH")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page()
        page.goto((unpacked / "verify.html").as_uri())
        page.set_input_files("#file", work.zip)
        page.wait_for_selector(".verdict", timeout=hosts.RUN_S * 1000)
        good, text = page.locator(".verdict.good").count(), page.inner_text("main")
        browser.close()
    assert good == 1, text


def test_every_changed_copy_fails(work: Work, tmp_path: Path) -> None:
    data, dice, path = work.zip.read_bytes(), random.Random(11), tmp_path / "changed.zip"
    for _ in range(40):
        changed = bytearray(data)
        changed[dice.randrange(len(data))] ^= 1 << dice.randrange(8)
        path.write_bytes(changed)
        assert not dossiers.verify(path)["ok"]


def test_it_verifies_without_the_pack_around_it(work: Work) -> None:
    done = subprocess.run(
        [hosts.sys.executable, "-I", str(hosts.ROOT), "verify", str(work.zip)], capture_output=True, text=True
    )
    assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "good"), done.stdout + done.stderr
    with zipfile.ZipFile(work.zip) as archive:
        assert archive.testzip() is None
