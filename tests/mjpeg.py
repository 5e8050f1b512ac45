"""A network camera in a process of its own: Motion JPEG over HTTP that stalls, changes its size,
dies and comes back.

    with NetworkCamera() as camera:
        source = open_source(camera.url)
        camera.tell("stall")
"""

from __future__ import annotations

import subprocess
import sys
from typing import Self

SCRIPT = """
import http.server, sys, threading, time
import cv2, numpy as np

state = {"size": (320, 192), "stalled": False, "column": 0}

class Camera(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=frame")
        self.end_headers()
        try:
            while True:
                time.sleep(0.04)
                if state["stalled"]:
                    continue
                width, height = state["size"]
                picture = np.zeros((height, width, 3), np.uint8)
                picture[64:96, 64:96] = 255
                jpeg = cv2.imencode(".jpg", picture)[1].tobytes()
                head = "--frame\\r\\nContent-Type: image/jpeg\\r\\nContent-Length: %d\\r\\n\\r\\n"
                self.wfile.write((head % len(jpeg)).encode() + jpeg + b"\\r\\n")
                self.wfile.flush()
        except OSError:
            pass

class Server(http.server.ThreadingHTTPServer):
    allow_reuse_address = True
    daemon_threads = True

server = Server(("127.0.0.1", int(sys.argv[1])), Camera)
print(server.server_port, flush=True)
threading.Thread(target=server.serve_forever, daemon=True).start()
for line in sys.stdin:
    word = line.strip()
    if word in ("stall", "go"):
        state["stalled"] = word == "stall"
    elif "x" in word:
        state["size"] = tuple(int(side) for side in word.split("x"))
    print("done", flush=True)
"""


class NetworkCamera:
    """Frames of 320 x 192 with one white 32-pixel cell (column 2, row 2), 25 a second."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self.port = 0
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/camera.mjpg"

    def start(self) -> None:
        """Begin, again on the port it had before."""
        self._process = subprocess.Popen(
            [sys.executable, "-c", SCRIPT, str(self.port)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self._process.stdout is not None
        self.port = int(self._process.stdout.readline())

    def tell(self, word: str) -> None:
        """`stall`, `go`, or a size such as `640x384`; returns when it is so."""
        process = self._process
        assert process is not None
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(f"{word}\n")
        process.stdin.flush()
        assert process.stdout.readline() == "done\n"

    def die(self) -> None:
        """Without a word, as when the plug is pulled."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.communicate()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *details: object) -> None:
        self.die()
