"""An earlier graph comes back byte for byte."""

from __future__ import annotations

import json

import graphs
import hosts


def test_the_graph_three_branches_back_is_restored_to_the_byte(host: hosts.Host) -> None:
    prompt = graphs.plain(color=2000)
    sent = graphs.workflow(prompt)
    sent["nodes"][0]["widgets_values"] = [2**64 - 1, 1.0, 1, "金色的猫 \U0001f408", None, True]
    first = run = host.run(prompt, workflow=sent)
    for number in range(3):
        run = host.run(graphs.plain(color=2001 + number), workflow=graphs.workflow(prompt, head=run))
    target = host.folder / "restored.json"
    done = host.command("restore", first, "-o", str(target))
    assert done.returncode == 0, done.stderr
    assert target.read_bytes() == json.dumps(sent, ensure_ascii=False, separators=(",", ":")).encode()
    served = host.get(f"/provenance/v1/restore/{first}")
    assert served["workflow"] == sent
    assert list(served["workflow"]) == list(sent)


def test_a_secret_never_enters(host: hosts.Host) -> None:
    secret = "sk-proj-" + "Ab3dEf6hIj9kLm2nOp5q" * 2
    prompt = graphs.plain(color=2100)
    sent = graphs.workflow(prompt)
    sent["nodes"][1]["mode"] = 4
    sent["nodes"][1]["widgets_values"] = [secret]
    run = host.run(prompt, workflow=sent, extra={"api_key_comfy_org": "comfyui-" + "0a1b" * 16})
    target = host.folder / "redacted.json"
    assert host.command("restore", run, "-o", str(target)).returncode == 0
    assert "[redacted:" in target.read_text(encoding="utf-8")
    host.settled()
    for path in host.ledger.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            assert secret.encode() not in data
            assert b"0a1b0a1b" not in data
    assert secret not in host.log_text()
