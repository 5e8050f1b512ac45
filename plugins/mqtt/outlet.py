"""A message a frame to a broker, quality of service 0: what is late is of no use to anybody.

`TOPIC` gets the frames, `TOPIC/stream` the line that says what they are about, kept by the broker
for those who come later. MQTT 3.1.1, which every broker speaks.
"""

from __future__ import annotations

from collections import deque
from typing import Any
from urllib.parse import unquote, urlsplit

from studio.core.errors import DeviceError, MissingTool, UsageError

_PORTS = {"mqtt": 1883, "mqtts": 8883}
# Messages that may be on their way; what comes while so many wait is left out.
_WAITING = 16
_KEEPALIVE_SECONDS = 30
_CONNECT_SECONDS = 5.0
_MOST_RETRY_SECONDS = 30


class MqttOutlet:
    """See `studio.registry.interfaces.Outlet`. A broker that goes away is looked for again."""

    def __init__(self) -> None:
        self._client: Any = None
        self._topic = ""
        self._first = b""
        self._where = ""
        self._problem = ""
        self._sent: deque[Any] = deque()

    def open(self, address: str, first: bytes) -> str:
        """Connect to the broker once; later losses are mended behind."""
        parts, port = _parts(address)
        self._topic, self._first = parts.path.strip("/"), first
        self._where = f"{parts.hostname}:{port}"
        client = self._client = _new_client()
        if parts.username:
            client.username_pw_set(unquote(parts.username), unquote(parts.password or ""))
        if parts.scheme.lower() == "mqtts":
            client.tls_set()
        client.connect_timeout = _CONNECT_SECONDS
        client.reconnect_delay_set(1, _MOST_RETRY_SECONDS)
        client.on_connect = self._connected
        client.on_disconnect = self._disconnected
        try:
            client.connect(parts.hostname, port, _KEEPALIVE_SECONDS)
        except (OSError, ValueError) as error:
            self._client = None
            raise DeviceError(
                f"The broker {self._where} does not answer: {error}.",
                where="serve",
                hint="Check the address, and that the broker runs.",
            ) from error
        client.loop_start()
        scheme = parts.scheme.lower()
        return f"{scheme}://{self._where}/{self._topic}"

    def send(self, line: bytes) -> None:
        """Publish, where the broker keeps up."""
        client = self._client
        if client is None or not client.is_connected():
            return
        while self._sent and self._sent[0].is_published():
            self._sent.popleft()
        if len(self._sent) < _WAITING:
            self._sent.append(client.publish(self._topic, line, qos=0))

    def problem(self) -> str:
        """Why nothing arrives just now."""
        return self._problem

    def close(self) -> None:
        """Say goodbye to the broker."""
        client, self._client = self._client, None
        if client is not None:
            client.disconnect()
            client.loop_stop()

    def _connected(self, client: Any, _data: Any, _flags: Any, reason: Any, _more: Any) -> None:
        if reason.is_failure:
            self._problem = f"The broker {self._where} refuses: {reason}."
            return
        self._problem = ""
        self._sent.clear()
        client.publish(f"{self._topic}/stream", self._first, qos=0, retain=True)

    def _disconnected(
        self, _client: Any, _data: Any, _flags: Any, _reason: Any, _more: Any
    ) -> None:
        # Whoever is refused is shown out, too: that is what has to be said.
        self._problem = self._problem or f"The broker {self._where} went away; it is waited for."


def _new_client() -> Any:
    try:
        from paho.mqtt.client import Client
        from paho.mqtt.enums import CallbackAPIVersion
    except ImportError as error:
        raise MissingTool(
            f"MQTT cannot be used: {error}.", hint="Install it with: pip install paho-mqtt"
        ) from error
    return Client(CallbackAPIVersion.VERSION2)


def _parts(address: str) -> tuple[Any, int]:
    try:
        parts = urlsplit(address)
        port = parts.port or _PORTS[parts.scheme.lower()]
    except (ValueError, KeyError):
        parts, port = urlsplit(""), 0
    topic = parts.path.strip("/")
    # MQTT has + and # for those who listen; # is also what ends an address.
    if not parts.hostname or not topic or set("#+") & set(address.partition("@")[2] or address):
        raise UsageError(
            "This is no broker with a topic.", where="serve", hint="Write mqtt://HOST:1883/TOPIC."
        )
    return parts, port
