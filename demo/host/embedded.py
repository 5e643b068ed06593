"""Starts and stops the host: folders, modules, stock nodes, packs, server and worker, in ComfyUI's order."""

from __future__ import annotations

import asyncio
import logging
import shutil
import socket
import threading
import time
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any

import torch
from aiohttp import web

from .. import guidance, models, samplers, stock
from . import cli_args, folder_paths, loader, modules, progress, queue, registry
from .server import PromptServer

LONGEST_STOP_S = 30.0
_active: EmbeddedHost | None = None


@dataclass(frozen=True)
class HostOptions:
    """Where the host lives and what it loads; folders that are None lie below `base_directory`."""

    base_directory: Path
    packs: dict[str, Path] = field(default_factory=dict)  # folder name in custom_nodes -> path
    listen: str = "127.0.0.1"
    port: int = 0  # 0: any free port
    front_end_root: Path | None = None
    output_directory: Path | None = None
    input_directory: Path | None = None
    temp_directory: Path | None = None  # emptied at start and stop
    user_directory: Path | None = None


class EmbeddedHost:
    """`with EmbeddedHost(options) as host:` serves `host.url` until the block ends.

    One at a time per process. The server runs on one thread with its own event loop, prompts on another.
    """

    def __init__(self, options: HostOptions) -> None:
        self.options = options
        self.server: PromptServer
        self.port = 0
        self._loop = asyncio.new_event_loop()
        self._threads: list[threading.Thread] = []
        self._uninstall: Any = None
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        """Where the host answers."""
        return f"http://{self.options.listen}:{self.port}"

    def start(self) -> EmbeddedHost:
        """Load everything and begin to serve. RuntimeError when another host is active in this process."""
        global _active
        if _active is not None:
            raise RuntimeError("Another embedded host is active in this process.")
        _active = self
        try:
            self._start()
        except BaseException:
            self.stop()
            raise
        return self

    def _start(self) -> None:
        options = self.options
        folder_paths.configure(
            options.base_directory,
            output=options.output_directory,
            inputs=options.input_directory,
            temp=options.temp_directory,
            user=options.user_directory,
        )
        cli_args.args.base_directory = folder_paths.base_path
        cli_args.args.listen = options.listen
        cli_args.args.front_end_root = options.front_end_root
        shutil.rmtree(folder_paths.temp_directory, ignore_errors=True)
        Path(folder_paths.temp_directory).mkdir(parents=True)
        models.write_models(Path(folder_paths.models_dir))
        registry.clear()
        self._uninstall = modules.install(modules.build(_sampling_modules()))
        stock.register(registry.NODE_CLASS_MAPPINGS, registry.NODE_DISPLAY_NAME_MAPPINGS)
        self.server = PromptServer(self._loop, options.front_end_root or find_frontend())
        progress.report_to(self.server)
        # The painter's tensors are small: more threads would spend their time waiting for each other.
        torch.set_num_threads(1)
        ready: list[BaseException | None] = []
        started = threading.Event()
        self._spawn("embedded-host-server", self._serve, ready, started)
        started.wait()
        if ready[0] is not None:
            raise ready[0]
        self._spawn("embedded-host-worker", queue.work, self.server.prompt_queue, self.server)
        logging.info("To see the GUI go to: %s", self.url)

    def stop(self) -> None:
        """Interrupt what runs, close the server, and take the modules out again; fine to call twice."""
        global _active
        if _active is not self:
            return
        if self._threads:
            self.server.prompt_queue.wipe_queue()
            self.server.prompt_queue.set_flag(queue.STOP_FLAG, True)
            for thread in self._threads[1:]:
                self._interrupt(thread)
            if self._loop.is_running():
                self._loop.call_soon_threadsafe(self._loop.stop)
            self._threads[0].join(timeout=30)
        if not self._loop.is_running():
            self._loop.close()
        for path in self._packs().values():
            loader.forget_modules(path)
        if self._uninstall is not None:
            self._uninstall()
        progress.set_progress_bar_global_hook(None)
        registry.interrupt_processing(False)
        registry.clear()
        if folder_paths.temp_directory:
            shutil.rmtree(folder_paths.temp_directory, ignore_errors=True)
        _active = None

    def _interrupt(self, worker: threading.Thread) -> None:
        """Wait for the thread that runs prompts. Asks again and again: a run that has just begun forgets a request."""
        deadline = time.monotonic() + LONGEST_STOP_S
        while worker.is_alive() and time.monotonic() < deadline:
            registry.interrupt_processing()
            worker.join(timeout=0.05)

    def __enter__(self) -> EmbeddedHost:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _packs(self) -> dict[str, Path]:
        """The given packs, and those that lie (or are linked) in `custom_nodes`."""
        folder = self.options.base_directory / "custom_nodes"
        found = sorted(path for path in folder.glob("*") if (path / "__init__.py").is_file())
        return {**{path.name: path for path in found if path.suffix != ".disabled"}, **self.options.packs}

    def _spawn(self, name: str, target: Any, *arguments: Any) -> None:
        thread = threading.Thread(target=target, args=arguments, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _serve(self, ready: list[BaseException | None], started: threading.Event) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._open())
        except BaseException as error:  # handed to the thread that waits in _start, which raises it
            ready.append(error)
            started.set()
            return
        ready.append(None)
        started.set()
        publisher = self._loop.create_task(self.server.publish_loop())
        self._loop.run_forever()
        publisher.cancel()
        if self._runner is not None:
            self._loop.run_until_complete(self._close(self._runner))

    async def _open(self) -> None:
        for name, path in self._packs().items():
            # Loaded on the loop that serves: a pack may start tasks on it.
            if await loader.load_custom_node(path, name):
                logging.info("Loaded custom node pack %s", name)
        self.server.add_routes()
        self._runner = web.AppRunner(self.server.app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self.options.listen, self.options.port)
        await site.start()
        self.port = self._runner.addresses[0][1]
        self.server.address, self.server.port = self.options.listen, self.port
        cli_args.args.port = self.port

    async def _close(self, runner: web.AppRunner) -> None:
        for connection in list(self.server.sockets.values()):
            await connection.close()
        await runner.cleanup()


def _sampling_modules() -> dict[str, ModuleType]:
    """What of sampling a pack may import: names of samplers and schedulers, the guider, and previews."""
    found = ModuleType("comfy.samplers")
    names, schedules = list(samplers.SAMPLERS), list(samplers.SCHEDULERS)
    found.SAMPLER_NAMES, found.SCHEDULER_NAMES = names, schedules  # type: ignore[attr-defined]
    found.KSampler = type("KSampler", (), {"SAMPLERS": names, "SCHEDULERS": schedules})  # type: ignore[attr-defined]
    found.CFGGuider = guidance.CFGGuider  # type: ignore[attr-defined]
    preview = ModuleType("latent_preview")
    preview.prepare_callback = guidance.prepare_callback  # type: ignore[attr-defined]
    return {"comfy.samplers": found, "latent_preview": preview}


def find_frontend() -> Path:
    """The page of the installed `comfyui-frontend-package`. FileNotFoundError when it is not installed."""
    try:
        found = Path(
            str(metadata.distribution("comfyui-frontend-package").locate_file("comfyui_frontend_package/static"))
        )
    except metadata.PackageNotFoundError:
        found = Path("comfyui_frontend_package/static")
    if not (found / "index.html").is_file():
        raise FileNotFoundError(
            "No ComfyUI frontend: install comfyui-frontend-package, or name one with --front-end-root."
        )
    return found


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
