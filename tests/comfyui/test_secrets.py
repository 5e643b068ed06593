"""Secrets in a graph that a client posts, and in the name of a file that a node complains about: they leak nowhere."""

from __future__ import annotations

import json

import graphs
import hosts
import strangers
from comfy_provenance.tests.unit.record.secret_corpus import BY_SHAPE

SECRETS = [secret for secret in BY_SHAPE.values() if "\n" not in secret]
IN_A_NAME = BY_SHAPE["ghp_"]


def test_no_secret_reaches_the_record_the_routes_or_the_log(own_host: hosts.Host) -> None:
    host = own_host.start()
    name = f"{IN_A_NAME}.png"
    host.upload(name, b"no picture")
    prompt = graphs.invert(name)
    prompt["1"]["_meta"] = {"title": SECRETS[0]}
    prompt["3"]["inputs"]["note"] = "\n".join(SECRETS)
    workflow = graphs.workflow(prompt)
    workflow["nodes"][0]["widgets_values"] = SECRETS
    workflow["groups"] = [{"title": secret} for secret in SECRETS]
    workflow["definitions"] = {"subgraphs": [{"id": "s", "name": SECRETS[1], "nodes": [workflow["nodes"][0]]}]}
    extra = {"api_key_comfy_org": SECRETS[2], "auth_token_comfy_org": SECRETS[3], "more": SECRETS}
    run = host.submit(prompt, workflow=workflow, extra=extra)
    assert host.wait(run)["status"]["status_str"] == "error"
    assert host.recorded(run)["status"] == "error"
    good = host.run(graphs.plain(prefix="good"), workflow=workflow, extra=extra)
    found: set[str] = set()

    def look(where: str, data: bytes) -> None:
        found.update(f"{where}: {secret[:10]}" for secret in [*SECRETS, IN_A_NAME] if secret.encode() in data)

    for each in (run, good):
        for route in strangers.every_route():
            if route.method == "GET":
                look(str(route), strangers.ask(host, "GET", route.with_name(each)).body)
        document = json.loads(strangers.ask(host, "GET", f"{strangers.BASE}/restore/{each}").body)
        look("object", strangers.ask(host, "GET", f"{strangers.BASE}/objects/{document['sha256']}").body)
    for output in host.recorded(good)["outputs"]:
        look("thumbnail", strangers.ask(host, "GET", f"{strangers.BASE}/thumbnails/{output['sha256']}").body)
    look("log", "\n".join(line for line in host.log_text().splitlines() if "provenance" in line).encode())
    exported = host.folder / "exported"
    assert host.command("envelopes", "-o", str(exported)).returncode == 0
    host.stop()
    for path in [*host.ledger.rglob("*"), *exported.rglob("*")]:
        if path.is_file():
            look(str(path), path.read_bytes())
    assert sorted(found) == []
