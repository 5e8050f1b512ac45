"""Results to a real broker in a process of its own."""

from __future__ import annotations

import importlib.util
import json
import queue
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from studio.core.errors import DeviceError, UsageError
from studio.runtime.artifacts import load_artifact
from studio.runtime.outlets import Outlets
from tests.jobs.listening import Listener, run
from tests.runtime.conftest import toy_model

__all__ = ["toy_model"]

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("paho") is None or importlib.util.find_spec("amqtt") is None,
    reason="needs paho-mqtt, and amqtt as the broker",
)
WAIT = 60.0
BROKER = """
import asyncio, sys
from amqtt.broker import Broker

async def main():
    listener = {"type": "tcp", "bind": f"127.0.0.1:{sys.argv[1]}"}
    plugins = {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}}
    broker = Broker({"listeners": {"default": listener}, "plugins": plugins})
    await broker.start()
    print("ready", flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


class Broker:
    def __init__(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.start()

    def start(self) -> None:
        self._process: Any = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", BROKER, str(self.port)],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        assert self._process.stdout.readline() == "ready\n"

    def die(self) -> None:
        self._process.kill()
        self._process.communicate()


@pytest.fixture
def broker() -> Iterator[Broker]:
    made = Broker()
    yield made
    made.die()


@pytest.fixture
def outlets(toy_model: Path) -> Iterator[Outlets]:
    made = Outlets(load_artifact(toy_model))
    yield made
    made.close()


class Subscriber:
    """Somebody else's client: keeps what comes, by topic."""

    def __init__(self, port: int, topic: str) -> None:
        from paho.mqtt.client import Client
        from paho.mqtt.enums import CallbackAPIVersion

        self.got: queue.Queue[tuple[str, dict[str, Any]]] = queue.Queue()
        self._ready: queue.Queue[None] = queue.Queue()
        self._client: Any = Client(CallbackAPIVersion.VERSION2)
        self._client.on_message = lambda _c, _d, m: self.got.put((m.topic, json.loads(m.payload)))
        self._client.on_subscribe = lambda *_: self._ready.put(None)
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        self._client.subscribe(topic)
        self._ready.get(timeout=WAIT)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


def test_live_speaks_to_a_broker(toy_model: Path, broker: Broker, tmp_path: Path) -> None:
    listener = Listener()
    subscriber = Subscriber(broker.port, "hall/#")
    heard: list[tuple[str, dict[str, Any]]] = []

    def hear() -> None:
        while len(heard) < 6:
            heard.append(subscriber.got.get(timeout=WAIT))
        listener.stop()

    listener.on("frame", 12, hear)
    run("live", tmp_path, listener, model=toy_model, source="synthetic:", fps=60, conf=0.1,
        serve=f"mqtt://127.0.0.1:{broker.port}/hall/camera", width=320, height=256)  # fmt: skip
    subscriber.close()
    (serving,) = (s for s in listener.of("status") if s["state"] == "serving")
    assert serving["message"] == f"mqtt://127.0.0.1:{broker.port}/hall/camera"
    topics = [topic for topic, _ in heard]
    assert topics[0] == "hall/camera/stream"
    assert set(topics[1:]) == {"hall/camera"}
    assert heard[0][1]["skeleton"] == "coco17"
    frames = {f["index"]: f for f in listener.of("frame")}
    for _, values in heard[1:]:
        assert values["predictions"] == frames[values["index"]]["predictions"]


def test_who_comes_later_is_told_what_it_is_about(outlets: Outlets, broker: Broker) -> None:
    outlets.serve(f"mqtt://127.0.0.1:{broker.port}/hall")
    end = time.monotonic() + WAIT
    while time.monotonic() < end:
        late = Subscriber(broker.port, "hall/#")
        try:
            topic, values = late.got.get(timeout=1)
        except queue.Empty:
            continue
        finally:
            late.close()
        assert (topic, values["event"]) == ("hall/stream", "stream")
        return
    pytest.fail("the broker kept nothing")


def test_a_broker_that_goes_away_is_waited_for(outlets: Outlets, broker: Broker) -> None:
    outlets.serve(f"mqtt://127.0.0.1:{broker.port}/hall")
    broker.die()
    end = time.monotonic() + WAIT
    said = ""
    while not said and time.monotonic() < end:
        outlets.send({"index": 0})
        said = outlets.problem()
        time.sleep(0.01)
    assert "went away" in said
    assert outlets.problem() == "", "said once"
    broker.start()
    subscriber = Subscriber(broker.port, "hall")
    while subscriber.got.empty() and time.monotonic() < end:
        outlets.send({"index": 1})
        time.sleep(0.01)
    subscriber.close()
    assert subscriber.got.get_nowait()[1]["index"] == 1


def test_what_is_no_broker(outlets: Outlets) -> None:
    for address in ("mqtt://127.0.0.1:1", "mqtt:///topic", "mqtt://host/a/#", "mqtt://h:x/t"):
        with pytest.raises(UsageError, match="no broker"):
            outlets.serve(address)
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        with pytest.raises(DeviceError, match="does not answer") as caught:
            outlets.serve(f"mqtt://me:secret@127.0.0.1:{closed.getsockname()[1]}/t")
    assert "secret" not in str(caught.value)


def test_a_refusal_is_said_although_the_broker_hangs_up(outlets: Outlets) -> None:
    with socket.create_server(("127.0.0.1", 0)) as strict:
        strict.settimeout(WAIT)
        outlets.serve(f"mqtt://me:wrong@127.0.0.1:{strict.getsockname()[1]}/hall")
        first, _ = strict.accept()
        with first:
            first.recv(1024)
            first.sendall(b"\x20\x02\x00\x05")  # not authorised
        # It comes again after it has understood that it was shown out.
        second, _ = strict.accept()
        second.close()
        assert "refuses" in outlets.problem()
