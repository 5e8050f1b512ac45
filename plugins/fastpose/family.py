"""The family that the registry offers: every heavy import happens inside a method."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, cast

from studio.core.artifact import InputSpec, ModelArtifact
from studio.core.errors import ModelError, Problem, StudioError
from studio.core.job import JobContext
from studio.io.skeletons import guess_skeleton
from studio.ml.checkpoints import State
from studio.ml.course import CourseOptions
from studio.ml.family import LoopFamily, Prepared

from .alphapose import configured, options_with_file
from .config import FAMILY, TrainOptions

if TYPE_CHECKING:
    from torch import nn

# AlphaPose subtracts these from its RGB pictures and divides by nothing.
_ALPHAPOSE_MEAN = (0.406, 0.457, 0.48)


class FastPoseFamily(LoopFamily):
    """See `studio.registry.interfaces.Family`."""

    id: ClassVar[str] = FAMILY

    def preflight(
        self, options: CourseOptions, context: JobContext | None = None, resume: Path | None = None
    ) -> Sequence[Problem]:
        """Everything that would stop the training, and what looks wrong."""
        try:
            options = options_with_file(cast("TrainOptions", options), context, tell=True)
        except StudioError as error:
            return (_as_problem(error),)
        return super().preflight(options, context, resume)

    def train(
        self, options: CourseOptions, context: JobContext, resume: Path | None = None
    ) -> ModelArtifact:
        """Train; `resume`: go on from this `last.pt`."""
        whole = options_with_file(cast("TrainOptions", options), context)
        return super().train(whole, context, resume)

    def preview(self, options: CourseOptions, context: JobContext) -> Sequence[Path]:
        """The first augmented batch, drawn."""
        whole = options_with_file(cast("TrainOptions", options), context)
        return super().preview(whole, context)

    def prepare(
        self, options: CourseOptions, context: JobContext | None, resume: Path | None
    ) -> Prepared:
        """The people, the network and what it starts from."""
        from .people import find_people

        def progress(done: int, total: int) -> None:
            if context is not None:
                context.check()
                context.progress("check", done, total)

        try:
            people = find_people(cast("TrainOptions", options), progress)
        except StudioError as error:
            return Prepared(None, (_as_problem(error),))
        problems = list(people.problems)
        from .task import FastPoseTask

        task = FastPoseTask(cast("TrainOptions", options), people, resumed=resume is not None)
        try:
            # Now, and not after the data were read again: the weights may be of another network.
            task.build()
        except StudioError as error:
            problems.append(_as_problem(error))
        failed = any(p.severity == "error" for p in problems)
        return Prepared(None if failed else task, problems)

    def network(self, artifact: ModelArtifact) -> nn.Module:
        """`FastPose` as the artefact describes it."""
        from .network import make_network

        try:
            backbone, head = str(artifact.extra["backbone"]), str(artifact.extra["head"])
        except KeyError as error:
            raise ModelError(
                f"The model's description has no {error.args[0]!r}.", where=artifact.weights
            ) from error
        return make_network(len(artifact.skeleton), artifact.input.size, backbone, head)

    def foreign(self, path: Path, state: State) -> ModelArtifact | None:
        """A FastPose of AlphaPose's own, told by its tensors' names."""
        from .keys import OUT, depth_of, is_alphapose

        if not is_alphapose(state):
            return None
        backbone = depth_of(state)
        if backbone is None:
            raise ModelError(
                "This is a FastPose on a backbone that is not ResNet-50, 101 or 152.", where=path
            )
        joints = next(v for name, v in state.items() if name.endswith(OUT)).shape[0]
        return ModelArtifact(
            family=FAMILY,
            task="keypoints",
            weights=path,
            input=InputSpec(size=(256, 192), mean=_ALPHAPOSE_MEAN, std=(1.0, 1.0, 1.0)),
            skeleton=guess_skeleton(int(joints)),
            output="heatmaps",
            extra={
                "backbone": backbone,
                "head": "heatmap",
                "box_scale": 1.25,
                "sigma": 2.0,
                "heatmap": [64, 48],
                "cells_on_pixels": True,
            },
        )

    def renamed(self, state: State) -> State:
        """AlphaPose's tensors under our names."""
        from .keys import is_alphapose, renamed

        return renamed(state) if is_alphapose(state) else state

    def configured(self, artifact: ModelArtifact, file: Path) -> ModelArtifact:
        """A bare model with the sizes that its AlphaPose YAML names."""
        return configured(artifact, file)


def _as_problem(error: StudioError) -> Problem:
    return Problem(error.message, where=error.where or "", hint=error.hint)
