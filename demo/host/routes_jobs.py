"""The newer view on queue and history: one list of jobs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aiohttp import web

from .queue import Item, without_sensitive

if TYPE_CHECKING:
    from .server import PromptServer

STATUSES = ("pending", "in_progress", "completed", "failed", "cancelled")
_PREVIEWABLE = ("images", "video", "audio", "3d", "text")
_END_EVENTS = ("execution_success", "execution_error", "execution_interrupted")


class _BadQuery(ValueError):
    """A query parameter that makes no sense; the text goes to the client."""


def add(server: PromptServer) -> None:
    """Register the routes."""
    queue = server.prompt_queue

    @server.routes.get("/api/jobs")
    async def jobs(request: web.Request) -> web.Response:
        try:
            return web.json_response(_page(_all(), dict(request.rel_url.query)))
        except _BadQuery as error:
            return web.json_response({"error": str(error)}, status=400)

    @server.routes.get("/api/jobs/{job_id}")
    async def job(request: web.Request) -> web.Response:
        job_id = request.match_info["job_id"]
        finished = queue.get_history(prompt_id=job_id)
        if finished:
            return web.json_response(_finished(job_id, finished[job_id], whole=True))
        for found in _all():
            if found["id"] == job_id:
                return web.json_response(found)
        return web.json_response({"error": "Job not found"}, status=404)

    def _all() -> list[dict[str, Any]]:
        running, waiting = queue.get_current_queue_volatile()
        found = [_unfinished(item, "in_progress") for item in without_sensitive(running)]
        found += [_unfinished(item, "pending") for item in without_sensitive(waiting)]
        return found + [_finished(key, entry) for key, entry in queue.get_history().items()]


def _page(jobs: list[dict[str, Any]], query: dict[str, str]) -> dict[str, Any]:
    wanted = [word.strip().lower() for word in query.get("status", "").split(",") if word.strip()]
    unknown = [word for word in wanted if word not in STATUSES]
    if unknown:
        raise _BadQuery(f"Invalid status value(s): {', '.join(unknown)}. Valid values: {', '.join(STATUSES)}")
    sort_by, order = query.get("sort_by", "created_at").lower(), query.get("sort_order", "desc").lower()
    if sort_by not in ("created_at", "execution_duration"):
        raise _BadQuery("sort_by must be 'created_at' or 'execution_duration'")
    if order not in ("asc", "desc"):
        raise _BadQuery("sort_order must be 'asc' or 'desc'")
    limit = _number(query, "limit")
    if limit is not None and limit <= 0:
        raise _BadQuery("limit must be a positive integer")
    offset = max(_number(query, "offset") or 0, 0)
    if wanted:
        jobs = [job for job in jobs if job["status"] in wanted]
    if "workflow_id" in query:
        jobs = [job for job in jobs if job.get("workflow_id") == query["workflow_id"]]
    jobs = sorted(jobs, key=_duration if sort_by == "execution_duration" else _created, reverse=order == "desc")
    shown = jobs[offset:] if limit is None else jobs[offset : offset + limit]
    pages = {"offset": offset, "limit": limit, "total": len(jobs), "has_more": offset + len(shown) < len(jobs)}
    return {"jobs": shown, "pagination": pages}


def _number(query: dict[str, str], name: str) -> int | None:
    if name not in query:
        return None
    try:
        return int(query[name])
    except ValueError:
        raise _BadQuery(f"{name} must be an integer") from None


def _created(job: dict[str, Any]) -> int:
    return job.get("create_time") or 0


def _duration(job: dict[str, Any]) -> int:
    start, end = job.get("execution_start_time"), job.get("execution_end_time")
    return end - start if start and end else 0


def _unfinished(item: Item, status: str) -> dict[str, Any]:
    return _told({"status": status, **_common(item), "outputs_count": 0})


def _finished(prompt_id: str, entry: dict[str, Any], whole: bool = False) -> dict[str, Any]:
    status = entry.get("status") or {}
    events = dict(status.get("messages", []))
    end = next((events[name] for name in _END_EVENTS if name in events), {})
    ended_well = status.get("status_str") != "error"
    cancelled = "execution_interrupted" in events
    count, preview = _summary(entry.get("outputs", {}))
    job = _told(
        {
            "status": "completed" if ended_well else "cancelled" if cancelled else "failed",
            **_common(entry["prompt"]),
            "id": prompt_id,
            "execution_start_time": events.get("execution_start", {}).get("timestamp"),
            "execution_end_time": end.get("timestamp"),
            "execution_error": events.get("execution_error"),
            "outputs_count": count,
            "preview_output": preview,
        }
    )
    if whole:
        job["outputs"] = entry.get("outputs", {})
        job["execution_status"] = entry.get("status")
        job["workflow"] = {"prompt": entry["prompt"][2], "extra_data": entry["prompt"][3]}
    return job


def _common(item: Item) -> dict[str, Any]:
    extra = item[3]
    workflow = (extra.get("extra_pnginfo") or {}).get("workflow") or {}
    created, workflow_id = extra.get("create_time"), workflow.get("id")
    return {"id": item[1], "priority": item[0], "create_time": created, "workflow_id": workflow_id}


def _summary(outputs: dict[str, Any]) -> tuple[int, dict[str, Any] | None]:
    """How many things a run made, and the one to show: a saved one if there is any."""
    items = [
        (node_id, kind, item)
        for node_id, shown in outputs.items()
        if isinstance(shown, dict)
        for kind, values in shown.items()
        if isinstance(values, (list, tuple)) and kind != "animated"
        for item in values
    ]
    files = [
        {**item, "nodeId": node_id, "mediaType": item.get("mediaType", kind)}
        for node_id, kind, item in items
        if isinstance(item, dict) and kind in _PREVIEWABLE
    ]
    saved = [file for file in files if file.get("type") == "output"]
    return len(items), (saved or files or [None])[0]


def _told(job: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in job.items() if value is not None}
