"""Results of a live session for other programs, a JSON object a line.

The first line for everybody who begins to read: `{"v": 1, "event": "stream", "model", "skeleton",
"keypoints", "categories"}`; then one for each frame: `{"v": 1, "event": "frame", "t" (unix
seconds), "index", "time", "source", "width", "height", "predictions", "timings", "fps",
"dropped"}`, the predictions as `studio.runtime.results.prediction_to_values` writes them (boxes x,
y, width, height and joints in pixels of the frame, `track_id` and `head` where they are known).
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import orjson

from studio.core.artifact import ModelArtifact
from studio.core.errors import UsageError
from studio.core.job import EVENT_VERSION, FRAME
from studio.registry.interfaces import Outlet
from studio.registry.plugins import contributions, find
from studio.runtime.outlet_servers import TcpOutlet, WebSocketOutlet

STREAM = "stream"
_OWN: Mapping[str, type[TcpOutlet | WebSocketOutlet]] = {"tcp": TcpOutlet, "ws": WebSocketOutlet}


class Outlets:
    """Where a session's results go; nowhere until `serve` is told."""

    def __init__(self, artifact: ModelArtifact) -> None:
        self._first = orjson.dumps(
            {
                "v": EVENT_VERSION,
                "event": STREAM,
                "model": artifact.weights.stem,
                "skeleton": artifact.skeleton.name,
                "keypoints": list(artifact.skeleton.keypoints),
                "categories": list(artifact.categories),
            }
        )
        self._outlet: Outlet | None = None
        self._said = ""

    def serve(self, address: str) -> str:
        """Send to `address` from now on ("": nowhere); gives where results are to be had. Raises
        DeviceError, UsageError, PluginError; then they go nowhere.
        """
        self.close()
        if not address:
            return ""
        outlet = _outlet_for(address.partition("://")[0].strip().lower())
        said = outlet.open(address, self._first)
        self._outlet = outlet
        return said

    def send(self, values: Mapping[str, Any]) -> None:
        """Hand on one frame; never waits."""
        if self._outlet is not None:
            head = {"v": EVENT_VERSION, "event": FRAME, "t": round(time.time(), 3)}
            self._outlet.send(orjson.dumps({**head, **values}))

    def problem(self) -> str:
        """What is wrong with the way out, each time once; else ""."""
        said = "" if self._outlet is None else self._outlet.problem()
        if said == self._said:
            return ""
        self._said = said
        return said

    def close(self) -> None:
        """Send no more."""
        outlet, self._outlet = self._outlet, None
        if outlet is not None:
            outlet.close()


def _outlet_for(scheme: str) -> Outlet:
    if scheme in _OWN:
        return _OWN[scheme]()
    known = [c.id for c in contributions("outlet")]
    if not any(scheme in (c.id, *c.aliases) for c in contributions("outlet")):
        listed = ", ".join(f"{name}://" for name in (*_OWN, *known))
        raise UsageError(
            f"Results cannot be sent to {scheme}:// addresses.",
            where="serve",
            hint=f"Known are: {listed}.",
        )
    outlet: Outlet = find("outlet", scheme).load()
    return outlet
