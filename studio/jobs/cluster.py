"""A Ray cluster as a place where trainings run: the same job, another machine.

What a training needs of this machine is packed up and sent (`parcels`), or expected under the
same path there; its events, pictures and weights come back while it runs (`cluster_worker`).
Stop and cancel reach it. Ray is imported here and in nothing that this imports at once.
"""

from __future__ import annotations

import contextlib
import shutil
import socket
import tempfile
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import studio
from studio.core.errors import DeviceError, StudioError, UsageError
from studio.core.job import (
    ARTIFACT,
    ERROR,
    FINISHED,
    LOG,
    STARTED,
    JobContext,
    JobEvent,
    JobSpec,
)
from studio.core.options import OptionField, Options
from studio.core.requests.cluster import LOCAL_RAY, ClusterOptions
from studio.jobs.children import Child, Tell, parse_event
from studio.jobs.cluster_connection import connect, first_line
from studio.jobs.cluster_files import Arrivals, in_words_of_here, rewrite_paths
from studio.jobs.cluster_worker import (
    END,
    EVENT,
    FILE,
    OPENING,
    RUN,
    Order,
    Post,
    Sent,
    run_order,
)
from studio.jobs.parcels import Parcel, blocks, pack
from studio.registry import find

_POLL_SECONDS = 1.0
_PATH_KINDS = frozenset({"dataset", "folder", "file", "model", "skeleton"})
# Of a run that goes on, this stays here.
_NOT_RESUMED = frozenset({"events.jsonl", "job.log", "spec.json", "child.log", "cluster.log"})


class Cluster:
    """The connection; `with Cluster(options, context) as cluster: cluster.start(spec, tell)`."""

    def __init__(self, wanted: ClusterOptions, context: JobContext) -> None:
        self._wanted, self._context = wanted, context
        self._ray: Any = None
        self._folder: Path | None = None
        self._own: Path | None = None
        self._sent: dict[tuple[str, str], Sent] = {}
        self._children: list[_RayChild] = []

    def __enter__(self) -> Cluster:
        """Raises MissingTool, DeviceError where there is no such cluster."""
        self._context.progress("cluster", 0, 0)
        self._ray, self._own = connect(self._wanted.on, self._context)
        self._folder = Path(tempfile.mkdtemp(prefix="pose-studio-parcels-"))
        machines = [n for n in self._ray.nodes() if n.get("Alive")]
        cpus, gpus = _total(machines, "CPU"), _total(machines, "GPU")
        self._context.log(
            f"The cluster has {len(machines)} machines, {cpus:g} cores and {gpus:g} GPUs."
        )
        return self

    def __exit__(self, *_: object) -> None:
        for child in self._children:
            child.kill()
        self._ray.shutdown()
        for folder in (self._folder, self._own):
            if folder is not None:
                shutil.rmtree(folder, ignore_errors=True)

    def start(self, spec: JobSpec, tell: Tell) -> Child:
        """Hand `spec` to the cluster; its run folder here must be given. Raises StudioError."""
        assert spec.run_dir is not None
        order = self._order(spec)
        need = self._needs(spec)
        ray = self._ray
        post = ray.remote(Post).options(num_cpus=0, max_concurrency=8).remote()
        task = ray.remote(run_order).options(max_retries=0, **need).remote(post, order)
        child = _RayChild(ray, post, task, spec.run_dir, tell, self._places_here(spec))
        self._children.append(child)
        return child

    def _needs(self, spec: JobSpec) -> dict[str, float]:
        """Cores and GPUs of one training. Raises DeviceError where no machine has them."""
        machines = [n for n in self._ray.nodes() if n.get("Alive")]
        most_gpus = max((_of(n, "GPU") for n in machines), default=0)
        device = str(spec.options.get("device", "auto"))
        gpus = self._wanted.cluster_gpus
        if gpus is None:
            several = len([d for d in device.split(",") if d.strip().isdigit()])
            gpus = 0 if device in ("cpu", "mps") or not most_gpus else max(1, several)
        fit = [n for n in machines if _of(n, "GPU") >= gpus]
        cpus = float(self._wanted.cluster_cpus)
        if not cpus and fit:
            share = min(_of(n, "CPU") * (gpus / _of(n, "GPU") if gpus else 1) for n in fit)
            cpus = max(1.0, float(int(share)))
        if not any(_of(n, "CPU") >= cpus for n in fit):
            raise DeviceError(
                f"No machine of the cluster has {gpus} GPUs and {cpus:g} cores.",
                where="cluster_gpus",
                hint="Ask for less with --cluster-gpus and --cluster-cpus.",
            )
        return {"num_cpus": cpus, "num_gpus": float(gpus)}

    def _order(self, spec: JobSpec) -> Order:
        values, fields = _paths_of(spec)
        send = self._wanted.send == "always" or (
            self._wanted.send == "auto" and not self._is_here()
        )
        files: dict[str, Sent] = {}
        options = dict(spec.options)
        options.pop("name", None)
        options.pop("output", None)
        for name in fields:
            options[name] = values[name]
            if send:
                files[name] = self._send(Path(values[name]))
        if spec.options.get("resume"):
            assert spec.run_dir is not None
            files[RUN] = self._send(spec.run_dir, leave=_NOT_RESUMED)
        seen = {} if send else {name: values[name] for name in fields}
        return Order(spec.job, options, files, seen, studio.__version__)

    def _send(self, path: Path, leave: frozenset[str] = frozenset()) -> Sent:
        """Put a parcel where the cluster finds it; the same path once."""
        key = (str(path), ",".join(sorted(leave)))
        if key not in self._sent:
            assert self._folder is not None
            parcel: Parcel = pack(path, self._wanted.send_limit * 1e9, self._folder, leave=leave)
            self._context.log(f"Sending {path} to the cluster: {parcel.size / 1e6:.1f} MB.")
            self._context.progress("send", 0, 0)
            pieces = [self._ray.put(piece) for piece in blocks(parcel.archive)]
            parcel.archive.unlink()
            self._sent[key] = Sent(parcel.inside, parcel.digest, pieces)
        return self._sent[key]

    def _places_here(self, spec: JobSpec) -> dict[str, str]:
        values, fields = _paths_of(spec)
        return {name: values[name] for name in fields}

    def _is_here(self) -> bool:
        """Whether every machine of the cluster is this one."""
        if self._wanted.on == LOCAL_RAY:
            return True
        name = socket.gethostname()
        machines = [n for n in self._ray.nodes() if n.get("Alive")]
        return all(n.get("NodeManagerHostname") == name for n in machines)


def _total(machines: list[dict[str, Any]], name: str) -> float:
    return sum(_of(n, name) for n in machines)


def _of(machine: Mapping[str, Any], name: str) -> float:
    return float((machine.get("Resources") or {}).get(name, 0))


def _paths_of(spec: JobSpec) -> tuple[dict[str, str], list[str]]:
    """All paths of this machine that the training's options name, by option; those of a run that
    goes on are the run's own.
    """
    contribution = find("family", str(spec.options["family"]))
    declared: type[Options] = contribution.options_class()
    given = {k: v for k, v in spec.options.items() if k in {f.name for f in declared.fields()}}
    resume = spec.options.get("resume")
    if resume and spec.run_dir is not None:
        last = spec.run_dir / "weights" / "last.pt"
        given = dict(contribution.load().resumed_options(last, spec.run_dir, given))
    found = {f.name: str(given[f.name]) for f in declared.fields() if _is_path(f, given)}
    rooted = {name: str(Path(text).expanduser().absolute()) for name, text in found.items()}
    return rooted, list(rooted)


def _is_path(field: OptionField, given: Mapping[str, Any]) -> bool:
    """Whether this option names something that stands on this machine."""
    value = given.get(field.name)
    if value in (None, "") or isinstance(value, list | tuple):
        return False
    if field.plain_type is not Path and field.kind not in _PATH_KINDS:
        return False
    return Path(str(value)).expanduser().exists()


@dataclass
class _RayChild:
    """One job on the cluster, heard on a thread of its own."""

    ray: Any
    post: Any
    task: Any
    run_dir: Path
    tell: Tell
    here: Mapping[str, str]
    there: dict[str, str] = field(default_factory=dict[str, str])
    _over: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def __post_init__(self) -> None:
        self._thread = threading.Thread(target=self._hear, name="cluster-events", daemon=True)
        self._thread.start()

    def ask(self, command: str) -> None:
        """See `Child`."""
        if not self._over.is_set():
            self.post.ask.remote(command)

    def kill(self) -> None:
        """See `Child`."""
        if not self._over.is_set():
            self._over.set()
            self.ray.cancel(self.task, force=True)
            self.ray.kill(self.post)
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(10)

    def _hear(self) -> None:
        arrivals = Arrivals(self.run_dir)
        try:
            while not self._over.is_set():
                items = self.ray.get(self.post.take.remote(_POLL_SECONDS))
                for kind, data in items:
                    if kind == FILE:
                        arrivals.take(data)
                    elif kind == EVENT:
                        self._event(data)
                    elif kind == END:
                        self._over.set()
                if not items:
                    self._look()
        except StudioError as error:
            self._fail(error)
        except Exception as error:  # noqa: BLE001 - Ray's many: all mean that the machine is lost
            if not self._over.is_set():
                self._fail(_lost(error))
        finally:
            self._over.set()
            arrivals.close()
            # Its process on the cluster would wait there until the connection ends.
            self.ray.kill(self.post)
            with contextlib.suppress(StudioError):
                rewrite_paths(self.run_dir, self._words())
            self.tell(None)

    def _look(self) -> None:
        """Raise what has become of the task, where it is over without its last word."""
        done, _ = self.ray.wait([self.task], timeout=0)
        if done:
            self.ray.get(done[0])

    def _words(self) -> dict[str, str]:
        """Paths there, and what they are called here."""
        return {place: self.here[name] for name, place in self.there.items() if name in self.here}

    def _event(self, line: bytes) -> None:
        event = parse_event(line)
        if event is None:
            return
        if event.event == OPENING:
            places = dict(event.data.get("places") or {})
            self.there = {**places, RUN: str(event.data["run_dir"])}
            self.here = {**self.here, RUN: str(self.run_dir)}
            machine = str(event.data.get("machine", ""))
            self.tell(JobEvent(LOG, {"level": "info", "message": f"Runs on {machine}."}, event.t))
            self._machine = machine
            return
        data = in_words_of_here(event.data, self._words())
        if event.event == STARTED:
            data = {**data, "machine": self._machine}
        if event.event == ARTIFACT and not str(data.get("path")).startswith(str(self.run_dir)):
            # Made beside the copy of the dataset that was sent: it is not here.
            return
        self.tell(JobEvent(event.event, data, event.t))

    _machine: str = ""

    def _fail(self, error: StudioError) -> None:
        data = {
            "type": type(error).__name__, "message": error.message,
            "where": error.where or "", "hint": error.hint, "traceback": "",
        }  # fmt: skip
        self.tell(JobEvent(ERROR, data))
        self.tell(JobEvent(FINISHED, {"status": "failed", "result": {}}))


def _lost(error: Exception) -> StudioError:
    """What it means that Ray raised this."""
    text = str(error)
    if "No module named 'studio" in text:
        return UsageError(
            "Pose Studio is not installed on the cluster's machines.",
            where="on",
            hint="Install the same version there, with the family's extra: "
            "pip install 'pose-studio[train,yolo,cluster]'",
        )
    return DeviceError(
        f"The cluster's machine was lost: {first_line(error)}",
        hint="What came back until then is kept; resume the run.",
    )
