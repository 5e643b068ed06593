"""Search, keyboard and recording in the lineage tab, and the page around it."""

from __future__ import annotations

import re
from typing import Any

from .author import Author, a_word, some_color, words
from .canvas import Canvas
from .sidebar import Sidebar, by

# search, keyboard, recording


def test_search_keeps_the_shape_and_finds_old_runs(sidebar: Sidebar, author: Author) -> None:
    needle = f"雪山{a_word()}"
    found = author.run(words(f"{needle}，日出"))
    chain = found
    for seed in range(8):
        chain = author.run(words(f"{a_word()}", seed), chain)
    sidebar.wait_for_row(chain)
    sidebar.page.locator(by("provenance-tab")).locator("[role=tree]").focus()
    sidebar.press("/")
    sidebar.page.keyboard.type(needle)
    sidebar.wait_for_row(found)
    sidebar.page.wait_for_function(
        "() => document.querySelectorAll('[data-testid=provenance-row]:not(.dim)').length === 1"
    )
    sidebar.page.locator(by("provenance-fold")).first.wait_for()
    sidebar.press("Escape")
    sidebar.wait_for_row(chain)
    sidebar.page.wait_for_selector(".cpv-row.dim", state="detached")


def test_filters_by_verdict(sidebar: Sidebar, author: Author) -> None:
    kept, other = author.image(some_color()), author.image(some_color())
    sidebar.wait_for_row(other)
    sidebar.select(kept)
    sidebar.press("k")
    sidebar.row(kept).locator(".cpv-verdict.keep").wait_for()
    sidebar.press("Escape")
    sidebar.page.click(by("provenance-filters"))
    sidebar.page.select_option(by("provenance-filter-decision"), "kept")
    lit = lambda run: f'{by("provenance-row")}[data-execution="{run}"]:not(.dim)'  # noqa: E731
    sidebar.page.wait_for_selector(lit(other), state="detached")
    sidebar.page.wait_for_selector(lit(kept))


def test_filters_by_label_model_status_and_day(sidebar: Sidebar, author: Author) -> None:
    label = a_word()
    labelled, plain = author.run(words(a_word())), author.image(some_color())
    author.client.post("/provenance/v1/labels", {"execution": labelled, "label": f"the {label} one"})
    sidebar.wait_for_row(labelled).locator(".cpv-label").wait_for()
    sidebar.page.click(by("provenance-filters"))
    lit = lambda run: f'{by("provenance-row")}[data-execution="{run}"]:not(.dim)'  # noqa: E731
    day = author.get(f"executions/{plain}")["submitted_at"][:10]
    for name, value, found, left in (
        ("label", label, labelled, plain),
        ("model", author.model[:6], labelled, plain),
        ("status", "success", plain, None),
        ("since", day, plain, None),
        ("until", day, plain, None),
        ("until", "2020-01-01", None, plain),
    ):
        field = sidebar.page.locator(by(f"provenance-filter-{name}"))
        field.select_option(value) if name == "status" else field.fill(value)
        sidebar.page.wait_for_function("() => document.querySelector('.cpv-count').textContent !== ''")
        if found is not None:
            sidebar.page.wait_for_selector(lit(found))
        if left is not None:
            sidebar.page.wait_for_selector(lit(left), state="detached")
        field.select_option("") if name == "status" else field.fill("")
        sidebar.page.wait_for_selector(lit(plain))
        sidebar.page.wait_for_function("() => document.querySelector('.cpv-count').textContent === ''")


def test_the_tree_is_walked_by_keyboard(sidebar: Sidebar, author: Author) -> None:
    first = author.image(some_color())
    second = author.image(some_color(), first)
    third = author.image(some_color(), first)
    sidebar.wait_for_row(third)
    tree = sidebar.page.locator("[role=tree]").and_(sidebar.page.locator(".cpv-tree"))
    tree.focus()
    for key, run in (
        ("Home", third),
        ("ArrowDown", second),
        ("ArrowLeft", first),  # to the parent
        ("ArrowRight", third),  # to the newest child
    ):
        sidebar.press(key)
        sidebar.page.wait_for_selector(f'{by("provenance-inspector")}[data-run="{run}"]')
    active = f"#{tree.get_attribute('aria-activedescendant')}"
    sidebar.page.wait_for_selector(f'{active}[data-execution="{third}"][aria-selected="true"]')
    with sidebar.loading(third):
        sidebar.press("Enter")


def test_a_pause_is_shown_and_recorded(sidebar: Sidebar, author: Author) -> None:
    status = sidebar.visible("provenance-status")
    sidebar.page.wait_for_selector(f"{by('provenance-status')}[data-state=recording]")
    sidebar.page.click(by("provenance-pause"))
    sidebar.page.wait_for_selector(f"{by('provenance-status')}[data-state=paused]")
    try:
        assert author.get("status")["state"] == "paused"
        assert "Paused" in status.inner_text()
    finally:
        sidebar.page.click(by("provenance-pause"))
    sidebar.page.wait_for_selector(f"{by('provenance-status')}[data-state=recording]")


def test_a_host_that_does_not_answer_is_told_and_got_over(sidebar: Sidebar, author: Author) -> None:
    execution = author.image(some_color())
    sidebar.wait_for_row(execution)
    sidebar.page.route("**/provenance/v1/**", lambda route: route.abort())
    author.image(some_color())
    sidebar.page.wait_for_selector(f"{by('provenance-status')}[data-state=offline]")
    assert sidebar.row(execution).count() == 1, "what is known stays in sight"
    again = sidebar.page.locator(".cpv-notice.offline button").element_handle()
    sidebar.page.unroute("**/provenance/v1/**")
    again.evaluate("(button) => button.click()")  # the tab may be faster, and have taken it away
    sidebar.page.wait_for_selector(f"{by('provenance-status')}[data-state=recording]")
    sidebar.page.locator(".cpv-notice.offline").wait_for(state="detached")


# the page around it


def test_the_menu_of_a_node_leads_to_the_run_of_its_image(sidebar: Sidebar) -> None:
    sidebar.canvas.press()
    (execution,) = sidebar.canvas.queued
    sidebar.wait_for_row(execution)
    entries = """() => {
        const node = window.app.graph.nodes.find((n) => n.type === "SaveImage");
        const { app } = window;
        const options = [...app.canvas.getNodeMenuOptions(node), ...(app.collectNodeMenuItems?.(node) ?? [])];
        return options.filter((o) => o && /lineage/i.test(o.content ?? ""));
    }"""
    sidebar.page.wait_for_function(f"() => ({entries})().length > 0")  # once the page has taken the picture in
    offered = sidebar.canvas.do(f"() => ({entries})().map((o) => o.content)")
    assert set(offered) == {"Show lineage of this image"}
    sidebar.canvas.do(f"() => void ({entries})()[0].callback()")
    sidebar.visible("provenance-identified")
    sidebar.press("Escape")
    sidebar.page.wait_for_selector(f'{by("provenance-inspector")}[data-run="{execution}"]')


def test_commands_open_pause_and_resume(sidebar: Sidebar) -> None:
    sidebar.canvas.do("() => window.app.extensionManager.sidebarTab.toggleSidebarTab('provenance-lineage')")
    sidebar.page.wait_for_selector(by("provenance-tab"), state="detached")
    execute = "(id) => window.app.extensionManager.command.execute(id)"
    sidebar.canvas.do(execute, "Provenance.OpenLineage")
    sidebar.visible("provenance-tab")
    sidebar.canvas.do(execute, "Provenance.PauseRecording")
    sidebar.page.wait_for_selector(f"{by('provenance-status')}[data-state=paused]")
    sidebar.canvas.do(execute, "Provenance.ResumeRecording")
    sidebar.page.wait_for_selector(f"{by('provenance-status')}[data-state=recording]")


def test_the_tab_speaks_chinese_with_the_page(browser: Any, host_url: str, author: Author) -> None:
    author.run(words("a", 2), author.run(words("b")))
    context = browser.new_context(viewport={"width": 1500, "height": 950})
    canvas = Canvas(context.new_page(), host_url)
    try:
        canvas.do("() => window.app.extensionManager.setting.set('Comfy.Locale', 'zh')")
        canvas.reload()
        made = Sidebar(canvas)
        made.open()
        made.page.wait_for_selector(by("provenance-row"))
        made.page.locator(by("provenance-status"), has_text="正在记录").wait_for()
        made.select(made.rows()[0])
        text = made.visible("provenance-inspector").inner_text()
        assert "回到这个分支" in text
        made.page.wait_for_selector(".cpv-against")
        made.page.eval_on_selector_all(".cpv-part", "(parts) => parts.forEach((p) => (p.open = true))")
        text = made.page.locator(by("provenance-tab")).inner_text()
        assert not re.search(
            r"\b[a-z]+\.[a-z][A-Za-z]+\b(?!\.)",
            "\n".join(
                line for line in text.splitlines() if "safetensors" not in line and "/" not in line and "_" not in line
            ),
        ), text
        assert made.errors == []
    finally:
        canvas.do("() => window.app.extensionManager.setting.set('Comfy.Locale', 'en')")
        context.close()


def test_without_the_tab_the_page_works_on(browser: Any, host_url: str) -> None:
    context = browser.new_context(viewport={"width": 1500, "height": 950})
    canvas = Canvas(context.new_page(), host_url)
    made = Sidebar(canvas)
    try:
        canvas.do("() => window.app.extensionManager.setting.set('Provenance.ShowTab', false)")
        canvas.reload()
        assert "provenance-lineage" not in canvas.do("() => app.extensionManager.getSidebarTabs().map((tab) => tab.id)")
        canvas.new_tab(color=some_color())
        canvas.press()
        canvas.press()
        assert canvas.sent == [None, canvas.queued[0]]
        assert made.errors == []
    finally:
        canvas.do("() => window.app.extensionManager.setting.set('Provenance.ShowTab', true)")
        context.close()
