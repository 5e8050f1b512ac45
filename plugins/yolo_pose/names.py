"""ultralytics' names for numbers, in the studio's words: plain ones are about keypoints."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_JUDGED = {"precision": "precision", "recall": "recall", "mAP50": "AP50", "mAP50-95": "AP"}
_METRICS = {
    f"metrics/{theirs}({kind})": prefix + ours
    for kind, prefix in (("B", "box_"), ("P", ""))
    for theirs, ours in _JUDGED.items()
}


def plain_metrics(values: Mapping[str, Any]) -> dict[str, float]:
    """`metrics/mAP50-95(P)` becomes `AP`, of boxes `box_AP`; `val/box_loss` becomes `box_loss`.

    Training losses and learning rates, which are events of their own, are left out.
    """
    found: dict[str, float] = {}
    for name, value in values.items():
        if name in _METRICS:
            found[_METRICS[name]] = float(value)
        elif name.startswith("val/"):
            found[name.removeprefix("val/")] = float(value)
        elif name == "fitness" and value is not None:
            found[name] = float(value)
    losses = [v for k, v in found.items() if k.endswith("_loss")]
    if losses:
        found["loss"] = sum(losses)
    return found


def plain_losses(values: Mapping[str, Any]) -> dict[str, float]:
    """The sum as `loss`, then each part, as Python numbers."""
    parts = {name.removeprefix("train/"): float(value) for name, value in values.items()}
    return {"loss": sum(parts.values()), **parts}
