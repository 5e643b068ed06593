"""The command line `comfy-provenance`. `docs/cli.md` describes every command and every JSON shape.

Exit codes: 0 good, 1 findings, 2 unusable input, 130 interrupted. Every error is one line on stderr. Commands are
imported when they run: a dossier is checked where neither SQLAlchemy nor torch is installed.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

from ..config import VERSION
from ..dossier.options import WITHHELD
from ..errors import IntegrityError, NotALedger, ProvenanceError
from ..lineage.summary import one_line
from ..lineage.vary import USUAL_MOST
from ..verify.description import LANGUAGES, SCOPES
from .exits import FINDINGS, GOOD, INTERRUPTED, UNUSABLE
from .places import VARIABLE, find_ledger
from .queueing import LOCAL

PROGRAM = "comfy-provenance"
REPLAYS = ".replay_commands"
PARCELS = ".parcel_commands"
TIMES = ".time_commands"
SEEN = "a checkpoint that was kept, a file or its fingerprint: nothing before it may have changed"


class _Usage(Exception):
    """The arguments cannot be used."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise _Usage(f"{message} (see {self.prog} --help)")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code. Does not raise for anything a user can cause."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:  # a terminal may not know every character of a prompt
            reconfigure(errors="backslashreplace")
    try:
        code = _run(list(sys.argv[1:] if argv is None else argv))
        sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        return _fail("interrupted", INTERRUPTED)
    except BrokenPipeError:  # the reader, such as `head`, has seen enough
        _drop_output()
        return GOOD
    except OSError as error:
        _drop_output()
        return _fail(f"cannot write the output: {error.strerror or error}", UNUSABLE)
    except (_Usage, ProvenanceError) as error:
        code = FINDINGS if isinstance(error, IntegrityError) else UNUSABLE
        return _fail(str(error), code)


def _run(arguments: list[str]) -> int:
    if arguments[:1] == ["demo"]:
        from . import commands

        return commands.demo(arguments[1:])
    try:
        options = _parser().parse_args(arguments)
    except SystemExit as stop:  # --help and --version
        return int(stop.code or 0)
    if getattr(options, "dossier", None) is not None:
        from . import dossier_commands

        return dossier_commands.verify(options)
    try:
        ledger = find_ledger(options.ledger, os.environ, (Path.cwd(), Path(__file__)))
    except NotALedger:
        if not options.anywhere:
            raise
        ledger = None
    module, name = options.command
    command: Callable[[argparse.Namespace, Path | None], int] = getattr(
        importlib.import_module(module, __package__), name
    )
    return command(options, ledger)


def _parser() -> argparse.ArgumentParser:
    common = _Parser(add_help=False)
    common.add_argument(
        "--ledger",
        metavar="DIR",
        default=argparse.SUPPRESS,
        help=f"the ledger's folder; else {VARIABLE}, else that of the ComfyUI folder this is run in",
    )
    parser = _Parser(
        prog=PROGRAM, description="How every image was made: read, compare, restore and verify the record."
    )
    parser.add_argument("--version", action="version", version=f"{PROGRAM} {VERSION}")
    parser.add_argument("--ledger", metavar="DIR", default=None, help=argparse.SUPPRESS)
    verbs = parser.add_subparsers(metavar="COMMAND", required=True)

    def verb(
        name: str, about: str, *, module: str = ".commands", json: bool = True, anywhere: bool = False
    ) -> argparse.ArgumentParser:
        added = verbs.add_parser(name, parents=[common], help=about, description=about)
        added.set_defaults(command=(module, name.replace("-", "_")), anywhere=anywhere)
        if json:
            added.add_argument("--json", action="store_true", help="print JSON; docs/cli.md describes it")
        return added

    log = verb("log", "list runs, oldest first, with what changed from one to the next")
    log.add_argument("--graph", action="store_true", help="draw runs and their parents as lanes, newest on top")
    log.add_argument("--limit", type=_positive, metavar="N", help="the newest N runs only")
    ref = "an execution id or the start of one, an output file, or a SHA-256"
    verb("show", "tell everything about a run or a file").add_argument("ref", metavar="REF", help=ref)
    verb("lineage", "tell the whole ancestry of a run or a file").add_argument("ref", metavar="REF", help=ref)
    diff = verb("diff", "tell what changed from run A to run B")
    diff.add_argument("a", metavar="A", help=ref)
    diff.add_argument("b", metavar="B", help=ref)
    restore = verb("restore", "write a run's workflow as recorded, and tell what has drifted since")
    restore.add_argument("execution", metavar="EXEC", help=ref)
    restore.add_argument("-o", "--output", metavar="FILE", required=True, help="where to write it; - for stdout")
    restore.add_argument("--put-back", action="store_true", help="write kept copies of missing inputs under new names")
    _replaying(verb, ref)
    _parcels(verb, ref)
    verify = verb("verify", "check every signature, link and object, of the ledger with its index or of a dossier")
    verify.add_argument("dossier", nargs="?", metavar="DOSSIER", help="a dossier's zip; without one, the ledger")
    verify.add_argument("--key", metavar="PEM", help="the public key that must have signed, from a place you trust")
    verify.add_argument("--since", metavar="CHECKPOINT", action="append", default=[], help=SEEN)
    verify.add_argument("--resume", action="store_true", help="go on from where the last such check came")
    _add_roots(verify)
    _add_export(verb("export", "write a dossier that a stranger can check", module=".dossier_commands"), ref)
    _authoring(verb, ref)
    _time(verb)
    envelopes = verb("envelopes", "write the signed entries as DSSE files", json=False)
    envelopes.add_argument("-o", "--output", metavar="DIR", required=True, help="a new or empty folder")
    fsck = verb("fsck", "compare the index with the entries")
    fsck.add_argument("--rebuild-index", action="store_true", help="make the index anew from the entries first")
    verb("status", "tell how much is recorded")
    _cleaning(verb)
    verbs.add_parser("demo", help="run a scripted session on the embedded host", add_help=False)
    return parser


def _parcels(verb: Callable[..., argparse.ArgumentParser], ref: str) -> None:
    """Commands that put a run into a file of its own."""
    pack = verb("pack", module=PARCELS, about="write a run as one small file that restores on another machine")
    pack.add_argument("execution", metavar="EXEC", help=ref)
    pack.add_argument("-o", "--output", metavar="FILE", help="where to write it; else run-….provenance.zip")
    pack.add_argument("--without-inputs", action="store_true", help="leave the files that the run loaded out")
    unpack = verb("unpack", module=PARCELS, about="check a snapshot file, and write what is in it", anywhere=True)
    unpack.add_argument("file", metavar="FILE", help="a file that pack wrote")
    unpack.add_argument("-o", "--output", metavar="DIR", help="a new or empty folder; else one named after the file")
    unpack.add_argument("--key", metavar="PEM", help="the public key that must have signed, from a place you trust")
    unpack.add_argument("--check", action="store_true", help="only check it and tell what is different here")
    unpack.add_argument("--put-back", action="store_true", help="also write missing inputs into ComfyUI's input folder")
    unpack.add_argument("--no-record", action="store_true", help="do not record in this ledger that it was brought in")
    credential = verb("credential", module=PARCELS, about="write a copy of a file with a Content Credential (C2PA)")
    credential.add_argument("file", metavar="FILE", help="a PNG, JPEG, WebP or MP4 file; it stays as it is")
    credential.add_argument("-o", "--output", metavar="FILE", help="where to write the copy")
    credential.add_argument("--label", action="store_true", help="also put in China's AI label (GB 45438-2025)")
    credential.add_argument("--producer", metavar="TEXT", default="", help="what the label names as the producer")


def _replaying(verb: Callable[..., argparse.ArgumentParser], ref: str) -> None:
    """Commands that queue recorded runs again."""
    replay = verb(
        "replay", module=REPLAYS, anywhere=True, about="queue a recorded run again, without caches, and compare"
    )
    replay.add_argument("--put-back", action="store_true", help="write kept copies of missing inputs, and use those")
    replay.add_argument("--dry-run", action="store_true", help="only tell what has drifted")
    vary = verb(
        "vary", module=REPLAYS, anywhere=True, about="queue a small grid of variations around a run, and show the sheet"
    )
    vary.add_argument(
        "--without",
        metavar="NODE.INPUT[=PIECE,…]",
        action="append",
        default=[],
        help="leave one piece of a text out at a time; every phrase in turn when none is named",
    )
    vary.add_argument(
        "--set", metavar="NODE.INPUT=VALUE,…", action="append", default=[], help="give an input other values"
    )
    vary.add_argument("--most", type=_positive, metavar="N", default=USUAL_MOST, help="refuse more runs than this")
    sheet = verb("sheet", module=REPLAYS, anywhere=True, about="show a sheet of variations that was queued before")
    sheet.add_argument("sheet", metavar="SHEET", help="the sheet's id")
    for command in (replay, vary):
        command.add_argument("execution", metavar="EXEC", help=ref)
        command.add_argument("--timeout", type=_positive, metavar="S", default=3600, help="seconds to wait in all")
    for command in (vary, sheet):
        command.add_argument("-o", "--output", metavar="FILE", help="write the sheet as one HTML file")
    for command in (replay, vary, sheet):
        command.add_argument("--server", metavar="URL", default=LOCAL, help=f"the running ComfyUI; else {LOCAL}")


def _authoring(verb: Callable[..., argparse.ArgumentParser], ref: str) -> None:
    """What the author states, and brings in."""
    module = ".authoring_commands"
    intent = verb("intent", "sign an idea, or a new version of one", module=module)
    intent.add_argument("text", metavar="TEXT", help="the idea in your words; - to read it from stdin")
    intent.add_argument("--title", metavar="TITLE", help="a name for the work")
    intent.add_argument("--revises", type=int, metavar="ENTRY", help="the entry of which this is a new version")
    intent.add_argument("--reference", metavar="FILE", action="append", default=[], help="a picture it refers to")
    intent.add_argument("--run", metavar="REF", help="the run it belongs to")
    choose = verb("choose", "sign that you chose one candidate over others, and why", module=module)
    choose.add_argument("ref", metavar="REF", help=ref)
    choose.add_argument("--over", metavar="REF", nargs="+", action="extend", required=True, help="those not chosen")
    choose.add_argument("--reason", metavar="TEXT", help="why")
    bring = verb("import", "bring in a later edit of outputs, or files from before", module=module)
    bring.set_defaults(command=(module, "bring"))
    bring.add_argument("files", metavar="FILE", nargs="+", help="a file; with --before, also a folder")
    how = bring.add_mutually_exclusive_group(required=True)
    how.add_argument("--of", metavar="REF", nargs="+", action="extend", help="what it was made from")
    how.add_argument("--before", action="store_true", help="it is from before: marked after-the-fact")
    bring.add_argument("--project", metavar="FILE", help="the program's own file, such as a PSD or KRA")
    bring.add_argument("--stage", choices=["intermediate", "finished"], help="what you call it")
    bring.add_argument("--note", metavar="TEXT", help="what was done")
    verb("imports", "list what was brought in, newest first", module=module)
    recording = verb("recording", "list screen recordings, or write one as a file", module=module)
    recording.add_argument("ref", metavar="REF", nargs="?", help="the recording's id or the start of it")
    recording.add_argument("-o", "--output", metavar="FILE", help="where to write it")


def _add_roots(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--root",
        action="append",
        default=[],
        metavar="PEM",
        help="certificates of time authorities that you trust; may be repeated",
    )


def _add_export(parser: argparse.ArgumentParser, ref: str) -> None:
    parser.add_argument("refs", nargs="+", metavar="REF", help=ref)
    parser.add_argument("-o", "--output", metavar="ZIP", required=True, help="where to write it")
    parser.add_argument("--title", metavar="TEXT", help="what the work is called")
    parser.add_argument("--scope", choices=SCOPES, default="tree", help="how far around the works to look")
    parser.add_argument("--language", choices=LANGUAGES, default="en", help="in which the report opens")
    parser.add_argument(
        "--withhold",
        action="append",
        default=[],
        metavar="WHAT",
        help=f"leave out: {', '.join(WITHHELD)}, entry:N, or a REF; may be repeated",
    )
    parser.add_argument("--no-signature", action="store_true", help="do not sign the dossier as a whole")


def _time(verb: Callable[..., argparse.ArgumentParser]) -> None:
    """Commands about trusted time and witnesses."""
    anchor = verb("anchor", module=TIMES, about="tell how it stands with time-stamps, or get one")
    how = anchor.add_mutually_exclusive_group()
    how.add_argument("--now", action="store_true", help="ask the chosen authorities for time-stamps now")
    how.add_argument("--import", dest="bring", metavar="TOKEN", help="bring in a token that was made elsewhere")
    anchor.add_argument("--checkpoint", metavar="FILE", help="what it was made for; else it is looked for")
    anchor.add_argument("--name", metavar="NAME", help="what to call its authority")
    checkpoint = verb("checkpoint", module=TIMES, about="print the newest signed checkpoint, to be kept elsewhere")
    checkpoint.add_argument("-o", "--output", metavar="FILE", help="write it; - for standard output alone")
    checkpoint.add_argument("--since", metavar="SIZE", help="prove that it extends a checkpoint of that size, or file")
    checkpoint.add_argument("--qr", action="store_true", help="show the fingerprint as a QR code too")
    cosign = verb("cosign", module=TIMES, about="sign somebody else's checkpoint as its witness")
    cosign.add_argument("file", metavar="FILE", help="the checkpoint")
    cosign.add_argument("--key", metavar="PEM", help="the public key of its author; with --import, of the witness")
    cosign.add_argument("-o", "--output", metavar="FILE", help="where to write it, else beside FILE")
    cosign.add_argument("--import", dest="bring", action="store_true", help="record one that came back cosigned")
    cosign.add_argument("--label", metavar="NAME", help="with --import: whose key it is")


def _cleaning(verb: Callable[..., argparse.ArgumentParser]) -> None:
    """The command that lets go of kept copies."""
    clean = verb("clean", "let go of kept copies; entries, and what they require, stay", module=".cleaning_commands")
    clean.add_argument("--dry-run", action="store_true", help="only tell what may go, and how many bytes that is")
    clean.add_argument("--not-in-place", action="store_true", help="not those whose file is still where it was")
    clean.add_argument("--thumbnails", action="store_true", help="thumbnails too, where the output is still there")
    clean.add_argument("--rejected", action="store_true", help="copies of outputs that you rejected, for good")
    clean.add_argument("--before", metavar="DATE", help="copies from runs before this date or time, for good")
    clean.add_argument("--yes", action="store_true", help="do not ask")
    clean.add_argument("--undo", action="store_true", help="keep released copies again where their files still are")


def _positive(text: str) -> int:
    number = int(text)
    if not 1 <= number < 2**31:
        raise ValueError
    return number


_positive.__name__ = "number"  # argparse says: invalid number value


def _fail(message: str, code: int) -> int:
    with suppress(OSError):
        print(f"{PROGRAM}: {one_line(message, 500)}", file=sys.stderr)
    return code


def _drop_output() -> None:
    """Let the interpreter flush what is left into nowhere instead of failing again at its end."""
    with suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    sys.exit(main())
