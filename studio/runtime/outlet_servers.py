"""TCP and WebSocket servers whose readers get the newest lines and never hold the sender up."""

from __future__ import annotations

import asyncio
import contextlib
import re
import threading
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any
from urllib.parse import urlsplit

from studio.core.errors import DeviceError, MissingTool, UsageError

# A reader that is slower misses the oldest of these; one that takes nothing for so many seconds is
# shown out.
_LINES = 16
_STUCK_SECONDS = 10.0
_READERS = 32
_START_SECONDS = 10.0
_END_SECONDS = 2.0
# What a socket of ours keeps for a reader before that reader counts as slow.
_BUFFER = 1 << 16
# A page of somebody else's site must not read along: browsers say whose page it is that asks.
_ORIGINS = (None, re.compile(r"https?://(localhost|127\.0\.0\.1|\[::1\])(:\d+)?"))

Send = Callable[[bytes], Awaitable[None]]


class _Reader:
    """One connection and the lines that it has not taken yet."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._lines: deque[bytes] = deque(maxlen=_LINES)
        self._more = asyncio.Event()

    def offer(self, line: bytes) -> None:
        self._lines.append(line)
        self._more.set()

    async def run(self, first: bytes) -> None:
        """Send until the reader goes, or takes nothing any more."""
        await asyncio.wait_for(self._send(first), _STUCK_SECONDS)
        while True:
            await self._more.wait()
            self._more.clear()
            while self._lines:
                await asyncio.wait_for(self._send(self._lines.popleft()), _STUCK_SECONDS)


class _Server:
    """A server on a thread of its own; see `studio.registry.interfaces.Outlet`."""

    scheme = ""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._readers: set[_Reader] = set()
        self._serving: set[asyncio.Task[Any]] = set()
        self._first = b""
        self._server: Any = None

    def open(self, address: str, first: bytes) -> str:
        """Listen; gives the address with the real port."""
        host, port = host_and_port(address)
        self._first = first
        loop = self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=loop.run_forever, name="serve", daemon=True)
        self._thread.start()
        try:
            self._server = _done(loop, self._listen(host, port))
        except (OSError, UnicodeError) as error:
            # A name such as a..b is none that can be asked for.
            self.close()
            raise DeviceError(
                f"Results cannot be served at {address}: {getattr(error, 'strerror', '') or error}.",
                where="serve",
                hint="Take another port, and an address of this machine.",
            ) from error
        except BaseException:
            self.close()
            raise
        port = self._server.sockets[0].getsockname()[1]
        return f"{self.scheme}://{f'[{host}]' if ':' in host else host}:{port}"

    def send(self, line: bytes) -> None:
        """Offer a line to every reader."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._offer, line)

    def problem(self) -> str:
        """A server that listens goes on."""
        return ""

    def close(self) -> None:
        """Show everybody out."""
        loop, self._loop = self._loop, None
        if loop is None or self._thread is None:
            return
        with contextlib.suppress(TimeoutError):
            _done(loop, self._end())
        loop.call_soon_threadsafe(loop.stop)
        self._thread.join(_START_SECONDS)
        if not self._thread.is_alive():
            loop.close()

    async def _listen(self, host: str, port: int) -> Any:
        raise NotImplementedError

    async def _serve(self, send: Send) -> None:
        """One reader from its first line to its end."""
        if len(self._readers) >= _READERS:
            return
        reader, task = _Reader(send), asyncio.current_task()
        assert task is not None
        self._readers.add(reader)
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)
        try:
            await reader.run(self._first)
        except (TimeoutError, OSError):
            # Gone, or stuck.
            return
        finally:
            self._readers.discard(reader)

    async def _end(self) -> None:
        if self._server is None:
            return
        self._server.close()
        for task in self._serving:
            task.cancel()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._server.wait_closed(), _END_SECONDS)
        await asyncio.gather(*self._serving, return_exceptions=True)

    def _offer(self, line: bytes) -> None:
        for reader in self._readers:
            reader.offer(line)


class TcpOutlet(_Server):
    """`tcp://host:port`: lines that end with a line feed."""

    scheme = "tcp"

    async def _listen(self, host: str, port: int) -> Any:
        return await asyncio.start_server(self._connected, host, port)

    async def _connected(self, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.set_write_buffer_limits(_BUFFER)

        async def send(line: bytes) -> None:
            writer.write(line + b"\n")
            await writer.drain()

        try:
            await self._serve(send)
        finally:
            writer.transport.abort()


class WebSocketOutlet(_Server):
    """`ws://host:port`: a text message each."""

    scheme = "ws"

    async def _listen(self, host: str, port: int) -> Any:
        try:
            from websockets.asyncio.server import ServerConnection, serve
        except ImportError as error:
            raise MissingTool(
                f"WebSockets cannot be used: {error}.",
                hint="Install it with: pip install websockets, or take tcp://.",
            ) from error

        async def connected(connection: ServerConnection) -> None:
            from websockets.exceptions import ConnectionClosed

            with contextlib.suppress(ConnectionClosed):
                await self._serve(lambda line: connection.send(line.decode()))
            connection.transport.abort()

        origins: Any = _ORIGINS
        return await serve(connected, host, port, origins=origins, write_limit=_BUFFER)


def host_and_port(address: str) -> tuple[str, int]:
    """Where a server listens: this machine alone where no host is named, any free port for 0.
    Raises UsageError.
    """
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        port = None
        parts = urlsplit("")
    if port is None:
        raise UsageError(
            f"{address!r} names no port.", where="serve", hint="Write tcp://127.0.0.1:8765."
        )
    return parts.hostname or "127.0.0.1", port


def _done(loop: asyncio.AbstractEventLoop, work: Coroutine[Any, Any, Any]) -> Any:
    """The result of work on the loop's thread."""
    return asyncio.run_coroutine_threadsafe(work, loop).result(_START_SECONDS)
