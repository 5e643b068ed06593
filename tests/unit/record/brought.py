"""Bodies of what the author brings in, as tests of several files need them."""

from __future__ import annotations

from comfy_provenance.provenance.canonical import sha256_hex
from comfy_provenance.provenance.model import Basis, FileFacts, Instant, Kind
from comfy_provenance.provenance.record import imports, recordings
from comfy_provenance.provenance.record.likeness import Likeness
from comfy_provenance.provenance.record.redact import Mark

AT = Instant(1_795_000_000_123_456_789, 42)
HEX = sha256_hex(b"x")
OTHER = sha256_hex(b"y")
FACTS = FileFacts(HEX, 10, 5, "image/png", 8, 8, OTHER, "00ff00ff00ff00ff", None)
BODIES = {
    Kind.IMPORT: imports.predicate(
        session="s",
        at=AT,
        file=imports.BroughtFile("final.png", FACTS, thumbnail=OTHER, kept=HEX),
        project=imports.BroughtFile("final.kra", FileFacts(OTHER, 9, 5, "application/x-krita"), uploaded=True),
        of=[
            imports.Source(
                OTHER,
                "e1",
                None,
                Basis.DECLARED,
                "author",
                likeness=Likeness(False, 31.5, 0.93, 512, 512, "scaled", "file", "composite"),
            )
        ],
        stage="finished",
        note="修掉了多余的手指",
        basis=Basis.DECLARED,
        source="cli",
        claims=imports.Claims("a1111", text=HEX, parameters=(("seed", "1"),), marks=(Mark("text", "", "[x]"),)),
    ),
    Kind.RECORDING: recordings.predicate(
        session="s",
        at=AT,
        recording="r1",
        step=recordings.Chunk(1, 10, 5, HEX, 2000.0),
        previous=recordings.Previous(7, OTHER),
    ),
}
