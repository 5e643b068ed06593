"""Lineage links, against pictures made by Pillow and a record kept in a list."""

from __future__ import annotations

import io
import random
from dataclasses import dataclass

import pytest
from comfy_provenance.provenance.canonical import sha256_hex
from comfy_provenance.provenance.model import (
    Asset,
    Basis,
    Edge,
    FileFacts,
    FileRef,
    ModelRef,
    Output,
    PromptVersion,
    Relation,
)
from comfy_provenance.provenance.record import edges, likeness, picture
from comfy_provenance.provenance.record.graph import ApiGraph
from PIL import Image, ImageDraw

START = 1_795_000_000_000_000_000
GRAPH = ApiGraph(
    {
        "1": {"class_type": "LoadImage", "inputs": {"image": "a.png"}},
        "2": {"class_type": "LoadImage", "inputs": {"image": "b.png"}},
        "3": {"class_type": "Blend", "inputs": {"one": ["1", 0], "two": ["2", 0]}},
        "4": {"class_type": "Encode", "inputs": {"text": "a cat"}},
        "5": {"class_type": "LoadImage", "inputs": {"image": "c.png"}},
        "8": {"class_type": "Save", "inputs": {"images": ["3", 0]}},
        "9": {"class_type": "Save", "inputs": {"images": ["2", 0]}},
    }
)


@dataclass(frozen=True)
class Row:
    execution: str
    sha256: str | None
    pixels: str | None = None
    perceptual: str | None = None
    reused: bool = False


class Record:
    def __init__(self, *rows):
        self.rows = rows

    def outputs_by_digest(self, *digests):
        return [row for row in self.rows if row.sha256 in digests]

    def outputs(self, *executions):
        return [row for row in self.rows if row.execution in executions]

    def outputs_by_pixels(self, pixels):
        return [row for row in self.rows if row.pixels == pixels]

    def outputs_by_perceptual(self, perceptual, max_distance):
        near = [
            (row, round((1 - likeness.score(row.perceptual, perceptual)) * 64)) for row in self.rows if row.perceptual
        ]
        return sorted((pair for pair in near if pair[1] <= max_distance), key=lambda pair: pair[1])


def drawn(seed=1, size=(256, 192)):
    image = Image.new("RGB", size, (90, 120, 200))
    draw = ImageDraw.Draw(image)
    generator = random.Random(seed)
    for _ in range(30):
        x, y = generator.randrange(size[0]), generator.randrange(size[1])
        draw.ellipse((x - 30, y - 30, x + 30, y + 30), fill=tuple(generator.randrange(256) for _ in range(3)))
    return image


def facts(image, form="PNG", mtime_ns=START + 1, execution=None, **options):
    out = io.BytesIO()
    image.save(out, form, **options)
    seen = picture.look(out.getvalue(), thumbnail=False)
    kind = f"image/{form.lower()}"
    size = (seen.width, seen.height)
    return FileFacts(sha256_hex(out.getvalue()), 1, mtime_ns, kind, *size, seen.pixels, seen.perceptual, execution)


def row(execution, made):
    return Row(execution, made.sha256, made.pixels, made.perceptual)


def output(node, made, **changes):
    return Output(node, "images", 0, FileRef("output", "", f"{node}.png"), made, **changes)


def asset(node, loaded):
    return Asset(node, "image", "x.png", FileRef("input", "", "x.png"), loaded)


def links(
    record=None,
    outputs=(),
    assets=(),
    prompts=(),
    parent=None,
    before=(),
    models=(),
    started=START,
    graph=GRAPH,
    brought=None,
):
    return edges.of_completion(
        execution="new",
        graph=graph,
        outputs=outputs,
        assets=assets,
        prompts=prompts,
        parent=parent,
        parent_prompts=before,
        models=models,
        started_ns=started,
        lookup=record or Record(),
        brought=brought,
    )


class Brought:
    """Files that the author brought in, by digest."""

    def __init__(self, **bases):
        self._bases = {file.sha256: Basis(name.replace("_", "-")) for name, file in bases.items()}

    def basis_of(self, digest):
        return self._bases.get(digest)


def only(found, relation):
    return [edge for edge in found if edge.relation is relation]


NEW, OTHER = facts(drawn(90)), facts(drawn(91))


def derived(record, loaded, node="1", made=NEW):
    found = only(links(record, [output("8", made)], [asset(node, loaded)]), Relation.DERIVED_FROM)
    return [(edge.target, edge.basis, edge.method, edge.score, edge.via) for edge in found]


def test_an_output_was_generated_by_its_run():
    (edge,) = links(outputs=[output("8", NEW)])
    name = edges.named(NEW.sha256)
    assert edge == Edge(name, "new", Relation.GENERATED, Basis.OBSERVED, "reported", None, ("8",))


@pytest.mark.parametrize(("age_s", "basis"), [(1, Basis.OBSERVED), (3, Basis.INFERRED)])
def test_a_file_older_than_the_run_is_not_observed_to_be_made_by_it(age_s, basis):
    made = facts(drawn(90), mtime_ns=START - age_s * 1_000_000_000)
    (edge,) = links(outputs=[output("8", made)])
    assert (edge.basis, edge.method == "reported-older-file") == (basis, basis is Basis.INFERRED)


def test_a_run_that_reports_what_is_from_before_did_not_make_it():
    (edge,) = links(outputs=[output("8", NEW)], brought=Brought(after_the_fact=NEW))
    assert (edge.relation, edge.basis, edge.method) == (
        Relation.GENERATED,
        Basis.AFTER_THE_FACT,
        "reported-from-before",
    )
    (edge,) = links(outputs=[output("8", NEW)], brought=Brought(declared=NEW))
    assert (edge.basis, edge.method) == (Basis.OBSERVED, "reported"), (
        "what the author says takes nothing from what was seen"
    )


@pytest.mark.parametrize("basis", ["declared", "inferred", "after_the_fact"])
def test_what_the_author_brought_in_is_a_source_on_the_basis_that_he_said(basis):
    loaded = facts(drawn(5))
    found = links(None, [output("8", NEW)], [asset("1", loaded)], brought=Brought(**{basis: loaded}))
    (edge,) = only(found, Relation.DERIVED_FROM)
    assert (edge.target, edge.basis, edge.method) == (
        edges.named(loaded.sha256),
        Basis(basis.replace("_", "-")),
        "import",
    )
    (used,) = only(found, Relation.USED)
    assert used.basis is Basis.OBSERVED, "that it was loaded was seen"


def test_a_later_run_with_the_same_bytes_makes_what_is_from_before_no_original():
    loaded = facts(drawn(5))
    fake = Record(row("fake", loaded))
    found = links(fake, [output("8", NEW)], [asset("1", loaded)], brought=Brought(after_the_fact=loaded))
    assert [edge.basis for edge in only(found, Relation.DERIVED_FROM)] == [Basis.AFTER_THE_FACT]
    saved_again = facts(drawn(5), "BMP")
    found = links(fake, [output("8", NEW)], [asset("1", saved_again)], brought=Brought(after_the_fact=loaded))
    (edge,) = only(found, Relation.DERIVED_FROM)
    assert (edge.basis, edge.method) == (Basis.AFTER_THE_FACT, "pixels-from-before")
    found = links(fake, [output("8", NEW)], [asset("1", loaded)], brought=Brought(declared=loaded))
    assert [edge.basis for edge in only(found, Relation.DERIVED_FROM)] == [Basis.OBSERVED], "an output is an output"


def test_a_reused_output_points_to_the_run_that_made_it():
    name = edges.named(NEW.sha256)
    (told,) = links(outputs=[output("8", NEW, reused=True, made_by="old")])
    assert told == Edge(name, "old", Relation.REUSED, Basis.OBSERVED, "execution_cached", None, ("8",))
    record = Record(row("older", NEW), row("old", NEW), Row("cached", NEW.sha256, reused=True))
    (looked_up,) = links(record, outputs=[output("8", NEW, reused=True)])
    assert (looked_up.target, looked_up.relation) == ("old", Relation.REUSED)
    assert links(outputs=[output("8", NEW, reused=True)]) == ()


def test_a_reused_output_derives_from_nothing_anew():
    old = facts(drawn(1))
    found = links(Record(row("old", old)), [output("8", NEW, reused=True, made_by="x")], [asset("1", old)])
    assert only(found, Relation.DERIVED_FROM) == []


def test_a_loaded_file_was_used_and_says_which_outputs_it_reaches():
    (edge,) = only(
        links(outputs=[output("8", NEW), output("9", OTHER)], assets=[asset("2", facts(drawn(1)))]), Relation.USED
    )
    assert (edge.source, edge.basis, edge.via) == ("new", Basis.OBSERVED, ("2", "8", "9"))


def test_a_file_that_changed_after_the_start_is_not_observed_to_be_the_one_loaded():
    (edge,) = links(assets=[asset("1", facts(drawn(1), mtime_ns=START + 5_000_000_000))])
    assert (edge.basis, edge.method) == (Basis.INFERRED, "sha256-changed-later")


def test_the_same_bytes_are_the_earlier_output():
    old = facts(drawn(1))
    assert derived(Record(row("old", old)), old) == [
        (edges.named(old.sha256), Basis.OBSERVED, "sha256", None, ("1", "3", "8"))
    ]


def test_only_what_lies_upstream_of_an_output_is_its_parent():
    one, two = facts(drawn(1)), facts(drawn(2))
    record = Record(row("a", one), row("b", two))
    found = links(record, [output("8", NEW), output("9", OTHER)], [asset("1", one), asset("2", two), asset("5", two)])
    ways = {(edge.source, edge.target, edge.via) for edge in only(found, Relation.DERIVED_FROM)}
    assert ways == {
        (edges.named(NEW.sha256), edges.named(one.sha256), ("1", "3", "8")),
        (edges.named(NEW.sha256), edges.named(two.sha256), ("2", "3", "8")),
        (edges.named(OTHER.sha256), edges.named(two.sha256), ("2", "9")),
    }


def test_an_embedded_id_counts_when_the_pixels_agree():
    old = facts(drawn(1))
    saved_again = facts(drawn(1), "WEBP", execution="old", lossless=True)
    assert [each[1:3] for each in derived(Record(row("old", old)), saved_again)] == [(Basis.OBSERVED, "embedded-id")]


def test_an_embedded_id_decides_between_runs_with_the_same_pixels():
    first, second = facts(drawn(1)), facts(drawn(1), compress_level=1)
    loaded = facts(drawn(1), "WEBP", execution="second", lossless=True)
    record = Record(row("first", first), row("second", second))
    assert derived(record, loaded)[0][0] == edges.named(second.sha256)


@pytest.mark.parametrize(
    "change",
    [
        lambda image: (image, "JPEG", {"quality": 70}),
        lambda image: (image.crop((4, 3, 254, 190)), "PNG", {}),
        lambda image: (image.resize((128, 96)), "PNG", {}),
    ],
    ids=["re-encoded", "cropped", "scaled"],
)
@pytest.mark.parametrize("execution", [None, "old", "unknown"])
def test_a_changed_picture_is_at_most_inferred_with_a_score(change, execution):
    old = facts(drawn(1))
    image, form, options = change(drawn(1))
    found = derived(
        Record(row("old", old), row("x", facts(drawn(2)))), facts(image, form, execution=execution, **options)
    )
    for target, basis, method, score, _ in found:
        assert (target, basis) == (edges.named(old.sha256), Basis.INFERRED)
        assert "perceptual" in method
        assert likeness.LIKE <= score <= 1
    assert found, "the change is small enough to be recognised"


def test_a_forged_id_on_another_picture_gives_nothing():
    assert derived(Record(row("old", facts(drawn(1)))), facts(drawn(50), execution="old")) == []


def test_equal_pixels_are_observed_without_an_id():
    old = facts(drawn(1))
    assert [each[1:3] for each in derived(Record(row("old", old)), facts(drawn(1), "BMP"))] == [
        (Basis.OBSERVED, "pixels")
    ]


def test_flat_pictures_prove_nothing():
    black = Image.new("RGB", (64, 64))
    old = facts(black)
    record = Record(row("old", old), Row("odd", OTHER.sha256, old.pixels, "0" * 16))
    assert derived(record, facts(black, "BMP", execution="old")) == []
    assert [each[2] for each in derived(record, old)] == ["sha256"], "the very bytes still do"


def test_a_run_is_never_its_own_parent():
    own = facts(drawn(1))
    assert derived(Record(row("new", own)), own) == []
    assert derived(Record(row("new", own)), facts(drawn(1), "BMP", execution="new")) == []
    assert derived(Record(row("old", NEW)), NEW) == [], "an output that equals what it was made from"


def version(node, text, class_type="Encode", name="text"):
    return PromptVersion(node, name, class_type, "positive", "literal", text)


@pytest.mark.parametrize(
    ("before", "after", "count"),
    [
        (version("4", "a dog"), version("4", "a cat"), 1),
        (version("4", "a cat"), version("4", "a cat"), 0),
        (version("4", None), version("4", "a cat"), 0),
        (version("4", "a cat"), version("4", None), 0),
        (version("4", "a dog", "Other"), version("4", "a cat"), 0),
        (version("5", "a dog"), version("4", "a cat"), 0),
        (version("4", "a dog", name="text_g"), version("4", "a cat"), 0),
        (version("4", ""), version("4", "a cat"), 1),
    ],
)
def test_a_prompt_edit_links_two_known_texts_of_one_input(before, after, count):
    found = links(prompts=[after], parent="old", before=[before])
    assert len(found) == count
    for edge in found:
        expected = ("prompt:new/4/text", "prompt:old/4/text", Relation.EDITS, Basis.OBSERVED)
        assert (edge.source, edge.target, edge.relation, edge.basis) == expected
    assert links(prompts=[after], parent=None, before=[before]) == ()


def test_a_fingerprinted_model_was_used():
    known = ModelRef("4", "name", "loras", "l.safetensors", 1, 1, "ab" * 32)
    (edge,) = links(models=[known, ModelRef("4", "name", "loras", "m.safetensors", 1, 1)])
    assert (edge.source, edge.target, edge.relation) == ("new", "sha256:" + "ab" * 32, Relation.USED_MODEL)


def test_each_link_is_stated_once_and_unread_files_have_none():
    loaded = facts(drawn(1))
    twice = links(assets=[asset("1", loaded), asset("1", loaded)], outputs=[Output("8", "images", 0, None, None)])
    assert len(twice) == 1
    assert links(assets=[Asset("1", "image", "x", None, None, problem="gone")]) == ()
