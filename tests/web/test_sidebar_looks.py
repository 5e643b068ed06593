"""How the lineage tab looks and reads: zoom, themes, contrast, names for screen readers, nothing that jumps."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from .author import Author, a_word, some_color, words
from .canvas import Canvas
from .sidebar import Sidebar, by

LONG = "a very long prompt with a great many words in it, " * 12
LONG_CHINESE = "很长很长的提示词，里面有许多许多的词，没有一个空格" * 8

# Everything in the tab that shows text of its own, with the contrast it has against what it stands on (WCAG 2.1).
CONTRASTS = """() => {
    const paint = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
    const rgba = (colour) => {
        paint.clearRect(0, 0, 1, 1);
        paint.fillStyle = colour;
        paint.fillRect(0, 0, 1, 1);
        return [...paint.getImageData(0, 0, 1, 1).data].map((value, at) => (at < 3 ? value : value / 255));
    };
    const over = (top, below) => [0, 1, 2].map((at) => top[at] * top[3] + below[at] * (1 - top[3]));
    const ground = (element) => {
        const layers = [];
        for (let at = element; at; at = at.parentElement) {
            const colour = rgba(getComputedStyle(at).backgroundColor);
            if (colour[3] > 0) layers.push(colour);
            if (colour[3] === 1) break;
        }
        return layers.reverse().reduce((below, top) => over(top, below), [0, 0, 0]);
    };
    const light = (colour) => {
        const [r, g, b] = colour.slice(0, 3).map((value) => {
            const part = value / 255;
            return part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
        });
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const found = {};
    for (const element of document.querySelectorAll(".cpv-panel *")) {
        const text = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim() !== "");
        const seen = element.checkVisibility?.({ opacityProperty: true }) ?? true;
        if (!text || !seen || element.closest(":disabled, .dim, .cpv-drop, option")) continue;
        const below = ground(element);
        const [one, other] = [light(over(rgba(getComputedStyle(element).color), below)), light(below)];
        const ratio = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
        const name = `${element.tagName.toLowerCase()}.${element.className}`;
        found[name] = Math.min(found[name] ?? 99, Math.round(ratio * 100) / 100);
    }
    return found;
}"""

# What is wider than there is room for, and what in it sticks out.
SIDEWAYS = """() => [...document.querySelectorAll(".cpv-panel, .cpv-tree, .cpv-inspector, .cpv-filters")]
    .filter((one) => one.scrollWidth > one.clientWidth + 1)
    .map((one) => [one.className, ...[...one.querySelectorAll("*")]
        .filter((part) => part.getBoundingClientRect().right > one.getBoundingClientRect().right + 1)
        .map((part) => `${part.tagName} ${part.className} ${part.textContent}`.slice(0, 60))])"""


@pytest.fixture(scope="module")
def session(host_url: str) -> dict[str, str]:
    """Runs of every kind of row: words in two languages, a verdict, a label, a note, a failure."""
    author = Author(host_url)
    first = author.run(words(LONG))
    second = author.run(words(LONG_CHINESE), first)
    third = author.run(words(f"{a_word()}, day", 3), second)
    broken = author.client.upload(f"{a_word()}.png", b"\x89PNG\r\n\x1a\n and then nothing more")
    graph = {
        "1": {"class_type": "LoadImage", "inputs": {"image": broken}},
        "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "x"}},
    }
    failed = author.run(graph, third)
    for said in (
        {"decision": "keep", "reason": "light"},
        {"decision": "rate", "rating": 4},
        {"decision": "note", "reason": "x"},
    ):
        author.client.post("/provenance/v1/decisions", {"execution": second, "output": None, **said})
    author.client.post("/provenance/v1/labels", {"execution": second, "label": "一个很长很长很长很长很长很长的名字"})
    return {"first": first, "second": second, "third": third, "failed": failed}


@pytest.fixture
def seen(browser: Any, host_url: str, session: dict[str, str], request: pytest.FixtureRequest) -> Iterator[Sidebar]:
    """The tab in a page of the size and theme that the test asks for."""
    width, height, theme = request.param
    context = browser.new_context(viewport={"width": width, "height": height})
    canvas = Canvas(context.new_page(), host_url)
    before = canvas.do("() => window.app.extensionManager.setting.get('Comfy.ColorPalette')")
    if theme != before:
        canvas.do("(theme) => window.app.extensionManager.setting.set('Comfy.ColorPalette', theme)", theme)
        canvas.page.wait_for_function(
            "(light) => document.body.classList.contains('dark-theme') !== light", arg=theme == "light"
        )
    made = Sidebar(canvas)
    made.open()
    made.wait_for_row(session["failed"], "error")
    yield made
    canvas.do("(theme) => window.app.extensionManager.setting.set('Comfy.ColorPalette', theme)", before)
    assert made.errors == []
    context.close()


# A browser's zoom makes the page smaller in its own pixels: 1920 x 1080 at 100, 125, 150 and 200 %.
ZOOMS = [pytest.param((1920 * 100 // zoom, 1080 * 100 // zoom, "dark"), id=f"{zoom}%") for zoom in (100, 125, 150, 200)]


@pytest.mark.parametrize("seen", ZOOMS, indirect=True)
def test_nothing_is_cut_off_when_zoomed(seen: Sidebar, session: dict[str, str]) -> None:
    panel = seen.visible("provenance-tab")
    seen.page.click(by("provenance-filters"))
    assert seen.page.evaluate(SIDEWAYS) == []
    seen.page.click(by("provenance-filters"))
    seen.details(session["second"])
    box = panel.bounding_box()
    for testid in (
        "provenance-status", "provenance-search", "provenance-reload", "provenance-compare",
        "provenance-decision-keep", "provenance-decision-reject", "provenance-rate-5", "provenance-label",
    ):  # fmt: skip
        seen.page.locator(by(testid)).scroll_into_view_if_needed()
        there = seen.page.locator(by(testid)).bounding_box()
        assert there["x"] >= box["x"], testid
        assert there["x"] + there["width"] <= box["x"] + box["width"] + 0.5, testid
        assert there["y"] + there["height"] <= box["y"] + box["height"], testid
    assert seen.page.evaluate(SIDEWAYS) == [], "nothing has to be scrolled sideways"
    rows = seen.page.locator(by("provenance-row"))
    assert rows.count() >= 1, "some of the tree stays in sight"


THEMES = [pytest.param((1500, 950, theme), id=theme) for theme in ("dark", "light")]


@pytest.mark.parametrize("seen", THEMES, indirect=True)
def test_text_can_be_read_in_both_themes(seen: Sidebar, session: dict[str, str]) -> None:
    seen.page.click(by("provenance-filters"))
    for execution in session.values():
        seen.details(execution)
        seen.page.eval_on_selector_all(".cpv-part", "(parts) => parts.forEach((part) => (part.open = true))")
        contrasts = seen.page.evaluate(CONTRASTS)
        assert len(contrasts) > 15
        assert {name: ratio for name, ratio in contrasts.items() if ratio < 4.5} == {}


@pytest.mark.parametrize("seen", [pytest.param((1500, 950, "dark"), id="dark")], indirect=True)
def test_every_control_and_row_has_a_name(seen: Sidebar, session: dict[str, str]) -> None:
    seen.details(session["second"])
    nameless = seen.page.evaluate(
        """() => [...document.querySelectorAll(".cpv-panel :is(button, input, select, textarea, [role])")]
            .filter((one) => !one.closest("[hidden]") && !["presentation"].includes(one.getAttribute("role")))
            .filter((one) => !(one.ariaLabel || one.textContent.trim() || one.labels?.length || one.title))
            .map((one) => one.outerHTML.slice(0, 120))
            .filter((html) => !html.includes('role="status"'))"""
    )
    assert nameless == []
    tree = seen.page.get_by_role("tree")
    items = tree.get_by_role("treeitem")
    assert items.count() >= 4
    for at in range(items.count()):
        for name in ("aria-level", "aria-posinset", "aria-setsize", "aria-label"):
            assert items.nth(at).get_attribute(name)
    assert tree.get_by_role("treeitem", selected=True).count() == 1


@pytest.mark.parametrize("seen", [pytest.param((1500, 950, "dark"), id="dark")], indirect=True)
def test_nothing_jumps_while_runs_come_in(seen: Sidebar, session: dict[str, str], host_url: str) -> None:
    seen.details(session["third"])
    seen.page.evaluate(
        """() => {
            window.jumps = [];
            new PerformanceObserver((list) => {
                for (const entry of list.getEntries()) {
                    const ours = entry.sources.filter((one) => one.node?.parentElement?.closest(".cpv-panel"));
                    ours.forEach((one) => window.jumps.push(`${one.node.outerHTML?.slice(0, 90)} ${entry.value}`));
                }
            }).observe({ type: "layout-shift", buffered: false });
        }"""
    )
    place = seen.visible("provenance-inspector").bounding_box()
    author = Author(host_url)
    for _ in range(2):
        seen.wait_for_row(author.image(some_color()))
    assert seen.visible("provenance-inspector").bounding_box() == place
    assert seen.page.evaluate("() => window.jumps") == []


@pytest.mark.parametrize("seen", [pytest.param((1500, 950, "dark"), id="dark")], indirect=True)
def test_actions_that_have_no_room_are_in_a_menu(seen: Sidebar) -> None:
    """By mouse and by keyboard: how features that come later add to the tab."""
    seen.page.evaluate(
        """async () => {
            const { bar } = await import("/extensions/comfy-provenance/view/bar.js");
            const made = (id, able) => ({ id, icon: "copy", words: id, able, act: () => (window.did = id) });
            const offered = [made("one"), made("two"), made("three", () => false), made("four")];
            const row = document.createElement("div");
            row.append(...bar(offered, { t: (key) => key, tools: {}, most: 2, run: () => ({}) }));
            document.querySelector(".cpv-panel").append(row);
        }"""
    )
    more = seen.page.get_by_role("button", name="more")
    more.click()
    items = seen.page.get_by_role("menuitem")
    assert items.all_inner_texts() == ["two", "three", "four"]
    assert items.nth(1).is_disabled()
    seen.press("ArrowDown")
    seen.press("Enter")
    assert seen.page.evaluate("() => window.did") == "four"
    items.first.wait_for(state="detached")
    more.click()
    seen.press("Escape")
    items.first.wait_for(state="detached")
    more.and_(seen.page.locator("[aria-expanded=false]")).wait_for()
