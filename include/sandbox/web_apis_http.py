"""A small HTTP/1.1 server on one event loop, whose answers may be late, slow, cut or no answers at all."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

MAX_HEAD_BYTES = 64 * 1024
MAX_BODY_BYTES = 8 * 1024 * 1024

_REASONS = {200: "OK", 400: "Bad Request", 401: "Unauthorized", 404: "Not Found", 429: "Too Many Requests"}

Break = Literal["none", "reset", "cut"]


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One that was read to its end."""

    method: str
    path: str
    headers: Mapping[str, str]
    """By lower-case name."""
    body: bytes


@dataclass(frozen=True, slots=True)
class HttpReply:
    """What to send, and how it fails on the wire."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    broken: Break = "none"
    """`reset`: the connection is reset before the status; `cut`: it closes after half of the body."""
    body_s: float = 0.0
    """Time over which the body drips."""


Handle = Callable[[HttpRequest], Awaitable[HttpReply]]


class HttpServer:
    """Keeps connections alive; each request waits for its own reply only. For one event loop."""

    def __init__(self, handle: Handle) -> None:
        self._handle = handle
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[None]] = set()

    async def start(self, host: str, port: int) -> int:
        """The port that it listens on; 0 asks for a free one."""
        self._server = await asyncio.start_server(self._serve, host, port, limit=MAX_HEAD_BYTES, backlog=1024)
        bound: int = self._server.sockets[0].getsockname()[1]
        return bound

    async def stop(self) -> None:
        """Refuse new connections and end those that are open."""
        if self._server is None:
            return
        self._server.close()
        for connection in tuple(self._connections):
            connection.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - a stream's callback runs as a task
        self._connections.add(task)
        try:
            while (request := await _read(reader)) is not None and await _send(writer, await self._handle(request)):
                pass
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError):
            pass  # a client that left, or that speaks no HTTP
        except asyncio.CancelledError:
            pass  # the server stops
        finally:
            self._connections.discard(task)
            with contextlib.suppress(ConnectionError):
                writer.close()


async def _read(reader: asyncio.StreamReader) -> HttpRequest | None:
    """None where the client closed between requests."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head[:-4].decode("latin-1").split("\r\n")
    method, target, _ = first.split(" ", 2)
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    size = int(headers.get("content-length", "0"))
    if size > MAX_BODY_BYTES:
        raise ValueError("the body is too large")
    return HttpRequest(method, target.partition("?")[0], headers, await reader.readexactly(size))


async def _send(writer: asyncio.StreamWriter, reply: HttpReply) -> bool:
    """Whether the connection can be used again."""
    if reply.broken == "reset":
        connection = writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()
        return False
    lines = [f"HTTP/1.1 {reply.status} {_REASONS.get(reply.status, 'Status')}", f"Content-Length: {len(reply.body)}"]
    lines += [f"{name}: {value}" for name, value in reply.headers.items()]
    head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
    if reply.broken == "cut":
        writer.write(head + reply.body[: len(reply.body) // 2])
        await writer.drain()
        return False
    if reply.body_s:
        await _drip(writer, head, reply)
    else:
        writer.write(head + reply.body)
    await writer.drain()
    return True


async def _drip(writer: asyncio.StreamWriter, head: bytes, reply: HttpReply, pieces: int = 10) -> None:
    writer.write(head)
    step = max(1, -(-len(reply.body) // pieces))
    for start in range(0, len(reply.body), step):
        await asyncio.sleep(reply.body_s / pieces)
        writer.write(reply.body[start : start + step])
        await writer.drain()
