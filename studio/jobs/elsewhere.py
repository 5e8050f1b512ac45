"""A training that this job hands to a cluster and stands for meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from queue import Empty, SimpleQueue
from typing import Any

from studio.core.errors import Cancelled
from studio.core.job import (
    ERROR,
    FINISHED,
    STARTED,
    JobContext,
    JobEvent,
    JobSpec,
)
from studio.core.requests.cluster import ClusterOptions
from studio.jobs.children import Told
from studio.jobs.cluster import Cluster
from studio.jobs.cluster_worker import BEGUN

# The job that asks says these of itself.
_OWN = frozenset({STARTED, ERROR, FINISHED})


def run_elsewhere(
    spec: JobSpec,
    where: ClusterOptions,
    context: JobContext,
    begun: Callable[[], None],
) -> Mapping[str, Any]:
    """Run `spec` on the cluster; its events become this job's, its files come into its folder.

    begun: called once, before the first file comes. Raises what the job there raised, Cancelled,
    and DeviceError where the cluster is not there or is lost.
    """
    heard: SimpleQueue[JobEvent | None] = SimpleQueue()
    told, first = Told(), _First()
    asked: set[str] = set()

    def tell(event: JobEvent | None) -> None:
        heard.put(event)
        if event is not None and event.event == BEGUN:
            first.wait()

    with Cluster(where, context) as cluster:
        child = cluster.start(spec, tell)
        while True:
            for command in _wishes(context) - asked:
                asked.add(command)
                child.ask(command)
            try:
                event = heard.get(timeout=0.25)
            except Empty:
                continue
            if event is None:
                break
            told.hear(event)
            if event.event == BEGUN:
                begun()
                first.go_on()
            elif event.event not in _OWN:
                context.emit(event)
    if told.status == "ok":
        return told.result
    if told.status == "cancelled":
        raise Cancelled
    assert context.run_dir is not None
    raise told.failure(context.run_dir / "cluster.log")


class _First:
    """The first word of a training that really began: what comes after it, its files above all,
    waits until the run's folder is ready for them.
    """

    def __init__(self) -> None:
        self._ready = threading.Event()

    def go_on(self) -> None:
        """The folder is ready."""
        self._ready.set()

    def wait(self) -> None:
        """Until the folder is ready."""
        self._ready.wait()


def _wishes(context: JobContext) -> set[str]:
    wishes: set[str] = set()
    if context.control.cancel_requested:
        wishes.add("cancel")
    elif context.control.stop_requested:
        wishes.add("stop")
    return wishes
