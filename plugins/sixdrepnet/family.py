"""The family that the registry offers: every heavy import happens inside a method."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, cast

from studio.core.artifact import ModelArtifact
from studio.core.errors import ModelError, Problem, StudioError
from studio.core.job import JobContext
from studio.ml.checkpoints import State
from studio.ml.course import CourseOptions
from studio.ml.family import LoopFamily, Prepared

from .config import AUTO, FAMILY, ORIGINAL, ORIGINAL_WEIGHTS, TrainOptions

if TYPE_CHECKING:
    from torch import nn

_USUAL_SIZE = 224


class SixDRepNetFamily(LoopFamily):
    """See `studio.registry.interfaces.Family`."""

    id: ClassVar[str] = FAMILY

    def prepare(
        self, options: CourseOptions, context: JobContext | None, resume: Path | None
    ) -> Prepared:
        """The heads, the network and what it starts from."""
        from .data import find_heads
        from .task import HeadTask

        def progress(done: int, total: int) -> None:
            if context is not None and (done % 100 == 0 or done == total):
                context.check()
                context.progress("check", done, total)

        asked = cast("TrainOptions", options)
        problems: list[Problem] = []
        try:
            heads = find_heads(asked, progress)
        except StudioError as error:
            return Prepared(None, (_as_problem(error),))
        problems += heads.problems
        task = HeadTask(asked, heads, resumed=resume is not None)
        try:
            # Now, and not after the data were read again: the weights may be of another network.
            task.build()
        except StudioError as error:
            problems.append(_as_problem(error))
            return Prepared(None, problems)
        if asked.pretrained == AUTO and task.transferred is None and resume is None:
            problems.append(_from_nothing(asked))
        return Prepared(task, problems)

    def network(self, artifact: ModelArtifact) -> nn.Module:
        """The network as the artefact describes it."""
        from .network import SixDRepNet, reparametrised

        backbone = artifact.extra.get("backbone")
        if not isinstance(backbone, str):
            raise ModelError("The model's description has no backbone.", where=artifact.weights)
        module = SixDRepNet(backbone)
        return reparametrised(module) if artifact.extra.get("deploy") else module

    def foreign(self, path: Path, state: State) -> ModelArtifact | None:
        """A snapshot of the original's own, told by its tensors' names."""
        from .keys import backbone_of, is_deployed
        from .task import artifact_of

        backbone = backbone_of(state)
        if backbone is None:
            return None
        return artifact_of(path, backbone, _USUAL_SIZE, deploy=is_deployed(state))

    def renamed(self, state: State) -> State:
        """The originals' tensors under our names."""
        from .keys import renamed

        return renamed(state)

    def for_export(self, module: nn.Module) -> nn.Module:
        """Each block's branches as one convolution."""
        from .network import reparametrised

        return reparametrised(module)


def _from_nothing(options: TrainOptions) -> Problem:
    hint = (
        f"Put {ORIGINAL_WEIGHTS} into the folder of weights, or give --pretrained."
        if options.backbone == ORIGINAL
        else "Give --pretrained with a file of the backbone's weights, if you have one."
    )
    return Problem(
        "The training starts from nothing.", where="pretrained", hint=hint, severity="warning"
    )


def _as_problem(error: StudioError) -> Problem:
    return Problem(error.message, where=error.where or "", hint=error.hint)
