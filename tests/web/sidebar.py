"""The lineage tab of one page, driven as a person does: by what is on the screen."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from .canvas import TAB as OPEN
from .canvas import Canvas

TAB = "provenance-lineage"
BUTTON = f".{TAB}-tab-button, .side-bar-button:has(.pi-sitemap)"


def by(testid: str) -> str:
    return f'[data-testid="{testid}"]'


class Sidebar:
    """Opens the tab. `errors` are those of its page."""

    def __init__(self, canvas: Canvas) -> None:
        self.canvas = canvas
        self.page = canvas.page
        self.url = "/".join(self.page.url.split("/")[:3])
        self.errors = canvas.errors

    def open(self) -> None:
        if not self.page.locator(by("provenance-tab")).count():
            self.canvas.do(
                "(id) => window.app.extensionManager.sidebarTab.toggleSidebarTab(id)",
                TAB,
            )
        self.page.wait_for_selector(by("provenance-tab"))
        self.page.wait_for_selector(f"{by('provenance-tab')}[aria-busy=false]")

    def row(self, execution: str) -> Any:
        return self.page.locator(f'{by("provenance-row")}[data-execution="{execution}"]')

    def wait_for_row(self, execution: str, status: str = "success") -> Any:
        row = self.row(execution).and_(self.page.locator(f'[data-status="{status}"]'))
        row.wait_for(timeout=120_000)  # a first run may have a model to load
        return row

    def rows(self) -> list[str]:
        """Ids from top to bottom, as far as they are in sight."""
        found = self.page.eval_on_selector_all(
            by("provenance-row"),
            """(rows) => rows.map((row) => [row.getBoundingClientRect().top, row.dataset.execution])
                .sort((a, b) => a[0] - b[0])""",
        )
        return [execution for _, execution in found]

    def select(self, execution: str) -> None:
        # on its last line: the first one may hold links
        self.row(execution).locator(".cpv-foot time").click()
        self.page.wait_for_selector(f'{by("provenance-inspector")}[data-run="{execution}"]')

    def details(self, execution: str) -> Any:
        self.select(execution)
        self.page.wait_for_selector(f"{by('provenance-inspector')} .cpv-against")
        return self.page.locator(by("provenance-inspector"))

    def act(self, testid: str) -> None:
        """Press a button of the selected run; where it has no room, it is in the menu."""
        inspector = self.page.locator(by("provenance-inspector"))
        button = inspector.locator(by(testid))
        button.wait_for(state="attached")
        if not button.is_visible():
            inspector.locator(by("provenance-more")).click()
        button.click()

    @contextmanager
    def loading(self, execution: str) -> Iterator[None]:
        """What is done inside puts the graph of a run on the canvas: waits until it stands there, in a tab of its own,
        and the tree shows it as the head. The mark alone may be of an earlier load, or of one that is under way."""
        path = self.canvas.tab_path()
        yield
        self.page.wait_for_function(f"(path) => {OPEN}.path !== path", arg=path)
        self.canvas.wait_for_head(execution)
        self.row(execution).locator(by("provenance-head")).wait_for()

    def reload(self, execution: str) -> None:
        """Step back to a run of which nothing has drifted."""
        self.select(execution)
        with self.loading(execution):
            self.page.click(by("provenance-reload"))

    def press(self, key: str) -> None:
        self.page.keyboard.press(key)

    def visible(self, testid: str) -> Any:
        found = self.page.locator(by(testid))
        found.wait_for()
        return found
