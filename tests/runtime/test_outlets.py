"""Results for other programs: real sockets, real readers, and some that are too slow."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from studio.core.errors import DeviceError, UsageError
from studio.runtime import outlet_servers
from studio.runtime.artifacts import load_artifact
from studio.runtime.outlets import Outlets

WAIT = 60.0


@pytest.fixture
def outlets(toy_model: Path) -> Iterator[Outlets]:
    made = Outlets(load_artifact(toy_model))
    yield made
    made.close()


def port_of(said: str) -> int:
    return int(said.rsplit(":", 1)[1])


def sending(outlets: Outlets, done: threading.Event, size: int = 10) -> threading.Thread:
    """Sends frames, counted, until it is done."""

    def run() -> None:
        index = 0
        while not done.is_set():
            outlets.send({"index": index, "filling": "x" * size})
            index += 1
            time.sleep(0.002)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread


def test_a_tcp_reader_gets_what_it_is_about_and_then_frames(outlets: Outlets) -> None:
    said = outlets.serve("tcp://127.0.0.1:0")
    done = threading.Event()
    with socket.create_connection(("127.0.0.1", port_of(said)), WAIT) as reader:
        thread = sending(outlets, done)
        lines = reader.makefile("rb")
        first = json.loads(next(lines))
        frames = [json.loads(next(lines)) for _ in range(20)]
        done.set()
        thread.join()
    assert (first["v"], first["event"], first["skeleton"]) == (1, "stream", "coco17")
    assert len(first["keypoints"]) == 17
    assert {f["event"] for f in frames} == {"frame"}
    indices = [f["index"] for f in frames]
    assert indices == sorted(set(indices))
    assert all(f["t"] > 1e9 for f in frames)


def test_a_reader_that_reads_nothing_holds_nobody_up(
    outlets: Outlets, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outlet_servers, "_STUCK_SECONDS", 1.0)
    port = port_of(outlets.serve("tcp://127.0.0.1:0"))
    done = threading.Event()
    with (
        socket.create_connection(("127.0.0.1", port), WAIT),  # reads nothing
        socket.create_connection(("127.0.0.1", port), WAIT) as quick,
    ):
        thread = sending(outlets, done, size=50_000)
        lines = quick.makefile("rb")
        next(lines)
        seen = [json.loads(next(lines))["index"] for _ in range(200)]
        server: Any = outlets._outlet
        end = time.monotonic() + WAIT
        while len(server._readers) > 1 and time.monotonic() < end:
            next(lines)
        assert len(server._readers) == 1, "whoever is stuck is shown out"
        done.set()
        thread.join(WAIT)
        assert not thread.is_alive()
    assert len(seen) == 200


def test_a_slow_reader_misses_frames_and_gets_newer_ones(outlets: Outlets) -> None:
    port = port_of(outlets.serve("tcp://127.0.0.1:0"))
    done = threading.Event()
    with socket.create_connection(("127.0.0.1", port), WAIT) as slow:
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        thread = sending(outlets, done, size=100_000)
        lines = slow.makefile("rb")
        next(lines)
        seen = [json.loads(next(lines))["index"]]
        end = time.monotonic() + WAIT
        while seen[-1] - seen[0] < len(seen) and time.monotonic() < end:
            time.sleep(0.05)
            seen.append(json.loads(next(lines))["index"])
        done.set()
        thread.join()
    assert seen == sorted(set(seen))
    assert seen[-1] - seen[0] >= len(seen), "some were left out"


def test_a_websocket_reader_gets_the_same(outlets: Outlets) -> None:
    client = pytest.importorskip("websockets.sync.client")
    said = outlets.serve("ws://localhost:0")
    done = threading.Event()
    with client.connect(f"ws://localhost:{port_of(said)}", open_timeout=WAIT) as reader:
        thread = sending(outlets, done)
        first = json.loads(reader.recv(timeout=WAIT))
        frames = [json.loads(reader.recv(timeout=WAIT)) for _ in range(5)]
        done.set()
        thread.join()
    assert first["event"] == "stream"
    assert {f["event"] for f in frames} == {"frame"}


def test_a_page_of_another_site_does_not_read_along(outlets: Outlets) -> None:
    client = pytest.importorskip("websockets.sync.client")
    exceptions = pytest.importorskip("websockets.exceptions")
    port = port_of(outlets.serve("ws://127.0.0.1:0"))
    address = f"ws://127.0.0.1:{port}"
    with client.connect(address, origin="http://localhost:3000", open_timeout=WAIT) as reader:
        assert json.loads(reader.recv(timeout=WAIT))["event"] == "stream"
    with pytest.raises(exceptions.InvalidStatus):
        client.connect(address, origin="http://localhost.evil.example", open_timeout=WAIT)


def test_what_is_not_an_address(outlets: Outlets) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(DeviceError, match="cannot be served"):
            outlets.serve(f"tcp://127.0.0.1:{taken.getsockname()[1]}")
    with pytest.raises(DeviceError, match="cannot be served"):
        outlets.serve("tcp://a..b:0")
    for address, said in (
        ("tcp://127.0.0.1", "names no port"),
        ("tcp://127.0.0.1:99999999", "names no port"),
        ("tcp://[127.0.0.1:80", "names no port"),
        ("smoke://here:1", "smoke:// addresses"),
    ):
        with pytest.raises(UsageError, match=said):
            outlets.serve(address)
    assert outlets.serve("") == ""
    outlets.send({"index": 0})


def test_another_address_ends_the_first(outlets: Outlets) -> None:
    first = port_of(outlets.serve("tcp://127.0.0.1:0"))
    threads: Any = threading.active_count()
    outlets.serve("tcp://127.0.0.1:0")
    assert threading.active_count() == threads
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.1", first), 1)
