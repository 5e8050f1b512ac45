"""What a plugin's entry must offer, by kind. Heavy imports belong inside the methods."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from studio.core.artifact import ModelArtifact
from studio.core.device_report import DeviceReport, Limits, NextStep
from studio.core.errors import Problem
from studio.core.job import JobContext
from studio.core.options import Options
from studio.core.prediction import Prediction
from studio.core.skeleton import Skeleton


@runtime_checkable
class Family(Protocol):
    """A model family: kind "family"."""

    def preflight(
        self, options: Any, context: JobContext | None = None, resume: Path | None = None
    ) -> Sequence[Problem]:
        """What would go wrong, found before the start; file and line named. Reads, changes
        nothing; tells its progress to `context`. resume: as for `train`.
        """
        ...

    def fetch(self, options: Any, context: JobContext) -> None:
        """Download what the training starts from where it is published by that name and not
        there; called only on a person's word. Raises StudioError.
        """
        ...

    def train(self, options: Any, context: JobContext, resume: Path | None = None) -> ModelArtifact:
        """Train in `context.run_dir` and return the best artefact, also on a stop.

        resume: the last checkpoint of the run that goes on there.
        Raises StudioError for what a person can mend and Cancelled on a cancel.
        """
        ...

    def resumed_options(
        self, last: Path, run_dir: Path, given: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        """The options of the run that the checkpoint `last` belongs to, with `given` over them.

        Raises DataError where the run is finished and no more is asked for.
        """
        ...

    def describe(self, weights: Path) -> ModelArtifact:
        """An artefact for a bare weights file. Raises ModelError if it is of another kind."""
        ...

    def load_torch(self, artifact: ModelArtifact, device: str = "cpu") -> Any:
        """A `torch.nn.Module` in evaluation mode: float32 (N, C, H, W) as `artifact.input` says
        goes in, `artifact.output`'s layout comes out.
        """
        ...

    def export_module(self, artifact: ModelArtifact) -> Any:
        """Like `load_torch`, on the CPU and ready to be traced for an export."""
        ...


@dataclass(frozen=True)
class HeadFacts:
    """What a network's head gives before its own arithmetic.

    bins: numbers for each side of a box. numbers: for each joint. levels: the stride of each
    map, finest first. attention: whether layers multiply maps by maps, which small devices cannot.
    foreign: the head's kind where its maps mean something else than `studio.runtime.raw_heads`
    reads, else "".
    """

    bins: int
    numbers: int
    levels: tuple[int, ...]
    attention: bool
    foreign: str = ""


@runtime_checkable
class RawHeadsFamily(Protocol):
    """What a family may offer besides: its networks as microcontrollers compute them, without the
    arithmetic after the head's convolutions.
    """

    def head_facts(self, artifact: ModelArtifact) -> HeadFacts:
        """Read from the weights; remembered as long as the file stays. Raises ModelError."""
        ...

    def raw_heads_module(self, artifact: ModelArtifact) -> Any:
        """A `torch.nn.Module` on the CPU, ready to be traced: (N, C, H, W) float32 in, the maps
        that `studio.runtime.raw_heads` reads out. Raises ModelError.
        """
        ...


@runtime_checkable
class Target(Protocol):
    """An export target: kind "target"."""

    def problems(self, artifact: ModelArtifact, options: Any) -> Sequence[Problem]:
        """Why this model cannot go to this target with these options; empty when it can."""
        ...

    def export(
        self, artifact: ModelArtifact, options: Any, out: Path, context: JobContext
    ) -> ModelArtifact:
        """Write the artefact's files into the existing empty folder `out`; the job writes
        `model.json`, the certificate, the README and the script that runs it, and moves the
        folder into place.
        """
        ...

    def limits(self, artifact: ModelArtifact, options: Any) -> Limits:
        """How far what is made may differ from `artifact`, the weights."""
        ...

    def report(self, made: ModelArtifact, context: JobContext) -> DeviceReport:
        """What the device's tools say of the artefact: operators, memory, what was never run."""
        ...

    def next_steps(self, made: ModelArtifact) -> Sequence[NextStep]:
        """How to flash or run it on the device; the studio's own commands come besides. The
        folder is the present one.
        """
        ...

    def notes(self, made: ModelArtifact) -> str:
        """What the README says of this target besides, as Markdown: which file goes where, the
        meaning of inputs and outputs where they are the target's own.
        """
        ...


@runtime_checkable
class WorkerByOptions(Protocol):
    """What a target may offer besides where its options choose between tools; its entry in
    `plugin.toml` names the usual ones.
    """

    def worker(self, options: Any) -> str:
        """The name of the worker environment, "" for none; cheap."""
        ...


@runtime_checkable
class Format(Protocol):
    """A dataset format that can be read: kind "format"."""

    skeleton: str
    """The name of the skeleton that its people have."""

    def recognises(self, path: Path) -> bool:
        """Whether this file or folder is of the format; cheap, also for a file of gigabytes."""
        ...

    def read(
        self, path: Path, skeleton: Skeleton, report: Callable[[Problem], None]
    ) -> Sequence[Any]:
        """Every picture as a `studio.io.records.Record` with `skeleton`'s joints.

        What is wrong with one picture or person is reported and that one left out. Raises
        FileProblem or FormatError.
        """
        ...


@runtime_checkable
class HeadFormat(Protocol):
    """A set of heads with known rotations that can be read: kind "head-format".

    margin, size: the crop margin and the side in pixels that its pictures are usually cropped to
    (0: as large as the crop is). ratio: the share that is usually trained on.
    """

    margin: float
    size: int
    ratio: float

    def recognises(self, path: Path) -> bool:
        """Whether the folder is of the format; cheap, also for a hundred thousand pictures."""
        ...

    def read(
        self,
        path: Path,
        names: Sequence[str] | None,
        report: Callable[[Problem], None],
        options: Any | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> Sequence[Any]:
        """Every head as a `studio.io.headpose_set.HeadSample`; `names`: only these, as a filename
        list has them. What is wrong with one head is reported and that one left out. Raises
        FileProblem, FormatError, DataError.
        """
        ...


@runtime_checkable
class Tracker(Protocol):
    """Gives people their identities from frame to frame: kind "tracker".

    needs_frames: whether `update` has to see the pictures. The same frames and people give the
    same identities on every machine.
    """

    needs_frames: bool

    def start(self, options: Any, skeleton: Skeleton, fps: float) -> None:
        """Begin a video and forget the one before. skeleton: of the people to come (its joints
        are theirs). fps: frames a second, 0 where there is no pace.
        """
        ...

    def wants_people(self, index: int) -> bool:
        """Whether what was found on the frame `index` is looked at; a tracker that follows people
        by itself asks for it now and then.
        """
        ...

    def update(
        self,
        frame: npt.NDArray[np.uint8] | None,
        people: Sequence[Prediction],
        index: int,
        time: float,
    ) -> tuple[Prediction, ...]:
        """The frame's people with their `track_id`, counted from 1; None where one is not sure
        enough to be followed. What is found keeps its order.

        Each frame comes once, in order, also one with nobody on it. frame: (H, W, 3) uint8 BGR,
        None where it could not be read or none is needed. index counts from 0, time is seconds.
        """
        ...


@runtime_checkable
class Outlet(Protocol):
    """Hands Live's results on to other programs: kind "outlet"; the contribution's id is the
    scheme of its addresses (`mqtt` for `mqtt://host/topic`).

    Lines are JSON objects without a line's end. Nothing here may hold Live up: whoever does not
    take what is sent misses it.
    """

    def open(self, address: str, first: bytes) -> str:
        """Begin, and say where results are to be had. first: the line that says what the others
        are about, for everybody who begins to read. Raises DeviceError, UsageError, MissingTool.
        """
        ...

    def send(self, line: bytes) -> None:
        """Hand one frame's results on; returns at once and raises nothing."""
        ...

    def problem(self) -> str:
        """What is wrong just now, "" where nothing is."""
        ...

    def close(self) -> None:
        """End; a second call does nothing."""
        ...


class OptionsEntry(Protocol):
    """Anything that declares options: a family, a target, a tracker."""

    def options_class(self) -> type[Options]:
        """The declared options, without a heavy import."""
        ...
