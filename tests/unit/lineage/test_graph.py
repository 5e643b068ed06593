from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from comfy_provenance.provenance.errors import NotFound
from comfy_provenance.provenance.lineage.graph import Lineage, ancestry
from comfy_provenance.provenance.model import Asset, Basis, Edge, FileRef, Kind, Relation
from comfy_provenance.provenance.record import predicate
from comfy_provenance.provenance.seal.keys import Signer
from comfy_provenance.provenance.store import migrations, tables
from comfy_provenance.provenance.store.engine import Database
from comfy_provenance.provenance.store.index import Index
from comfy_provenance.provenance.store.ledger import Ledger
from comfy_provenance.tests.store.recording import SEED, Recorder, digest_of, facts, genesis_of, output, prompt


@pytest.fixture
def recorder(tmp_path: Path) -> Iterator[Recorder]:
    signer = Signer.from_seed(SEED)
    ledger = Ledger.create(tmp_path / "ledger", signer, genesis_of(signer))
    yield Recorder(ledger)
    ledger.close()


def name_of(file: str) -> str:
    return f"sha256:{digest_of(file)}"


def used(run: str, file: str, *via: str) -> Edge:
    return Edge(run, name_of(file), Relation.USED, Basis.OBSERVED, "file-hash", via=via)


def derived(newer: str, older: str, *via: str, score: float | None = None) -> Edge:
    basis = Basis.OBSERVED if score is None else Basis.INFERRED
    return Edge(name_of(newer), name_of(older), Relation.DERIVED_FROM, basis, "file-hash", score, via)


def edits(run: str, parent: str, node: str = "6", *via: str) -> Edge:
    ends = (f"prompt:{run}/{node}/text", f"prompt:{parent}/{node}/text")
    return Edge(*ends, Relation.EDITS, Basis.OBSERVED, "text", via=via)


def asset(file: str) -> Asset:
    return Asset("10", "image", file, FileRef("input", "", file), facts(file))


def links(lineage: Lineage, *relations: str) -> set[tuple[str, str]]:
    return {(each["from"], each["to"]) for each in lineage.edges if not relations or each["relation"] in relations}


def nodes(lineage: Lineage, kind: str) -> set[str]:
    return {each["id"] for each in lineage.nodes if each["kind"] == kind}


def node(lineage: Lineage, name: str) -> Any:
    return next(each for each in lineage.nodes if each["id"] == name)


def test_an_output_comes_from_its_run_and_what_that_run_used(recorder: Recorder) -> None:
    recorder.run("run", made=["a.png"], used=[asset("photo.jpg")], edges=[used("run", "photo.jpg", "10", "9")])
    found = ancestry(recorder.ledger.index, name_of("a.png"))
    assert found.target == name_of("a.png")
    assert links(found, "generated") == {(name_of("a.png"), "run")}
    assert links(found, "used") == {("run", name_of("photo.jpg"))}
    assert nodes(found, "asset") == {name_of("photo.jpg")}
    assert node(found, name_of("a.png"))["executions"] == ["run"]
    assert node(found, name_of("photo.jpg"))["name"] == "photo.jpg"
    assert found.edges[0] == {
        "from": name_of("a.png"),
        "to": "run",
        "relation": "generated",
        "basis": "observed",
        "method": "file",
        "score": None,
        "via": ["9"],
    }


def test_the_walk_goes_on_through_earlier_outputs(recorder: Recorder) -> None:
    recorder.run("one", made=["a.png"])
    recorder.run("two", made=["b.png"], edges=[used("two", "a.png", "10", "9"), derived("b.png", "a.png", "10", "9")])
    recorder.run("three", made=["c.png"], edges=[used("three", "b.png", "10", "9")])
    found = ancestry(recorder.ledger.index, name_of("c.png"))
    assert nodes(found, "execution") == {"one", "two", "three"}
    assert nodes(found, "output") == {name_of(file) for file in ("a.png", "b.png", "c.png")}
    assert links(found, "derived_from") == {(name_of("b.png"), name_of("a.png"))}


def test_a_composite_has_all_its_parents(recorder: Recorder) -> None:
    recorder.run("left", made=["l.png"])
    recorder.run("right", made=["r.png"])
    sources = [derived("c.png", "l.png", "10", "9"), derived("c.png", "r.png", "11", "9", score=0.9)]
    recorder.run("both", made=["c.png"], edges=sources)
    found = ancestry(recorder.ledger.index, name_of("c.png"))
    assert nodes(found, "execution") == {"left", "right", "both"}
    assert {(each["basis"], each["score"]) for each in found.edges if each["relation"] == "derived_from"} == {
        ("observed", None),
        ("inferred", 0.9),
    }


def test_lineage_is_per_output_not_per_run(recorder: Recorder) -> None:
    """Two branches in one graph: neither output inherits what only the other was made of."""
    edges = [
        used("run", "left.jpg", "1", "2", "9"),
        used("run", "right.jpg", "3", "8"),
        used("run", "both.jpg", "4", "9", "8"),
        used("run", "unsaid.jpg"),
        used("run", "unconnected.jpg", "5"),
        edits("run", "before", "6", "6", "9"),
        edits("run", "before", "7", "7", "8"),
        Edge(name_of("l.png"), "run", Relation.GENERATED, Basis.OBSERVED, "file"),
        Edge(name_of("r.png"), "run", Relation.GENERATED, Basis.OBSERVED, "file"),
        derived("l.png", "left.jpg", "1", "2", "9"),
        derived("r.png", "right.jpg", "3", "8"),
        Edge("run", name_of("lora"), Relation.USED_MODEL, Basis.OBSERVED, "file", via=("12", "8")),
        Edge("run", "before", Relation.REVISION_OF, Basis.DECLARED, "workflow"),
    ]
    recorder.run("before", prompts=[prompt("a", "6"), prompt("b", "7")])
    made = [output("l.png", node="9"), output("r.png", node="8")]
    versions = [prompt("a2", "6"), prompt("b2", "7")]
    recorder.complete("run", recorder.submit("run"), outputs=made, prompts=versions, edges=edges)
    left = ancestry(recorder.ledger.index, name_of("l.png"))
    assert nodes(left, "asset") == {name_of(file) for file in ("left.jpg", "both.jpg", "unsaid.jpg")}
    assert nodes(left, "prompt") == {"prompt:run/6/text", "prompt:before/6/text"}
    assert nodes(left, "model") == set()
    assert links(left, "generated") == {(name_of("l.png"), "run")}
    right = ancestry(recorder.ledger.index, name_of("r.png"))
    assert nodes(right, "asset") == {name_of(file) for file in ("right.jpg", "both.jpg", "unsaid.jpg")}
    assert nodes(right, "model") == {name_of("lora")}
    whole = ancestry(recorder.ledger.index, "run")
    assert nodes(whole, "asset") == nodes(left, "asset") | nodes(right, "asset") | {name_of("unconnected.jpg")}
    assert len(nodes(whole, "prompt")) == 4


def test_what_an_earlier_canvas_loaded_and_this_one_does_not_is_no_parent(recorder: Recorder) -> None:
    recorder.run("source", made=["a.png"])
    recorder.run("with", made=["b.png"], edges=[used("with", "a.png", "10", "9"), derived("b.png", "a.png", "10", "9")])
    recorder.run("bypassed", parent="with", made=["c.png"])
    found = ancestry(recorder.ledger.index, name_of("c.png"))
    assert nodes(found, "execution") == {"bypassed", "with"}
    assert nodes(found, "output") == {name_of("c.png")}


def test_canvases_are_followed_to_the_first_also_beyond_the_ledger(recorder: Recorder) -> None:
    recorder.complete("one", recorder.submit("one", parent="elsewhere", known=False))
    recorder.run("two", parent="one")
    recorder.run("three", parent="two", made=["a.png"])
    found = ancestry(recorder.ledger.index, name_of("a.png"))
    assert links(found, "revision_of") == {("three", "two"), ("two", "one"), ("one", "elsewhere")}
    assert node(found, "elsewhere") == {"id": "elsewhere", "kind": "execution", "known": False}
    assert node(found, "one")["status"] == "success"


def test_the_history_of_a_prompt_bridges_runs_that_left_it_alone(recorder: Recorder) -> None:
    recorder.run("one", prompts=[prompt("a cat")])
    recorder.run("two", parent="one", prompts=[prompt("a black cat")], edges=[edits("two", "one")])
    recorder.run("three", parent="two", prompts=[prompt("a black cat")])
    recorder.run("four", parent="three", made=["a.png"], prompts=[prompt("a big cat")], edges=[edits("four", "three")])
    found = ancestry(recorder.ledger.index, name_of("a.png"))
    assert links(found, "edits") == {
        ("prompt:four/6/text", "prompt:three/6/text"),
        ("prompt:two/6/text", "prompt:one/6/text"),
    }
    assert node(found, "prompt:one/6/text")["text"] == "a cat"


def test_bytes_that_several_runs_made_name_them_all(recorder: Recorder) -> None:
    recorder.run("one", made=["same.png"])
    recorder.run("two", made=["same.png"])
    found = ancestry(recorder.ledger.index, name_of("same.png"))
    assert node(found, name_of("same.png"))["executions"] == ["one", "two"]
    assert links(found, "generated") == {(name_of("same.png"), "one"), (name_of("same.png"), "two")}


def test_a_run_that_made_the_same_bytes_later_is_no_ancestor(recorder: Recorder) -> None:
    recorder.run("one", made=["a.png"])
    recorder.run("two", made=["b.png"], edges=[used("two", "a.png", "10", "9")])
    recorder.run("three", made=["a.png"], edges=[used("three", "b.png", "10", "9")])
    found = ancestry(recorder.ledger.index, name_of("b.png"))
    assert nodes(found, "execution") == {"one", "two"}
    assert node(found, name_of("a.png"))["executions"] == ["one", "three"]


def test_a_cached_run_leads_to_the_run_that_made_what_it_served(recorder: Recorder) -> None:
    recorder.run("source", made=["a.png"])
    recorder.run("maker", made=["b.png"], edges=[used("maker", "a.png", "10", "9")])
    served = Edge(name_of("b.png"), "maker", Relation.REUSED, Basis.OBSERVED, "execution_cached", via=("9",))
    recorder.complete("cached", recorder.submit("cached"), outputs=[output("b.png", reused=True)], edges=[served])
    run = ancestry(recorder.ledger.index, "cached")
    assert links(run, "reused") == {(name_of("b.png"), "maker")}
    assert nodes(run, "execution") == {"cached", "maker", "source"}
    file = ancestry(recorder.ledger.index, name_of("b.png"))
    assert node(file, name_of("b.png"))["executions"] == ["maker"]
    assert nodes(file, "execution") == {"maker", "source"}


def test_a_served_output_whose_maker_is_not_recorded_names_the_run_that_served_it(recorder: Recorder) -> None:
    recorder.complete("cached", recorder.submit("cached"), outputs=[output("b.png", reused=True)])
    found = ancestry(recorder.ledger.index, name_of("b.png"))
    assert node(found, name_of("b.png"))["executions"] == ["cached"]


def test_a_fingerprint_that_came_later_belongs_to_the_run(recorder: Recorder) -> None:
    recorder.run("run", made=["a.png"])
    learned = [Edge(run, name_of("sd"), Relation.USED_MODEL, Basis.OBSERVED, "sha256") for run in ("run", "other")]
    body = predicate.model(
        session="s1",
        at=recorder.now(),
        folder="checkpoints",
        name="sd.safetensors",
        size=5,
        mtime_ns=6,
        sha256=digest_of("sd"),
        executions=["run", "other"],
        edges=learned,
    )
    recorder.ledger.append(Kind.MODEL, lambda binding: body)
    found = ancestry(recorder.ledger.index, name_of("a.png"))
    assert links(found, "used_model") == {("run", name_of("sd"))}
    assert node(found, name_of("sd"))["name"] == "sd.safetensors"


def test_an_asset_and_a_model_are_their_own_ancestry(recorder: Recorder) -> None:
    recorder.ledger.append(
        Kind.MODEL,
        lambda binding: predicate.model(
            session="s1", at=recorder.now(), folder="loras", name="x", size=1, mtime_ns=1, sha256=digest_of("lora")
        ),
    )
    recorder.run("run", used=[asset("photo.jpg")], edges=[used("run", "photo.jpg")])
    for file, kind in (("photo.jpg", "asset"), ("lora", "model")):
        found = ancestry(recorder.ledger.index, name_of(file))
        assert (found.edges, nodes(found, kind)) == ((), {name_of(file)})


@pytest.mark.parametrize("ref", ["run-9", "sha256:" + "0" * 64, "sha256:", "", "prompt:run/6/text"])
def test_what_the_ledger_never_met_is_not_found(recorder: Recorder, ref: str) -> None:
    recorder.run("run", made=["a.png"])
    with pytest.raises(NotFound):
        ancestry(recorder.ledger.index, ref)


def test_cycles_end(recorder: Recorder) -> None:
    """Nothing recorded honestly is a cycle; a planted one must not hang the walk."""
    around = [derived("a.png", "b.png", "9"), used("one", "b.png", "9"), used("one", "a.png", "9"), edits("one", "two")]
    back = [derived("b.png", "a.png", "9"), used("two", "a.png", "9"), edits("two", "one")]
    versions = [prompt("a")]
    recorder.complete(
        "one", recorder.submit("one", parent="two"), outputs=[output("a.png")], prompts=versions, edges=around
    )
    recorder.run("two", parent="one", made=["b.png"], prompts=versions, edges=back)
    for target in ("one", "two", name_of("a.png"), name_of("b.png")):
        assert len(links(ancestry(recorder.ledger.index, target), "revision_of")) == 2


class Counting:
    """An index that counts how often it is asked."""

    def __init__(self, index: Index) -> None:
        self._index = index
        self.questions = 0

    def __getattr__(self, name: str) -> Any:
        self.questions += 1
        return getattr(self._index, name)


def chain(path: Path, length: int) -> Index:
    """Run after run, each from the canvas, the output and the prompt before it, written as index rows."""
    database = Database(path, create=True)
    blank = {"size": 1, "reused": 0, "key": "images", "ordinal": 0, "item": 0, "node": "9"}
    rows: dict[Any, list[dict[str, Any]]] = {table: [] for table in (tables.entries, *tables.INDEX_TABLES)}
    version = {"class_type": "x", "role": "both", "source": "literal"}
    rows[tables.prompts] = [{"list": 1, "item": 0, "node": "6", "input": "text", **version}]
    for number in range(length):
        run, before, submitted, ended = f"run-{number}", f"run-{number - 1}", number * 2 + 1, number * 2 + 2
        for seq in (submitted, ended):
            entry = {"seq": seq, "writer": 1, "number": seq, "kind": "x", "leaf": b"", "envelope": b""}
            rows[tables.entries].append(entry)
        times = {"prompt_id": run, "session": "s1", "submitted_at": "", "prompt": ""}
        rows[tables.executions].append({"seq": submitted, "id": run, **times})
        rows[tables.endings].append({"seq": ended, "execution": run, "status": "success", "prompts": 1})
        file = digest_of(f"{number}.png")
        rows[tables.outputs].append({**blank, "seq": ended, "sha256": file})
        stated = [(f"sha256:{file}", run, "generated")]
        if number:
            older = f"sha256:{digest_of(f'{number - 1}.png')}"
            stated += [(run, older, "used"), (f"sha256:{file}", older, "derived_from"), (run, before, "revision_of")]
            stated += [(f"prompt:{run}/6/text", f"prompt:{before}/6/text", "edits")]
        for item, (source, target, relation) in enumerate(stated):
            ends = {"source": source, "target": target, "relation": relation}
            rows[tables.edges].append(
                {"seq": ended, "item": item, "basis": "observed", "method": "", "via": "[]", **ends}
            )
    with database.write() as connection:
        migrations.create(connection)
        writer = {"id": 1, "origin": "o", "public_key": "", "size": 0, "frontier": b"", "checkpoint": b""}
        connection.execute(tables.writers.insert(), [writer])
        for table, made in rows.items():
            if made:
                connection.execute(table.insert(), made)
    return Index(database, 1)


def test_a_chain_of_ten_thousand_runs_is_walked_whole_with_few_questions(tmp_path: Path) -> None:
    length = 10_000
    index = Counting(chain(tmp_path / "long.sqlite3", length))
    found = ancestry(index, name_of(f"{length - 1}.png"))
    assert len(nodes(found, "execution")) == len(nodes(found, "output")) == len(nodes(found, "prompt")) == length
    assert len(found.edges) == length * 5 - 4
    assert index.questions < 30
