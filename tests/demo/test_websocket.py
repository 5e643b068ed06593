"""What a page hears about its own run."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import aiohttp
from comfy_provenance.demo.host.embedded import EmbeddedHost
from prompts import picture


def listen(host: EmbeddedHost, prompt: dict[str, Any], flags: dict[str, Any] | None = None) -> list[tuple[Any, Any]]:
    """Queue a prompt as a page and return all it hears until the run is over: (event, data) or (number, payload)."""

    async def conversation() -> list[tuple[Any, Any]]:
        heard: list[tuple[Any, Any]] = []
        async with aiohttp.ClientSession() as session, session.ws_connect(host.url + "/ws?clientId=page") as socket:
            await socket.send_json({"type": "feature_flags", "data": flags or {}})
            async for message in socket:
                if message.type == aiohttp.WSMsgType.BINARY:
                    heard.append((int.from_bytes(message.data[:4], "big"), message.data[4:]))
                    continue
                data = json.loads(message.data)
                heard.append((data["type"], data["data"]))
                if data["type"] == "feature_flags":  # the host has heard ours
                    await session.post(host.url + "/prompt", json={"prompt": prompt, "client_id": "page"})
                if data["type"] == "executing" and data["data"]["node"] is None:
                    break
        return heard

    return asyncio.run(asyncio.wait_for(conversation(), 120))


def test_a_page_hears_its_run_from_start_to_end(host: EmbeddedHost) -> None:
    heard = listen(host, picture("a lighthouse"))
    kinds = [kind for kind, _ in heard]
    assert kinds[0] == "status" and heard[0][1]["sid"] == "page"
    assert "feature_flags" in kinds
    marks = [kind for kind in kinds if str(kind).startswith("execution_")]
    assert marks == ["execution_start", "execution_cached", "execution_success"]
    order = [data["node"] for kind, data in heard if kind == "executing"]
    assert order[-3:] == ["14", "15", None] and order.index("13") > order.index("10")
    steps = [data for kind, data in heard if kind == "progress"]
    assert [data["value"] for data in steps] == [1, 2, 3, 4] and steps[0]["node"] == "13"
    last = [data for kind, data in heard if kind == "progress_state"][-1]["nodes"]
    assert {state["state"] for state in last.values()} == {"finished"} and last["13"]["value"] == 4
    shown = next(data for kind, data in heard if kind == "executed")
    assert shown["node"] == "15" and shown["output"]["images"]


def test_previews_come_in_the_form_the_page_knows(host: EmbeddedHost) -> None:
    old = [payload for kind, payload in listen(host, picture("a boat")) if kind == 1]
    assert len(old) == 4 and old[0][:4] == b"\0\0\0\1" and old[0][4:6] == b"\xff\xd8"
    flags = {"supports_preview_metadata": True}
    new = [payload for kind, payload in listen(host, picture("a castle"), flags) if kind == 4]
    length = int.from_bytes(new[0][:4], "big")
    about = json.loads(new[0][4 : 4 + length])
    assert about["node_id"] == "13" and about["image_type"] == "image/jpeg"
    assert new[0][4 + length :][:2] == b"\xff\xd8"


def test_cached_outputs_are_shown_again(host: EmbeddedHost) -> None:
    listen(host, picture("a bird"))
    again = listen(host, picture("a bird"))
    assert [data["node"] for kind, data in again if kind == "executed"] == ["15"]
    assert [data["node"] for kind, data in again if kind == "executing"] == [None]


def test_an_interrupt_is_told_to_every_page(host: EmbeddedHost) -> None:
    async def conversation() -> dict[str, Any]:
        async with aiohttp.ClientSession() as session, session.ws_connect(host.url + "/ws?clientId=other") as socket:
            await session.post(host.url + "/prompt", json={"prompt": picture(steps=10000, seed=9)})
            async for message in socket:
                data = json.loads(message.data) if message.type == aiohttp.WSMsgType.TEXT else {"type": ""}
                if data["type"] == "progress":
                    await session.post(host.url + "/interrupt", json={})
                if data["type"] == "execution_interrupted":
                    return dict(data["data"])
        raise AssertionError("the page heard no end")

    assert asyncio.run(asyncio.wait_for(conversation(), 120))["node_type"] == "KSampler"
