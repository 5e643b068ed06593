"""The command line, through its entry point, over a real ledger."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from pathlib import Path

import pytest
from comfy_provenance.provenance.present.cli import main
from comfy_provenance.provenance.store.names import pack

from .conftest import graph, picture, run_id

REPOSITORY = Path(__file__).resolve().parents[3]


def jsons(text):
    return [json.loads(line) for line in text.splitlines()]


def test_log_gives_one_json_object_per_run_oldest_first(cli, recorded):
    code, out, err = cli("log", "--json")
    items = jsons(out)
    assert (code, err) == (0, "")
    assert [item["execution"] for item in items] == [run_id(number) for number in range(1, 10)]
    assert set(items[0]) == {"execution", "status", "submitted_at", "parents", "outputs", "changes", "replay"}
    assert items[0]["outputs"] == [
        {
            "node": "9",
            "file": "a_00001_.png",
            "type": "output",
            "sha256": hashlib.sha256(picture(1)).hexdigest(),
            "reused": False,
        }
    ]
    assert items[2]["outputs"][0]["file"] == "sub/c.png"
    assert items[6]["outputs"][0]["reused"] is True


def test_log_names_statuses_parents_and_changes(cli):
    items = jsons(cli("log", "--json")[1])
    assert [item["status"] for item in items] == [*["success"] * 5, "error", "success", "lost", "success"]
    assert [item["changes"] for item in items[:5]] == [
        [],
        ["seed 1 → 2"],
        ['+ "golden hour"'],
        ["+ LoadImage a_00001_.png"],
        ["cfg 7 → 5.5"],
    ]
    parents = [[int(parent[:4], 16) for parent in item["parents"]] for item in items]
    assert parents == [[], [1], [2], [1], [4, 1], [5], [1], [7], []]


def test_log_limit_keeps_the_newest_runs_and_their_order(cli):
    items = jsons(cli("log", "--json", "--limit", "2")[1])
    assert [item["execution"] for item in items] == [run_id(8), run_id(9)]


def test_log_as_text_and_as_lanes(cli):
    code, out, _ = cli("log")
    assert code == 0
    assert len(out.splitlines()) == 9
    assert "seed 1 → 2" in out.splitlines()[1]
    code, out, _ = cli("log", "--graph")
    assert code == 0
    assert run_id(9) in out.splitlines()[0]
    assert run_id(1)[:8] in out.splitlines()[-1]
    assert sum("●" in line for line in out.splitlines()) == 9


def test_show_a_run(cli):
    code, out, _ = cli("show", run_id(5), "--json")
    found = json.loads(out)
    assert code == 0
    assert found["parents"] == [run_id(4), run_id(1)]
    assert found["children"] == [run_id(6)]
    assert [item["name"] for item in found["inputs"]] == ["a_00004_.png", "a_00001_.png"]
    assert [entry["kind"] for entry in found["entries"]] == ["submission", "completion"]
    assert found["prompts"][0] == {
        "node": "2",
        "input": "text",
        "class_type": "CLIPTextEncode",
        "role": "positive",
        "source": "literal",
        "text": "a castle in fog",
    }
    assert json.loads(cli("show", run_id(6), "--json")[1])["error"]["class"] == "RuntimeError"
    assert cli("show", run_id(6))[0] == 0


def test_show_a_file_names_the_runs_that_made_and_used_it(cli):
    found = json.loads(cli("show", "output/a_00001_.png", "--json")[1])
    assert [item["execution"] for item in found["outputs"]] == [run_id(1), run_id(7)]
    assert found["used_by"] == [run_id(4), run_id(5)]
    assert found["run"]["execution"] == run_id(1)


@pytest.mark.parametrize(
    "ref",
    [
        run_id(1),
        run_id(1)[:4],
        "output/a_00001_.png",
        "a_00001_.png",
        "./output/a_00001_.png",
        hashlib.sha256(picture(1)).hexdigest(),
        f"sha256:{hashlib.sha256(picture(1)).hexdigest()}",
        hashlib.sha256(picture(1)).hexdigest().upper(),
    ],
)
def test_every_kind_of_ref_names_the_run(cli, ref):
    code, out, _ = cli("diff", ref, run_id(2), "--json")
    assert code == 0
    assert json.loads(out)["params"] == [
        {"node": "4", "class_type": "KSampler", "input": "seed", "before": 1, "after": 2}
    ]


def test_an_absolute_path_and_a_recorded_name_whose_file_is_gone(copied, capsys, monkeypatch):
    monkeypatch.chdir(copied)
    assert main(["show", str(copied / "output" / "sub" / "c.png")]) == 0
    (copied / "output" / "sub" / "c.png").unlink()
    for ref in ("output/sub/c.png", "sub/c.png"):
        assert main(["show", ref]) == 0
    capsys.readouterr()


@pytest.mark.parametrize(
    ("ref", "words"),
    [
        ("00", "at least 4 characters"),
        ("ffff", "names no run"),
        ("f" * 64, "is not in this ledger"),
        ("sha256:" + "f" * 64, "is not in this ledger"),
        ("", "names nothing"),
        ("input/stranger.txt", "no run made or used these bytes"),
        ("../../etc/passwd-", "names no run"),
        ("nothing\x1b[31m\n", "names no run"),
        ("x" * 10_000, "names nothing"),
        ("%__%", "names no run"),
        ("output/sub", "is a folder"),
    ],
)
def test_a_ref_that_names_nothing_gets_one_clear_line(cli, recorded, ref, words):
    (recorded.root / "input" / "stranger.txt").write_text("unknown")
    code, out, err = cli("show", ref)
    assert (code, out) == (2, "")
    assert err.startswith("comfy-provenance: ") and err.count("\n") == 1
    assert words in err
    assert "\x1b" not in err


def test_an_ambiguous_prefix_names_candidates(cli):
    code, out, err = cli("show", run_id(8)[:8])
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert run_id(8) in err and run_id(9) in err


def test_bytes_that_several_runs_made_need_a_file_name_to_name_a_run(cli):
    code, _, err = cli("diff", hashlib.sha256(picture(2)).hexdigest(), run_id(3))
    assert code == 2 and "several runs" in err and run_id(2) in err
    assert json.loads(cli("diff", "a_00009_.png", run_id(9), "--json")[1])["params"] == []
    assert len(json.loads(cli("show", "a_00009_.png", "--json")[1])["outputs"]) == 2


def test_diff_speaks_in_the_documented_shape(cli):
    code, out, _ = cli("diff", run_id(2), run_id(3), "--json")
    found = json.loads(out)
    assert code == 0
    assert set(found) == {"prompts", "params", "graph", "models", "environment"}
    assert set(found["graph"]) == {"added", "removed", "rewired"}
    assert set(found["prompts"][0]) == {"node", "input", "before", "after", "hunks"}
    assert cli("diff", run_id(2), run_id(3))[1] == '+ "golden hour"\n'
    assert cli("diff", run_id(2), run_id(2))[1] == "no changes\n"


def test_lineage_gives_the_whole_ancestry(cli):
    code, out, _ = cli("lineage", "a_00005_.png", "--json")
    found = json.loads(out)
    assert code == 0
    assert set(found) == {"target", "nodes", "edges"}
    assert set(found["edges"][0]) == {"from", "to", "relation", "basis", "method", "score", "via"}
    first = f"sha256:{hashlib.sha256(picture(1)).hexdigest()}"
    assert {(edge["relation"], edge["to"]) for edge in found["edges"]} >= {
        ("derived_from", first),
        ("generated", run_id(5)),
        ("generated", run_id(1)),
    }
    assert cli("lineage", run_id(5))[0] == 0


def test_restore_writes_the_recorded_bytes(cli, tmp_path):
    target = tmp_path / "workflow.json"
    code, out, err = cli("restore", run_id(2), "-o", target)
    assert (code, out) == (0, "")
    assert target.read_bytes() == b'{"nodes":[],"seed":18446744073709551615,"run":2}'
    assert "workflow of run" in err
    code, out, _ = cli("restore", run_id(2), "-o", target, "--json")
    found = json.loads(out)
    assert found["kind"] == "workflow" and found["file"] == str(target)
    assert found["sha256"] == hashlib.sha256(target.read_bytes()).hexdigest()
    assert found["drift"]["not_checked"] == ["nodes", "packs"]
    assert found["drift"]["models"] == [
        {
            "folder": "checkpoints",
            "name": "sd15.safetensors",
            "sha256": "c" * 64,
            "state": "missing",
            "same_hash": None,
            "same_name": None,
        }
    ]


def test_restore_of_a_run_without_a_workflow_gives_the_prompt(cli, tmp_path):
    target = tmp_path / "prompt.json"
    found = json.loads(cli("restore", run_id(5), "-o", target, "--json")[1])
    assert found["kind"] == "prompt"
    assert json.loads(target.read_bytes()) == graph(cfg=5.5, image="a_00001_.png")


def test_restore_puts_kept_inputs_back_under_a_new_name(copied, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(copied)
    (copied / "input" / "a_00001_.png").write_bytes(b"another picture")
    assert main(["restore", run_id(5), "-o", str(tmp_path / "x"), "--put-back", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [(item["name"], item["state"]) for item in found["drift"]["inputs"]] == [
        ("a_00004_.png", "missing"),
        ("a_00001_.png", "changed"),
    ]
    for item, number in zip(found["put_back"], (4, 1), strict=True):
        assert item["new_name"] != item["name"]
        assert (copied / "input" / item["new_name"]).read_bytes() == picture(number)
    assert (copied / "input" / "a_00001_.png").read_bytes() == b"another picture"
    assert main(["restore", run_id(5), "-o", str(tmp_path / "x"), "--put-back", "--json"]) == 0
    again = json.loads(capsys.readouterr().out)
    assert again["put_back"] == found["put_back"]
    assert len(list((copied / "input").glob("*restored*"))) == 2


def test_status(cli):
    found = json.loads(cli("status", "--json")[1])
    assert (found["entries"], found["executions"], found["open"]) == (20, 9, 1)
    assert found["checkpoint"]["size"] == 20
    assert "executions: 9" in cli("status")[1]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "COMMAND"),
        (["unknown"], "invalid choice"),
        (["log", "--limit", "0"], "invalid number value"),
        (["log", "--limit", "x"], "invalid number value"),
        (["restore", "x"], "required"),
        (["--ledger", "/nowhere/at/all", "log"], "no ledger in"),
        (["log", "--ledger", "/nowhere/at/all"], "no ledger in"),
    ],
)
def test_bad_arguments_get_one_line_and_exit_code_2(cli, arguments, words):
    code, out, err = cli(*arguments)
    assert (code, out) == (2, "")
    assert err.startswith("comfy-provenance: ") and err.count("\n") == 1
    assert words in err


def test_help_and_version(cli):
    assert cli("--help")[0] == 0
    assert cli("log", "--help")[0] == 0
    assert cli("--version")[1].startswith("comfy-provenance ")


def test_a_file_that_cannot_be_written(cli, tmp_path):
    code, _, err = cli("restore", run_id(1), "-o", tmp_path / "absent" / "x.json")
    assert code == 2 and err.count("\n") == 1
    code, _, err = cli("restore", run_id(1), "-o", tmp_path)
    assert code == 2 and err.count("\n") == 1
    (tmp_path / "file").write_text("")
    code, _, err = cli("envelopes", "-o", tmp_path / "file" / "x")
    assert code == 2 and err.count("\n") == 1
    assert list(tmp_path.iterdir()) == [tmp_path / "file"]


def test_a_folder_that_holds_no_database(cli, tmp_path):
    (tmp_path / "ledger.sqlite3").write_bytes(b"not a database" * 100)
    code, _, err = cli("log", "--ledger", tmp_path)
    assert code == 2 and err.count("\n") == 1


def test_the_ledger_is_found_by_environment_and_by_tree(recorded, capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("COMFY_PROVENANCE_LEDGER", str(recorded.root / "user" / "__provenance"))
    monkeypatch.chdir(tmp_path)
    assert main(["log", "--json"]) == 0
    monkeypatch.delenv("COMFY_PROVENANCE_LEDGER")
    assert main(["log"]) == 2
    assert "--ledger" in capsys.readouterr().err
    monkeypatch.chdir(recorded.root / "custom_nodes")
    assert main(["log"]) == 0
    (tmp_path / "custom_nodes").mkdir()
    monkeypatch.chdir(tmp_path)
    assert main(["log"]) == 2
    assert "start ComfyUI once" in capsys.readouterr().err


def test_a_snapshot_that_is_gone_does_not_hide_the_other_runs(copied, capsys, monkeypatch):
    monkeypatch.chdir(copied)
    with sqlite3.connect(copied / "user" / "__provenance" / "ledger.sqlite3") as database:
        prompt_of_run = "SELECT substr(prompt, 2) FROM executions WHERE id = ?"
        gone = database.execute(f"DELETE FROM objects WHERE digest = ({prompt_of_run})", (pack(run_id(3)),))  # noqa: S608
        assert gone.rowcount == 1
    assert main(["log", "--json"]) == 0
    items = jsons(capsys.readouterr().out)
    assert len(items) == 9
    assert items[2]["changes"][0].startswith("changes unknown: object")
    assert main(["diff", run_id(2), run_id(3)]) == 1
    assert "missing" in capsys.readouterr().err


def test_nothing_is_written_by_reading(copied, capsys, monkeypatch):
    monkeypatch.chdir(copied)
    database = copied / "user" / "__provenance" / "ledger.sqlite3"
    before = database.read_bytes()
    for command in (["log"], ["show", run_id(1)], ["lineage", run_id(5)], ["verify"], ["status"], ["fsck"]):
        assert main(command) == 0
    assert database.read_bytes() == before
    capsys.readouterr()


def test_an_interrupt_ends_with_130_and_one_line(cli, monkeypatch):
    from comfy_provenance.provenance.present import commands

    def stopped(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(commands.Ledger, "open", stopped)
    code, out, err = cli("log")
    assert (code, out, err) == (130, "", "comfy-provenance: interrupted\n")


def test_an_installation_without_the_demo_says_so(cli, monkeypatch):
    from comfy_provenance.provenance.present import commands

    monkeypatch.setattr(commands, "_ROOT", "comfy_provenance.provenance")
    assert cli("demo") == (2, "", "comfy-provenance: this installation comes without the demo\n")


def test_everything_can_be_read_as_text(cli):
    for arguments in (["show", run_id(6)], ["show", "a_00001_.png"], ["lineage", "a_00005_.png"], ["status"]):
        code, out, err = cli(*arguments)
        assert (code, err) == (0, "")
        assert out


def test_restore_tells_people_what_has_drifted(cli, tmp_path):
    code, _, err = cli("restore", run_id(4), "-o", tmp_path / "x.json")
    assert code == 0
    assert "model checkpoints/sd15.safetensors is missing" in err
    assert "input a_00001_.png of node 50 is missing; a copy is kept" in err
    assert "not checked here: nodes, packs" in err
