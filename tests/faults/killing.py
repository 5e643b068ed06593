"""Kills hosts at random moments, and says what must be true afterwards."""

from __future__ import annotations

import contextlib
import random
import time
from typing import Any

import graphs
import hosts
import machine

ENDED = frozenset(("success", "error", "interrupted", "cancelled", "lost"))


class Killer:
    """One host that is killed again and again on one ledger.

    Everything that was acknowledged, on the websocket or in an HTTP answer, is remembered and looked for after each
    restart.
    """

    def __init__(self, host: machine.ForkedHost, seed: int) -> None:
        self.host = host
        self.random = random.Random(seed)
        self.entries: dict[int, str] = {}  # place in the log -> kind, as the websocket told
        self.ended: dict[str, str] = {}  # run -> how it ended, as acknowledged
        self.submitted: set[str] = set()
        self.lost = 0

    def round(self, *, within: bool = False) -> None:
        """Start, look whether everything is there, work, and kill at a random moment; with `within`, certainly in the
        middle of a run that was acknowledged."""
        if self.random.random() < 0.2:
            self.host.spawn()
            time.sleep(self.random.uniform(0, 0.8))
            self.host.kill()  # perhaps while the ledger is being opened
        self.host.start().status_when("recording")
        self._look()
        run = self.host.run(self._graph())
        assert self.host.recorded(run)["status"] == "success"  # work goes on
        self.submitted.add(run)
        self.ended[run] = "success"
        listener = machine.Listener(self.host)
        asked = self._burst(time.monotonic() + self.random.uniform(0, 0.6))
        for run in self.random.sample(asked, min(2, len(asked))):
            self._ask(run)
        if within:
            run = self.host.submit(graphs.held())
            self.host.recorded(run, "queued", "running")
            self.submitted.add(run)
        time.sleep(self.random.uniform(0, 0.15))
        self.host.kill()
        self._remember(listener.end())
        machine.verified(self.host.ledger)

    def finish(self) -> list[dict[str, Any]]:
        """Start once more, look, and end in an orderly way; gives the findings of the last check."""
        self.host.start().status_when("recording")
        self._look()
        self.host.stop()
        return machine.verified(self.host.ledger)

    def _graph(self) -> dict[str, Any]:
        if self.random.random() < 0.15:
            return graphs.plain(color=self.random.getrandbits(24), size=2048, prefix="large")
        return graphs.plain(color=self.random.getrandbits(24), prefix="kill")

    def _burst(self, until: float) -> list[str]:
        asked = []
        while time.monotonic() < until:
            asked.append(self.host.submit(self._graph()))
            time.sleep(self.random.uniform(0, 0.05))
        return asked

    def _ask(self, run: str) -> None:
        with contextlib.suppress(hosts.Answer):
            status = self.host.get(f"/provenance/v1/executions/{run}")["status"]
            self.submitted.add(run)
            if status in ENDED:
                self.ended[run] = status

    def _remember(self, heard: list[dict[str, Any]]) -> None:
        for event in heard:
            self.entries[event["entry"]] = event["kind"]
            if event["kind"] == "submission":
                self.submitted.add(event["execution"])
            elif event["kind"] == "completion":
                self.ended[event["execution"]] = event["status"]

    def _look(self) -> None:
        for run in self.submitted - self.ended.keys():
            assert self.host.recorded(run, *ENDED)["status"] in ENDED
        kinds = dict(enumerate(said["kind"] for said in machine.statements(self.host.ledger)))
        assert self.entries.items() <= kinds.items()
        with machine.reading(self.host.ledger) as ledger:
            for run in self.submitted:
                row = ledger.index.execution(run)
                assert row is not None, run
                assert row.status == self.ended.get(run, row.status)
                if run not in self.ended:
                    self.ended[run] = row.status
                    self.lost += row.status == "lost"
