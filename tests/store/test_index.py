from __future__ import annotations

import sqlite3
from typing import Any

import pytest
from comfy_provenance.provenance.errors import InputError, IntegrityError
from comfy_provenance.provenance.model import Basis, Edge, FileRef, ModelRef, Output, Relation, Status
from comfy_provenance.provenance.record import predicate
from comfy_provenance.provenance.store import tables
from comfy_provenance.provenance.store.ledger import Ledger
from comfy_provenance.tests.store.recording import Recorder, digest_of, facts, output, prompt

CHECKED = [table.name for table in (*tables.INDEX_TABLES, *tables.SHARED_TABLES, *tables.DERIVED_TABLES)]


def rows(ledger: Ledger) -> dict[str, list[tuple[Any, ...]]]:
    with sqlite3.connect(ledger.root / "ledger.sqlite3") as connection:
        found = {name: sorted(connection.execute(f"SELECT * FROM {name}"), key=repr) for name in CHECKED}  # noqa: S608
    connection.close()
    return found


def edit(ledger: Ledger, statement: str) -> int:
    with sqlite3.connect(ledger.root / "ledger.sqlite3") as connection:
        changed = connection.execute(statement).rowcount
    connection.close()
    return changed


# questions


def test_runs_come_newest_first_page_by_page(ledger: Ledger, recorder: Recorder) -> None:
    for number in range(7):
        recorder.run(f"run-{number}")
    first = ledger.index.page(3)
    second = ledger.index.page(3, before=first[-1].ordinal)
    third = ledger.index.page(3, before=second[-1].ordinal)
    assert [row.id for row in (*first, *second, *third)] == [f"run-{number}" for number in range(6, -1, -1)]
    assert [row.id for row in ledger.index.iterate()] == [f"run-{number}" for number in range(7)]


def test_a_run_tells_what_was_recorded_of_it(filled: Ledger) -> None:
    row = filled.index.execution("run-2")
    assert row is not None
    assert (row.status, row.parent, row.parent_known, row.parent_basis) == ("success", "run-1", True, "declared")
    assert row.completion == row.submission + 1
    assert row.duration_ms == 1.5
    assert filled.objects.get(row.workflow or "") == b'{"workflow": "run-2"}'
    assert filled.index.environment_of(row) == digest_of("machine")
    orphan = filled.index.execution("run-3")
    assert orphan is not None
    assert (orphan.status, orphan.parent, orphan.parent_known, orphan.completion) == ("queued", "gone", False, None)
    assert filled.index.execution("run") is None


def test_open_runs_are_those_without_a_completion(ledger: Ledger, recorder: Recorder) -> None:
    submissions = {run: recorder.submit(run) for run in ("a", "b", "c")}
    recorder.complete("b", submissions["b"], Status.LOST)
    assert [row.id for row in ledger.index.open_executions()] == ["a", "c"]


@pytest.mark.parametrize(
    ("prefix", "expected"),
    [("ab", ["ab-1", "ab-2"]), ("ab-1", ["ab-1"]), ("AB", []), ("a_", []), ("%", []), ("", []), ("\U0010ffff", [])],
)
def test_a_prefix_names_the_runs_that_begin_with_it(
    ledger: Ledger, recorder: Recorder, prefix: str, expected: list[str]
) -> None:
    for run in ("ab-1", "ab-2", "b-1"):
        recorder.run(run)
    assert ledger.index.resolve_execution(prefix) == expected


def test_repeated_prompt_ids_are_counted(ledger: Ledger, recorder: Recorder) -> None:
    recorder.submit("p", prompt_id="p")
    recorder.submit("p~2", prompt_id="p")
    assert ledger.index.executions_with_prompt_id("p") == 2
    assert ledger.index.executions_with_prompt_id("q") == 0


def test_children_are_the_runs_whose_canvas_came_from_here(ledger: Ledger, recorder: Recorder) -> None:
    recorder.run("root")
    recorder.run("left", parent="root")
    recorder.run("right", parent="root")
    assert [row.id for row in ledger.index.children("root")] == ["left", "right"]


def test_a_file_name_finds_the_newest_output_written_there(ledger: Ledger, recorder: Recorder) -> None:
    recorder.run("old", made=["a.png"])
    newer = Output("9", "images", 0, FileRef("output", "", "a.png"), facts("other bytes"))
    recorder.complete("new", recorder.submit("new"), outputs=[newer])
    found = ledger.index.latest_output_at(FileRef("output", "", "a.png"))
    assert found is not None
    assert (found.execution, found.sha256) == ("new", digest_of("other bytes"))
    assert ledger.index.latest_output_at(FileRef("temp", "", "a.png")) is None


def test_outputs_are_found_by_bytes_and_by_pixels(filled: Ledger) -> None:
    assert [row.execution for row in filled.index.outputs_by_digest(digest_of("b.png"))] == ["run-2"]
    assert [row.execution for row in filled.index.outputs_by_pixels(digest_of("pixels of b.png"))] == ["run-2"]
    assert [row.node for row in filled.index.assets_by_digest(digest_of("a.png"))] == ["10"]


@pytest.mark.parametrize("bits", [0, 1, 3, 4, 7, 8, 12, 15])
def test_likeness_is_exact_up_to_the_asked_distance(ledger: Ledger, recorder: Recorder, bits: int) -> None:
    """The worst case: the differing bits are spread evenly over the bands that narrow the search."""
    value = 0x0123456789ABCDEF
    spread = sum(1 << (16 * (place % 4) + place // 4) for place in range(bits))
    near = Output("9", "images", 0, None, facts("near", perceptual=f"{value ^ spread:016x}"))
    recorder.complete("run", recorder.submit("run"), outputs=[near, output("far")])
    found = ledger.index.outputs_by_perceptual(f"{value:016x}", bits)
    assert [(row.sha256, distance) for row, distance in found] == [(digest_of("near"), bits)]
    if bits:
        assert ledger.index.outputs_by_perceptual(f"{value:016x}", bits - 1) == []


@pytest.mark.parametrize(("value", "distance"), [("0" * 16, 16), ("0" * 16, -1), ("0" * 15, 1), ("g" * 16, 1)])
def test_likeness_asked_wrongly_is_refused(ledger: Ledger, value: str, distance: int) -> None:
    with pytest.raises(InputError):
        ledger.index.outputs_by_perceptual(value, distance)


def test_reused_outputs_name_the_run_that_made_them(ledger: Ledger, recorder: Recorder) -> None:
    recorder.run("first", made=["a.png"])
    name = f"sha256:{digest_of('a.png')}"
    again = Edge(name, "first", Relation.REUSED, Basis.OBSERVED, "execution_cached", via=("9",))
    recorder.complete("second", recorder.submit("second"), outputs=[output("a.png", reused=True)], edges=[again])
    assert [(row.execution, row.reused, row.made_by) for row in ledger.index.outputs("first", "second")] == [
        ("first", False, None),
        ("second", True, "first"),
    ]


def test_a_fingerprint_that_came_later_is_filled_in(filled: Ledger) -> None:
    assert [row.sha256 for row in filled.index.models("run-2")] == [digest_of("sd")]
    assert filled.index.model_sha("checkpoints", "sd.safetensors", 5, 6) == digest_of("sd")
    assert filled.index.model_sha("checkpoints", "sd.safetensors", 5, 7) is None
    reference = ModelRef("4", "ckpt_name", "checkpoints", "sd.safetensors", 5, 6)
    assert filled.index.known_model(reference).sha256 == digest_of("sd")


def test_a_run_that_repeats_another_is_found_from_both_sides_and_from_its_sheet(filled: Ledger) -> None:
    (row,) = filled.index.replays.of(["run-1", "run-5"])
    assert (row.execution, row.original, row.known) == ("run-5", "run-1", True)
    assert (row.sheet, row.cell, row.cells) == ("sheet-1", 0, 4)
    assert (row.outcome, row.same_graph, row.fresh, row.drift) == ("same-bytes", True, True, 0)
    assert filled.index.replays.of_original("run-1") == filled.index.replays.sheet("sheet-1") == [row]
    assert row.entry in [entry.index for entry in filled.index.entries_of("run-5")]
    assert filled.index.entry(row.entry or 0).kind == "replay"


def test_a_replay_is_marked_from_its_submission_on(ledger: Ledger, recorder: Recorder) -> None:
    recorder.submit("again", repeats=predicate.Repeats("elsewhere", False))
    (row,) = ledger.index.replays.of(["again"])
    assert (row.original, row.known, row.sheet, row.outcome, row.entry) == ("elsewhere", False, None, None, None)


def test_a_second_outcome_of_one_replay_is_refused(filled: Ledger, recorder: Recorder) -> None:
    (row,) = filled.index.replays.of(["run-5"])
    with pytest.raises(InputError):
        Recorder(filled).replay("run-5", "run-1", (row.entry or 0) - 1)


def test_edges_of_a_run_include_what_was_learned_later(filled: Ledger) -> None:
    relations = [(edge.relation, edge.execution) for edge in filled.index.edges_of("run-2")]
    assert relations == [("revision_of", "run-2"), ("generated", "run-2"), ("used", "run-2"), ("used_model", None)]
    assert [edge.relation for edge in filled.index.edges_of("run-2", relations=[Relation.USED])] == ["used"]
    assert [edge.target for edge in filled.index.edges_from(f"sha256:{digest_of('a.png')}")] == ["run-1"]
    assert next(edge.target for edge in filled.index.edges_from("run-2", "gone")) == "run-1"


def test_entries_of_a_run_are_all_that_speak_of_it(filled: Ledger) -> None:
    kinds = ["submission", "completion", "model", "intent", "decision", "decision", "import"]
    assert [entry.kind for entry in filled.index.entries_of("run-2")] == kinds


@pytest.mark.parametrize("wanted", ["cat", "CAT", "ｃａｔ", "in cat"])
def test_search_ignores_case_and_width(filled: Ledger, wanted: str) -> None:
    assert "run-2" in [hit.execution for hit in filled.index.search(wanted)]


@pytest.mark.parametrize(("wanted", "expected"), [("KÄTZCHEN", ["run-2"]), ("a_cat", []), ("100%", []), ("", [])])
def test_search_finds_intents_and_takes_signs_as_they_are(filled: Ledger, wanted: str, expected: list[str]) -> None:
    assert [hit.execution for hit in filled.index.search(wanted)] == expected


def test_search_gives_the_newest_first(ledger: Ledger, recorder: Recorder) -> None:
    for number in range(4):
        recorder.run(f"run-{number}", prompts=[prompt("the same words")])
    assert [hit.execution for hit in ledger.index.search("SAME", limit=2)] == ["run-3", "run-2"]


def test_ideas_gaps_and_sessions_are_listed(filled: Ledger) -> None:
    assert filled.index.has_intent("A quiet Kätzchen", "Cats")
    assert not filled.index.has_intent("A quiet Kätzchen", None)
    assert [row.title for row in filled.index.intents("run-2")] == ["Cats"]
    assert filled.index.intents("run-1") == []
    assert [(row.reason, row.events, row.submissions) for row in filled.index.gaps()] == [("disk-full", 3, 1)]
    assert [row.event for row in filled.index.sessions("s1")] == ["start"]


def test_counts(filled: Ledger) -> None:
    counts = filled.index.counts()
    assert (counts.entries, counts.executions, counts.open_executions, counts.outputs, counts.gaps) == (24, 5, 1, 3, 1)


def test_summaries_are_remembered_until_the_index_is_rebuilt(filled: Ledger) -> None:
    filled.index.put_summaries({"run-1": [], "run-2": ["seed 1 → 2"]})
    filled.index.put_summaries({"run-2": ["seed 1 → 3"]})
    assert filled.index.summaries(["run-1", "run-2", "run-3"]) == {"run-1": [], "run-2": ["seed 1 → 3"]}
    filled.rebuild_index()
    assert filled.index.summaries(["run-1", "run-2"]) == {}


def test_more_things_than_one_query_takes(ledger: Ledger) -> None:
    digests = [digest_of(str(number)) for number in range(2000)]
    assert ledger.index.outputs_by_digest(*digests) == []
    assert ledger.index.edges_of(*digests) == []
    assert ledger.index.reachable(Relation.DERIVED_FROM, *digests) == []


def test_reaching_ends_on_a_cycle(ledger: Ledger, recorder: Recorder) -> None:
    links = [Edge(a, b, Relation.REVISION_OF, Basis.DECLARED, "test") for a, b in ("ab", "bc", "ca", "cd")]
    recorder.run("run", edges=links)
    assert {(row.source, row.target) for row in ledger.index.reachable(Relation.REVISION_OF, "a")} == {
        ("a", "b"),
        ("b", "c"),
        ("c", "a"),
        ("c", "d"),
    }


def test_a_link_that_somebody_changed_into_none_is_reported_as_damage(filled: Ledger) -> None:
    edit(filled, "UPDATE edges SET via = 'not a list'")
    with pytest.raises(IntegrityError, match="rebuild"):
        filled.index.edges_of("run-2")


def test_prompt_versions_are_the_values_of_the_record(filled: Ledger) -> None:
    assert filled.index.prompt_versions("run-2") == (prompt("Ein ＣＡＴ"), prompt(None, node="7"))


def test_a_model_without_a_size_has_no_fingerprint(filled: Ledger) -> None:
    absent = ModelRef("4", "ckpt_name", "checkpoints", "sd.safetensors", None, None)
    assert filled.index.known_model(absent) == absent


# checking and rebuilding


def test_a_rebuilt_index_has_the_rows_that_appending_wrote(filled: Ledger) -> None:
    before = rows(filled)
    assert all(before.values())
    seen: list[tuple[int, int]] = []
    rebuilt = filled.rebuild_index(lambda done, total: seen.append((done, total)))
    assert rows(filled) == before
    assert (rebuilt.entries, rebuilt.unreadable) == (filled.index.counts().entries, 0)
    assert seen[-1] == (rebuilt.entries, rebuilt.entries)


def test_a_sound_index_gives_no_findings(filled: Ledger) -> None:
    seen: list[tuple[int, int]] = []
    assert list(filled.check_index(lambda done, total: seen.append((done, total)))) == []
    entries = filled.index.counts().entries
    assert seen == [(entries, entries)]


@pytest.mark.parametrize("table", CHECKED)
def test_deleted_rows_are_named(filled: Ledger, table: str) -> None:
    assert edit(filled, f"DELETE FROM {table}")  # noqa: S608
    findings = list(filled.check_index())
    assert [each for each in findings if f"table {table}," in each.message and each.code == "index-row-missing"]
    filled.rebuild_index()
    assert list(filled.check_index()) == []


@pytest.mark.parametrize(
    ("table", "column"),
    [
        (table.name, column.name)
        for table in (*tables.INDEX_TABLES, *tables.SHARED_TABLES, tables.texts, tables.words)
        for column in table.columns
        if not column.primary_key
    ],
)
def test_any_changed_cell_is_named(filled: Ledger, table: str, column: str) -> None:
    key = ", ".join(each.name for each in tables.metadata.tables[table].primary_key)
    picked = f"SELECT {key} FROM {table} ORDER BY {key} LIMIT 1"  # noqa: S608
    assert edit(filled, f"UPDATE {table} SET {column} = 77 WHERE ({key}) IN ({picked})") == 1  # noqa: S608
    findings = list(filled.check_index())
    assert [each for each in findings if f"table {table}," in each.message and column in each.message]
    filled.rebuild_index()
    assert list(filled.check_index()) == []


@pytest.mark.parametrize("seq", [-5, 0, 1, 10_000])
@pytest.mark.parametrize("table", [table.name for table in tables.INDEX_TABLES])
def test_added_rows_are_named(filled: Ledger, table: str, seq: int) -> None:
    columns = list(tables.metadata.tables[table].columns)
    values = ", ".join(str(seq) if column.name == "seq" else "'77'" for column in columns)
    assert edit(filled, f"INSERT INTO {table} VALUES ({values})") == 1  # noqa: S608
    findings = list(filled.check_index())
    assert [each for each in findings if f"table {table}," in each.message and each.code == "index-row-extra"]


@pytest.mark.parametrize("statement", ["INSERT INTO open_runs VALUES ('run-1')", "INSERT INTO open_runs VALUES ('x')"])
def test_runs_wrongly_marked_as_open_are_named(filled: Ledger, statement: str) -> None:
    edit(filled, statement)
    assert [each.code for each in filled.check_index()] == ["index-row-extra"]


def test_texts_that_no_prompt_has_are_named(filled: Ledger) -> None:
    edit(filled, "INSERT INTO texts VALUES (99, zeroblob(16), 'planted', NULL)")
    named = [each.message for each in filled.check_index() if each.code == "index-row-extra"]
    assert named == ["index table texts, id 99: row is extra"]


def test_a_changed_hash_looks_like_nothing_and_is_named(filled: Ledger) -> None:
    (looks,) = {row.perceptual for row in filled.index.outputs_by_digest(digest_of("a.png"))}
    assert filled.index.outputs_by_perceptual(looks, 10)
    edit(filled, "UPDATE outputs SET perceptual = 'none'")
    assert filled.index.outputs_by_perceptual(looks, 10) == []
    assert [each for each in filled.check_index() if "table outputs," in each.message and "perceptual" in each.message]


@pytest.mark.parametrize("change", ["word = 7777", "next = 7777", "next = 1 - min(next, 1)", "text = 7777"])
def test_a_changed_place_of_a_word_is_named(filled: Ledger, change: str) -> None:
    picked = "SELECT word, next, text FROM word_texts ORDER BY word LIMIT 1"
    assert edit(filled, f"UPDATE word_texts SET {change} WHERE (word, next, text) IN ({picked})") == 1  # noqa: S608
    assert [each for each in filled.check_index() if "table word_texts," in each.message]
    filled.rebuild_index()
    assert list(filled.check_index()) == []


@pytest.mark.parametrize("damage", ["X''", "X'7b7d'", "substr(envelope, 2)", "'text'"])
def test_a_damaged_entry_is_named_and_does_not_stop_a_rebuild(filled: Ledger, damage: str) -> None:
    edit(filled, f"UPDATE entries SET envelope = {damage} WHERE number = 2")  # noqa: S608
    codes = [(each.code, each.entry) for each in filled.check_index()]
    assert ("index-entry-unreadable", 2) in codes
    assert filled.rebuild_index().unreadable == 1
    assert [each.code for each in filled.check_index()] == ["index-entry-unreadable"]


def test_a_replay_is_taken_for_the_maker_only_where_no_other_run_made_the_bytes(filled: Ledger) -> None:
    both = filled.index.outputs_by_digest(digest_of("a.png"))
    assert [row.execution for row in both] == ["run-1", "run-5"]
    assert [row.execution for row in filled.index.replays.set_aside(both)] == ["run-1"]
    assert [row.execution for row in filled.index.replays.set_aside(both[1:])] == ["run-5"]
    assert filled.index.replays.set_aside([]) == []
