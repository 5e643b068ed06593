"""The bounded queue: never blocks, never loses silently, always says what went wrong."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from itertools import count

import pytest
from comfy_provenance.provenance.capture import worker as worker_module
from comfy_provenance.provenance.capture.worker import Trouble, Worker
from comfy_provenance.provenance.errors import InputError, IntegrityError, SchemaError, StorageError
from comfy_provenance.provenance.model import Instant

WAIT_S = 120.0  # not a measure of speed


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_module, "FIRST_PAUSE_S", 0.001)
    monkeypatch.setattr(worker_module, "LONGEST_PAUSE_S", 0.002)


@pytest.fixture
def start() -> Iterator[Callable[..., Worker[str]]]:
    made: list[Worker[str]] = []
    ticks = count()

    def make(handle: Callable[[str], None], **options: object) -> Worker[str]:
        options.setdefault("capacity", 100)
        worker: Worker[str] = Worker(
            "test",
            handle,
            clock=lambda: Instant(next(ticks), next(ticks)),
            **options,  # type: ignore[arg-type]
        )
        made.append(worker)
        worker.start()
        return worker

    yield make
    for worker in made:
        worker.close(WAIT_S)


def test_events_are_handled_once_and_in_order(start: Callable[..., Worker[str]]) -> None:
    seen: list[str] = []
    worker = start(seen.append)
    for number in range(500):
        while not worker.offer(str(number)):
            worker.drain(WAIT_S)
    assert worker.drain(WAIT_S)
    assert seen == [str(number) for number in range(500)]
    assert worker.problem() is None


def test_storage_trouble_keeps_the_event_and_is_told_once_it_is_over(start: Callable[..., Worker[str]]) -> None:
    attempts: list[str] = []
    troubles: list[Trouble] = []

    def handle(event: str) -> None:
        attempts.append(event)
        if len(attempts) < 4:
            raise StorageError("the disk is full")

    worker = start(handle, recovered=troubles.append)
    worker.offer("a")
    worker.offer("b")
    assert worker.drain(WAIT_S)
    assert attempts == ["a", "a", "a", "a", "b"]
    assert [(trouble.reasons, trouble.missed) for trouble in troubles] == [(("the disk is full",), {})]
    assert troubles[0].since.wall_ns < troubles[0].until.wall_ns
    assert worker.problem() is None


def test_trouble_is_visible_while_it_lasts(start: Callable[..., Worker[str]]) -> None:
    failed, go_on = threading.Event(), threading.Event()

    def handle(event: str) -> None:
        if not go_on.is_set():
            failed.set()
            raise StorageError("the ledger is read-only")

    worker = start(handle)
    worker.offer("a")
    assert failed.wait(WAIT_S)
    while worker.problem() is None:
        pass
    assert worker.problem() == "the ledger is read-only"
    assert worker.backlog() == 1
    go_on.set()
    assert worker.drain(WAIT_S)
    assert worker.problem() is None


@pytest.mark.parametrize("error", [InputError("odd"), ZeroDivisionError("odd")])
def test_an_event_that_cannot_be_handled_is_dropped_and_counted(
    start: Callable[..., Worker[str]], error: Exception
) -> None:
    seen: list[str] = []
    troubles: list[Trouble] = []

    def handle(event: str) -> None:
        if event == "bad":
            raise error
        seen.append(event)

    worker = start(handle, recovered=troubles.append)
    for event in ("a", "bad", "b"):
        worker.offer(event)
    assert worker.drain(WAIT_S)
    assert seen == ["a", "b"]
    assert [(trouble.reasons, trouble.missed) for trouble in troubles] == [
        ((f"{type(error).__name__}: odd",), {"str": 1})
    ]


def test_a_full_queue_refuses_at_once_and_counts_what_it_refused(start: Callable[..., Worker[str]]) -> None:
    inside, go_on = threading.Event(), threading.Event()
    seen: list[str] = []
    troubles: list[Trouble] = []

    def handle(event: str) -> None:
        inside.set()
        go_on.wait(WAIT_S)
        seen.append(event)

    worker = start(handle, capacity=2, recovered=troubles.append)
    worker.offer("a")
    assert inside.wait(WAIT_S)
    assert worker.offer("b")
    assert not worker.offer("c")
    assert not worker.offer("d")
    assert worker.offer("follow-up", always=True)
    assert worker.problem() == worker_module.FULL
    go_on.set()
    assert worker.drain(WAIT_S)
    assert seen == ["a", "b", "follow-up"]
    assert [trouble.missed for trouble in troubles] == [{"str": 2}]


def test_a_gap_that_cannot_be_written_is_written_later_with_everything_in_it(start: Callable[..., Worker[str]]) -> None:
    troubles: list[Trouble] = []
    refusals = iter([StorageError("still no room")])

    def handle(event: str) -> None:
        if event == "bad":
            raise InputError("odd")

    def recovered(trouble: Trouble) -> None:
        error = next(refusals, None)
        if error is not None:
            raise error
        troubles.append(trouble)

    worker = start(handle, recovered=recovered)
    worker.offer("bad")
    worker.offer("good")
    assert worker.drain(WAIT_S)
    assert [(trouble.reasons, trouble.missed) for trouble in troubles] == [
        (("InputError: odd", "still no room"), {"str": 1})
    ]


def test_preparation_is_tried_until_it_works_and_events_wait(start: Callable[..., Worker[str]]) -> None:
    seen: list[str] = []
    attempts: list[int] = []

    def prepare() -> None:
        attempts.append(1)
        if len(attempts) < 3:
            raise StorageError("key is missing")

    worker = start(seen.append, prepare=prepare)
    worker.offer("a")
    assert worker.drain(WAIT_S)
    assert seen == ["a"]
    assert len(attempts) == 3


def test_closing_handles_what_is_left_and_then_refuses(start: Callable[..., Worker[str]]) -> None:
    seen: list[str] = []
    worker = start(seen.append)
    for number in range(50):
        worker.offer(str(number))
    assert worker.close(WAIT_S)
    assert len(seen) == 50
    assert not worker.offer("late")


def test_closing_does_not_hang_on_storage_that_never_works(start: Callable[..., Worker[str]]) -> None:
    def handle(event: str) -> None:
        raise StorageError("gone")

    worker = start(handle)
    worker.offer("a")
    assert not worker.close(WAIT_S)
    assert worker.problem() == "gone"
    assert not any(thread.name == "test" for thread in threading.enumerate())


def test_an_overflow_is_one_trouble_however_often_the_queue_fills_again(
    start: Callable[..., Worker[str]], caplog: pytest.LogCaptureFixture
) -> None:
    steps = threading.Semaphore(0)
    troubles: list[Trouble] = []
    worker = start(lambda event: steps.acquire(timeout=WAIT_S) and None, capacity=4, recovered=troubles.append)
    refused = 0
    for _ in range(20):
        while worker.offer("a"):
            pass
        refused += 1
        steps.release()  # room for one: full again at once
        while worker.backlog() == 4:
            pass
    steps.release(100)
    assert worker.drain(WAIT_S)
    assert [trouble.missed for trouble in troubles] == [{"str": refused}]
    assert len([record for record in caplog.records if record.levelname == "ERROR"]) == 1


def test_heavy_events_fill_the_queue_by_their_bytes(start: Callable[..., Worker[str]]) -> None:
    inside, go_on = threading.Event(), threading.Event()
    troubles: list[Trouble] = []

    def handle(event: str) -> None:
        inside.set()
        go_on.wait(WAIT_S)

    worker = start(handle, capacity_bytes=10, weigh=len, recovered=troubles.append)
    assert worker.offer("much too heavy, but alone")
    assert inside.wait(WAIT_S)
    assert not worker.offer("a")
    assert worker.offer("b" * 100, always=True)
    go_on.set()
    assert worker.drain(WAIT_S)
    assert worker.offer("a")
    assert worker.drain(WAIT_S)
    assert [trouble.missed for trouble in troubles] == [{"str": 1}]


def test_a_preparation_that_fails_in_an_unforeseen_way_does_not_end_the_thread(
    start: Callable[..., Worker[str]],
) -> None:
    seen: list[str] = []
    troubles: list[Trouble] = []
    failures = iter([ZeroDivisionError("surprise"), OSError(5, "Input/output error")])

    def prepare() -> None:
        error = next(failures, None)
        if error is not None:
            raise error

    worker = start(seen.append, prepare=prepare, recovered=troubles.append)
    worker.offer("a")
    assert worker.drain(WAIT_S)
    assert seen == ["a"]
    assert [trouble.reasons for trouble in troubles] == [
        ("ZeroDivisionError: surprise", "OSError: [Errno 5] Input/output error")
    ]


def test_trouble_ends_without_another_event(start: Callable[..., Worker[str]]) -> None:
    """The gap could not be written, and then nobody queued anything any more: the state must not stay broken."""
    refusals = iter([StorageError("full"), StorageError("full")])
    troubles: list[Trouble] = []

    def handle(event: str) -> None:
        raise InputError("odd")

    def recovered(trouble: Trouble) -> None:
        error = next(refusals, None)
        if error is not None:
            raise error
        troubles.append(trouble)

    worker = start(handle, recovered=recovered)
    worker.offer("a")
    assert worker.drain(WAIT_S)
    assert worker.problem() is None
    assert [trouble.missed for trouble in troubles] == [{"str": 1}]


@pytest.mark.parametrize("error", [IntegrityError("put back"), ZeroDivisionError("surprise")])
def test_a_gap_that_fails_in_any_way_does_not_end_the_thread(
    start: Callable[..., Worker[str]], error: Exception
) -> None:
    refusals = iter([error])
    troubles: list[Trouble] = []

    def handle(event: str) -> None:
        if event == "bad":
            raise InputError("odd")

    def recovered(trouble: Trouble) -> None:
        refusal = next(refusals, None)
        if refusal is not None:
            raise refusal
        troubles.append(trouble)

    worker = start(handle, recovered=recovered)
    worker.offer("bad")
    assert worker.drain(WAIT_S)
    assert worker.offer("good")
    assert worker.drain(WAIT_S)
    assert len(troubles) == 1


def test_a_ledger_that_does_not_hold_keeps_the_events(start: Callable[..., Worker[str]]) -> None:
    """Put back to an older copy, every event would fail: they wait, and are recorded when the ledger is whole again."""
    refusals = iter([IntegrityError("the ledger is older than what was written")] * 3)
    seen: list[str] = []

    def handle(event: str) -> None:
        error = next(refusals, None)
        if error is not None:
            raise error
        seen.append(event)

    worker = start(handle)
    worker.offer("a")
    worker.offer("b")
    assert worker.drain(WAIT_S)
    assert seen == ["a", "b"]


def test_an_event_that_does_not_validate_is_dropped_and_its_sender_told(start: Callable[..., Worker[str]]) -> None:
    dropped: list[tuple[str, str]] = []

    def handle(event: str) -> None:
        raise SchemaError("no such member")

    worker = start(handle, dropped=lambda event, reason: dropped.append((event, reason)))
    worker.offer("a")
    assert worker.drain(WAIT_S)
    assert dropped == [("a", "SchemaError: no such member")]


def test_an_unforeseen_error_is_told_once_with_its_traceback(
    start: Callable[..., Worker[str]], caplog: pytest.LogCaptureFixture
) -> None:
    def handle(event: str) -> None:
        raise ZeroDivisionError("surprise")

    worker = start(handle)
    for _ in range(5):
        worker.offer("a")
        assert worker.drain(WAIT_S)
    assert len([record for record in caplog.records if record.exc_info]) == 1
    assert len([record for record in caplog.records if record.levelname == "ERROR"]) == 1


def test_waiting_can_end_with_the_first_trouble(start: Callable[..., Worker[str]]) -> None:
    def handle(event: str) -> None:
        raise StorageError("gone")

    worker = start(handle)
    worker.offer("a")
    assert not worker.drain(1e6, despite_trouble=False)


def test_urgent_events_go_before_those_that_wait(start: Callable[..., Worker[str]]) -> None:
    inside, go_on = threading.Event(), threading.Event()
    seen: list[str] = []

    def handle(event: str) -> None:
        inside.set()
        go_on.wait(WAIT_S)
        seen.append(event)

    worker = start(handle, urgent=str.isupper)
    worker.offer("a")
    assert inside.wait(WAIT_S)
    for event in ("b", "C", "d", "E"):
        worker.offer(event)
    go_on.set()
    assert worker.drain(WAIT_S)
    assert seen == ["a", "C", "E", "b", "d"]
