"""What the figures of judgements are called, how they are read, and which way is better."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from studio.core.options import N_

_OKS = N_("Mean precision over OKS 0.50 to 0.95, the figure to compare by")
_HEAD = N_("Mean error of this angle, the short way round")
_OFFICIAL = N_(
    "As published tables count it: an angle off by 180° passes for right. Compare with them by it."
)


@dataclass(frozen=True)
class Measure:
    """One figure. title: what it is called where its name says too little. unit: behind the
    number. more: whether more is better.
    """

    name: str
    title: str = ""
    help: str = ""
    unit: str = ""
    more: bool = True

    def text(self, value: float) -> str:
        """`value` for a person; a dash where it is not a number."""
        if not math.isfinite(value):
            return "–"
        return f"{value:.2f}{self.unit}" if self.unit else f"{value:.3f}"


_ALL = (
    Measure("AP", help=_OKS),
    Measure("AP50", help=N_("Precision at OKS 0.50: roughly the right place")),
    Measure("AP75", help=N_("Precision at OKS 0.75: close")),
    Measure("APM", help=N_("Only people of 32² to 96² pixels")),
    Measure("APL", help=N_("Only people above 96² pixels")),
    Measure("AR", help=N_("Mean recall over OKS 0.50 to 0.95")),
    Measure("AR50", help=N_("Recall at OKS 0.50")),
    Measure("AR75", help=N_("Recall at OKS 0.75")),
    Measure("ARM", help=N_("Recall of people of 32² to 96² pixels")),
    Measure("ARL", help=N_("Recall of people above 96² pixels")),
    Measure(
        "HOTA-KP",
        help=N_("Finding and keeping apart through a clip, mean over 19 thresholds and classes"),
    ),
    Measure("DetA", help=N_("How well keypoints are found, whoever they are of")),
    Measure("AssA", help=N_("How well each one keeps its identity through the clip")),
    Measure("LocA", help=N_("How close the matched keypoints lie")),
    Measure("PCK", help=N_("Share of joints within a tenth of the person's size")),
    Measure(
        "joint-error", N_("Joint error"), N_("Mean distance of matched joints"), " px", more=False
    ),
    Measure(
        "geodesic",
        N_("Geodesic error"),
        N_("The angle of the one turn between truth and prediction, the figure to compare by"),
        "°",
        more=False,
    ),
    Measure("MAE", help=N_("Mean error of yaw, pitch and roll"), unit="°", more=False),
    Measure("MAE-yaw", N_("Yaw error"), _HEAD, "°", more=False),
    Measure("MAE-pitch", N_("Pitch error"), _HEAD, "°", more=False),
    Measure("MAE-roll", N_("Roll error"), _HEAD, "°", more=False),
    Measure("official-MAE", N_("MAE, published way"), _OFFICIAL, "°", more=False),
    Measure("official-MAE-yaw", N_("Yaw, published way"), _OFFICIAL, "°", more=False),
    Measure("official-MAE-pitch", N_("Pitch, published way"), _OFFICIAL, "°", more=False),
    Measure("official-MAE-roll", N_("Roll, published way"), _OFFICIAL, "°", more=False),
    Measure("fitness", N_("Fitness"), N_("The value that chose the best weights")),
    Measure("precision", N_("Precision")),
    Measure("recall", N_("Recall")),
    Measure("loss", N_("Loss"), more=False),
    Measure("lr", N_("Learning rate")),
    Measure("images_per_second", N_("Pictures per second")),
    Measure("wait", N_("Waiting for pictures"), N_("Share of the time"), more=False),
)
_BY_NAME = {m.name: m for m in _ALL}
# The figure that stands for a whole judgement, the first that is there.
_HEADLINES = ("AP", "HOTA-KP", "geodesic", "MAE", "joint-error", "PCK", "fitness")
# What chooses the best weights of a run that does not say so, the first that is there.
BEST_BY = ("fitness", *_HEADLINES[:-1], "loss")


def measure(name: str) -> Measure:
    """What is known of a figure; one without a word for a name that is not known.

    "HOTA-KP/hands" is the figure of a group of classes, and a name that ends in loss falls.
    """
    known = _BY_NAME.get(name)
    if known is not None:
        return known
    base = _BY_NAME.get(name.partition("/")[0])
    if base is not None:
        return Measure(name, help=base.help, unit=base.unit, more=base.more)
    return Measure(name, more=not is_loss(name))


def is_loss(name: str) -> bool:
    """Whether a value of a run is a loss, as against a figure that judges."""
    return name.endswith("loss") or name.startswith("loss")


def in_order(names: Iterable[str]) -> tuple[str, ...]:
    """Known figures first, in the order of this module, then the others as they came."""
    given = list(names)
    place = {m.name: n for n, m in enumerate(_ALL)}
    return tuple(sorted(given, key=lambda n: place.get(n.partition("/")[0], len(place))))


def headline(metrics: Mapping[str, float]) -> tuple[Measure, float] | None:
    """The figure that stands for a whole judgement, and its value; None where none is there."""
    for name in _HEADLINES:
        value = metrics.get(name, math.nan)
        if math.isfinite(value):
            return measure(name), value
    return None
