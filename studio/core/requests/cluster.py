"""Where a job runs: on this machine, or on a Ray cluster."""

from __future__ import annotations

import re
from dataclasses import dataclass

from studio.core.options import N_, Choice, Options, Rule, option

CLUSTER = N_("Where it runs")
LOCAL_RAY = "local-ray"
_ADDRESS = re.compile(r"ray://([\w.-]+|\[[0-9a-fA-F:]+\]):\d+")


def is_place(text: str) -> bool:
    """Whether `text` names a cluster, or nothing."""
    return text in ("", LOCAL_RAY) or _ADDRESS.fullmatch(text) is not None


def places() -> tuple[Choice, ...]:
    """What a form offers; an address may be written too."""
    return (
        Choice("", N_("This machine")),
        Choice(LOCAL_RAY, N_("A Ray cluster of this machine's own")),
    )


PLACE_RULE = Rule(
    "on",
    N_("A cluster is ray://HOST:PORT or local-ray."),
    lambda o: is_place(o.on),
)


@dataclass(frozen=True)
class ClusterOptions(Options):
    """A cluster, what is sent to it, and what each training takes of it."""

    rules = (PLACE_RULE,)

    on: str = option(
        "",
        title=N_("Where"),
        help=N_(
            "A Ray cluster (ray://HOST:PORT), or local-ray for one of this machine's own; this "
            "machine where nothing is given."
        ),
        offers=places,
        group=CLUSTER,
    )
    send: str = option(
        "auto",
        title=N_("Send the dataset"),
        help=N_(
            "always packs it up and sends it; never expects it under the same path on the cluster's "
            "machines; auto sends it unless the cluster is this machine."
        ),
        choices=(
            Choice("auto", N_("Automatic")),
            Choice("always", N_("Always")),
            Choice("never", N_("Never")),
        ),
        group=CLUSTER,
        advanced=True,
    )
    send_limit: float = option(
        4.0,
        title=N_("Most that is sent"),
        help=N_("A larger dataset is refused: keep it where the cluster's machines see it."),
        unit="GB",
        minimum=0.001,
        maximum=10_000,
        group=CLUSTER,
        advanced=True,
    )
    cluster_cpus: int = option(
        0,
        title=N_("Cores of a training"),
        help=N_("On a cluster; 0 takes a whole machine, or its share for each GPU."),
        minimum=0,
        maximum=4096,
        group=CLUSTER,
        advanced=True,
    )
    cluster_gpus: int | None = option(
        None,
        title=N_("GPUs of a training"),
        help=N_("On a cluster; one where it has any and the device is not the CPU."),
        minimum=0,
        maximum=64,
        group=CLUSTER,
        advanced=True,
    )
