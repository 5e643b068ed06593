"""Refuses requests that another website makes through the author's browser."""

from __future__ import annotations

import ipaddress
import logging
import socket
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from aiohttp import web

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@web.middleware
async def same_origin_only(request: web.Request, handler: Handler) -> web.StreamResponse:
    """403 for a cross-site fetch, and for a request to a loopback host whose Origin names another host or port.

    Not a defence against programs on the same machine: they send no Origin at all.
    """
    if request.headers.get("Sec-Fetch-Site") == "cross-site":
        return web.Response(status=403)
    host, origin = request.headers.get("Host"), request.headers.get("Origin")
    if host is not None and origin is not None and _differs(host.lower(), origin.lower()):
        logging.warning("WARNING: request with non matching host and origin %s != %s, returning 403", host, origin)
        return web.Response(status=403)
    if request.method == "OPTIONS":
        return web.Response()
    return await handler(request)


def _differs(host: str, origin: str) -> bool:
    here, there = urlsplit("//" + host), urlsplit(origin)
    if here.hostname is None or there.hostname is None or not _is_loopback(here.hostname):
        return False
    try:
        ports_told = here.port is not None and there.port is not None
        return here.hostname != there.hostname or (ports_told and here.port != there.port)
    except ValueError:  # a port that is no number
        return True


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        pass
    try:
        addresses = {entry[4][0] for entry in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)}
    except OSError:
        return False
    return all(ipaddress.ip_address(str(address).split("%")[0]).is_loopback for address in addresses)
