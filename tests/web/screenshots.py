"""Makes the pictures of the lineage tab: one session on the embedded host, seen in both themes and both languages.

`make screenshots` writes them to `docs/images`. Layout, words and drawings are the same each time; ids and times of day
are those of the session that was played. Needs what the tests of the tab need.

    python tests/web/screenshots.py [--to FOLDER] [--language en|zh] [--theme dark|light] [--front-end-root FOLDER]
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import conftest  # noqa: F401  makes the package importable
from comfy_provenance.demo.client import Client
from comfy_provenance.demo.session import DEMO_MODEL, Painting, Run, Session, composite, load_and_invert, paint
from web.author import Author
from web.canvas import Canvas
from web.conftest import BROWSER_OPTIONS, BROWSERS, embedded, running_host
from web.sidebar import Sidebar, by

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "images"
VIEWPORT = {"width": 1360, "height": 850}
SIDEBAR = 460
NARROW_HEIGHT = 620
SCALE = 1.5
QUALITY = 76


@dataclass(frozen=True)
class Words:
    """What the author of the session writes, in one language."""

    day: str
    golden: str
    moon: str
    snow: str
    watercolour: str
    storm: str
    label: str
    reason: str
    find: str
    edit: tuple[str, str]


WORDS = {
    "en": Words(
        day="a cat wearing a crystal pendant, day",
        golden="a cat wearing a crystal pendant, golden hour",
        moon="a cat wearing a crystal pendant, moon over the sea",
        snow="a cat wearing a crystal pendant, mountain, snow",
        watercolour="a cat wearing a crystal pendant, moon over the sea, watercolor",
        storm="a lighthouse in a storm, sea, boat",
        label="moonlight",
        reason="the light on the pendant",
        find="snow",
        edit=("snow", "sunset"),
    ),
    "zh": Words(
        day="戴着水晶吊坠的猫，白天",
        golden="戴着水晶吊坠的猫，日落，金色",
        moon="戴着水晶吊坠的猫，海上的月亮",
        snow="戴着水晶吊坠的猫，山，雪",
        watercolour="戴着水晶吊坠的猫，海上的月亮，水彩",
        storm="暴风雨中的灯塔，海，船",
        label="月光",
        reason="吊坠上的光",
        find="雪",
        edit=("雪", "日落"),
    ),
}


def play(url: str, words: Words) -> dict[str, Run]:
    """Three branches: gold and moonlight, snow, and one that joins them; a run that fails, one that is stopped."""
    session = Session(Client(url))

    def wish(text: str, **changes: Any) -> dict[str, dict[str, Any]]:
        return paint(DEMO_MODEL, Painting(text=text, **{"prefix": "cat", **changes}))

    first = session.run("first", wish(words.day))
    golden = session.run("golden", wish(words.golden), first)
    seeds = [session.run(f"seed {seed}", wish(words.golden, seed=seed), golden) for seed in (11, 21, 34, 55, 89)]
    moon = session.run("moon", wish(words.moon, seed=89), seeds[-1])
    snow = session.run("snow", wish(words.snow), first)
    stronger = session.run("stronger", wish(words.snow, cfg=5.5, steps=18), snow)
    session.run("stopped", wish(words.storm, steps=2000), stronger, interrupt=True)
    watercolour = session.run("watercolour", wish(words.watercolour, seed=3, denoise=0.6, start=moon.file()), moon)
    both = session.run("both", composite(watercolour.file(), stronger.file(), "cat"), watercolour)
    broken = session.client.upload("cat-broken.png", b"\x89PNG\r\n\x1a\n and then nothing more")
    session.run("broken", load_and_invert(broken, "cat"), both)
    return {run.name: run for run in session.runs}


def judge(url: str, words: Words, runs: dict[str, Run]) -> None:
    """What the author says of them."""
    author = Author(url)
    post = author.client.post
    for name, said in (
        ("both", {"decision": "keep", "reason": words.reason}),
        ("both", {"decision": "rate", "rating": 5}),
        ("moon", {"decision": "rate", "rating": 4}),
        ("snow", {"decision": "reject"}),
    ):
        post("/provenance/v1/decisions", {"execution": runs[name].execution, "output": None, **said})
    post("/provenance/v1/labels", {"execution": runs["watercolour"].execution, "label": words.label})


class Camera:
    """One page in one theme and language."""

    def __init__(self, folder: Path, suffix: str, sidebar: Sidebar) -> None:
        self.folder, self.suffix, self.sidebar = folder, suffix, sidebar

    def shoot(self, name: str, *, narrow: bool = False) -> None:
        """The page as it stands; `narrow`: the sidebar alone."""
        page = self.sidebar.page
        page.mouse.move(VIEWPORT["width"] - 5, VIEWPORT["height"] - 5)
        page.wait_for_function(
            """() => [...document.querySelectorAll("[data-testid=provenance-tab] img, .cpv-dialog img")]
                .every((image) => image.complete)"""
        )
        page.wait_for_function("() => !document.querySelector('.p-toast-message')")
        page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        box = page.locator(by("provenance-tab")).bounding_box()
        clip = {"x": 0, "y": 0, **VIEWPORT}
        if narrow:
            clip = {"x": box["x"], "y": box["y"], "width": box["width"], "height": NARROW_HEIGHT}
        path = self.folder / f"{name}-{self.suffix}.jpg"
        page.screenshot(path=path, clip=clip, type="jpeg", quality=QUALITY, animations="disabled", caret="hide")
        with Image.open(path) as picture:
            picture.load()
        picture.save(path, quality=QUALITY, subsampling=0, optimize=True, progressive=True)
        print(f"{path.name}  {picture.width}x{picture.height}  {path.stat().st_size // 1024} KiB")


def widen(page: Any) -> None:
    """Drag the edge of the sidebar until it has its width."""
    box = page.locator(by("provenance-tab")).bounding_box()
    edge, middle = box["x"] + box["width"], VIEWPORT["height"] / 2
    page.mouse.move(edge + 1, middle)
    page.mouse.down()
    page.mouse.move(box["x"] + SIDEBAR, middle, steps=8)
    page.mouse.up()


def photograph(browser: Any, url: str, runs: dict[str, Run], language: str, theme: str, folder: Path) -> None:
    """All pictures in one theme and language. The last one makes a run."""
    words = WORDS[language]
    context = browser.new_context(viewport=VIEWPORT, device_scale_factor=SCALE, locale=language)
    canvas = Canvas(context.new_page(), url)
    canvas.do(
        """async ([language, theme]) => {
            const { setting } = window.app.extensionManager;
            await setting.set("Comfy.Locale", language);
            await setting.set("Comfy.ColorPalette", theme);
            await setting.set("Comfy.TutorialCompleted", true);
        }""",
        [language, theme],
    )
    canvas.reload()
    sidebar = Sidebar(canvas)
    sidebar.open()
    camera = Camera(folder, f"{language}-{theme}", sidebar)
    page = sidebar.page
    widen(page)
    question = page.locator(".cpv-notice.info")
    if question.count():  # asked once of every author
        question.get_by_role("button").last.click()

    chosen, snow = runs["watercolour"].execution, runs["snow"].execution
    canvas.load(runs["watercolour"].workflow)
    canvas.do("() => window.app.extensionManager.command.execute('Comfy.Canvas.FitView')")
    sidebar.details(chosen)
    camera.shoot("tab")

    page.keyboard.press("c")
    sidebar.row(snow).locator(".cpv-foot time").click()
    page.click(by("provenance-compare-slider"))
    camera.shoot("compare")
    page.keyboard.press("Escape")

    page.keyboard.press("Escape")
    page.fill(by("provenance-search"), words.find)
    page.wait_for_selector(by("provenance-fold"))
    sidebar.details(snow)
    camera.shoot("find", narrow=True)

    page.click(by("provenance-reload"))
    sidebar.row(snow).locator(by("provenance-head")).wait_for()
    page.fill(by("provenance-search"), "")
    canvas.do(
        """([from, to]) => {
            for (const node of window.app.graph.nodes) {
                const widget = node.type === "CLIPTextEncode" && node.widgets.find((one) => one.value.includes(from));
                if (widget) widget.value = widget.value.replace(from, to);
            }
        }""",
        words.edit,
    )
    canvas.press()
    sidebar.wait_for_row(canvas.queued[-1])
    sidebar.details(canvas.queued[-1])
    page.locator(".cpv-notice.info").get_by_role("button").last.click()
    camera.shoot("carry-on", narrow=True)
    assert sidebar.errors == [], sidebar.errors
    context.close()


def main() -> int:
    """Play the session once for each picture set, and photograph it."""
    parser = argparse.ArgumentParser(description="Pictures of the lineage tab.")
    parser.add_argument("--to", type=Path, default=FOLDER)
    parser.add_argument("--language", choices=sorted(WORDS), action="append")
    parser.add_argument("--theme", choices=("dark", "light"), action="append")
    parser.add_argument("--front-end-root", type=Path, default=None)
    given = parser.parse_args()
    from playwright.sync_api import sync_playwright

    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        print("no Chromium on the PATH", file=sys.stderr)
        return 2
    given.to.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=found, args=BROWSER_OPTIONS)
        for language in given.language or sorted(WORDS):
            for theme in given.theme or ("dark", "light"):
                with (
                    tempfile.TemporaryDirectory() as base,
                    running_host(Path(base), embedded(given.front_end_root)) as url,
                ):
                    runs = play(url, WORDS[language])
                    judge(url, WORDS[language], runs)
                    photograph(browser, url, runs, language, theme, given.to)
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
