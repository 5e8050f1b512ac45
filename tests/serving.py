"""A real HTTP server on this machine, for tests of downloads."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@contextmanager
def served(
    files: Mapping[str, bytes],
    *,
    promise: Mapping[str, int] | None = None,
    redirect: Mapping[str, str] | None = None,
) -> Iterator[tuple[str, list[str]]]:
    """The base address, and the paths asked for so far.

    promise: a length to announce in place of the true one. redirect: where a path sends to.
    """
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            if self.path in (redirect or {}):
                self.send_response(302)
                self.send_header("Location", (redirect or {})[self.path])
                self.end_headers()
                return
            data = files.get(self.path)
            if data is None:
                self.send_error(404)
                return
            self.send_response(200)
            self.send_header("Content-Length", str((promise or {}).get(self.path, len(data))))
            self.end_headers()
            try:
                self.wfile.write(data)
            except (BrokenPipeError, ConnectionResetError):
                asked.append("broke off")

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its own name
            """Tests read `asked`."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
