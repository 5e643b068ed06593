"""What packs do to a host: observe its queue, add routes, change what is posted."""

from __future__ import annotations

from typing import Any

import folder_paths
import server
from aiohttp import web

accepted: list[Any] = []
finished: list[Any] = []
posted: list[Any] = []


def install() -> None:
    """Observe this host."""
    instance = server.PromptServer.instance
    queue = instance.prompt_queue
    put, task_done = queue.put, queue.task_done

    def observed_put(item: Any) -> None:
        accepted.append(item)
        put(item)

    def observed_task_done(item_id: int, *args: Any, **kwargs: Any) -> None:
        finished.append((queue.currently_running[item_id][1], args, kwargs))
        task_done(item_id, *args, **kwargs)

    queue.put, queue.task_done = observed_put, observed_task_done

    def on_prompt(data: Any) -> Any:
        posted.append(data)
        return data

    instance.add_on_prompt_handler(on_prompt)

    @instance.routes.get("/probe/v1/where")
    async def where(request: web.Request) -> web.Response:
        return web.json_response({"private": folder_paths.get_system_user_directory("probe"), "module": __name__})
