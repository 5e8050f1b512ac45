"""The family that the registry offers: every heavy import happens inside a method."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from studio.core.artifact import ModelArtifact
from studio.core.errors import Problem
from studio.core.job import JobContext
from studio.registry.interfaces import HeadFacts

if TYPE_CHECKING:
    from .preflight import Prepared


class YoloPose:
    """See `studio.registry.interfaces.Family`."""

    def __init__(self) -> None:
        self._prepared: tuple[Any, Prepared] | None = None

    def preflight(
        self, options: Any, context: JobContext | None = None, resume: Path | None = None
    ) -> Sequence[Problem]:
        """Everything that would stop the training, and what looks wrong."""
        return self._prepare(options, context, resume).problems

    def fetch(self, options: Any, context: JobContext) -> None:
        """Download the published weights that `options` start from, where they are not there."""
        from .release import fetch

        if Path(options.pretrained).suffix.lower() == ".pt":
            fetch(options.pretrained, context)

    def preview(self, options: Any, context: JobContext) -> Sequence[Path]:
        """The first batch as the training would see it, drawn into the run folder."""
        from .preview import preview

        return preview(options, self._prepare(options, context, None), context)

    def train(self, options: Any, context: JobContext, resume: Path | None = None) -> ModelArtifact:
        """Train; `resume`: go on from this `last.pt`."""
        from .training import train

        return train(options, self._prepare(options, context, resume), context, resume)

    def resumed_options(
        self, last: Path, run_dir: Path, given: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        """The options of the run that `last` belongs to, with what is asked anew over them.

        Raises DataError where the run is finished and no more epochs are asked for.
        """
        from studio.ml.run_files import read_config

        from .training import check_resumable

        stored = read_config(run_dir)
        check_resumable(last, given.get("epochs"))
        return {**stored, **given}

    def _prepare(self, options: Any, context: JobContext | None, resume: Path | None) -> Prepared:
        from .preflight import prepare

        if self._prepared is None or self._prepared[0] != options:

            def progress(done: int, total: int) -> None:
                if context is not None:
                    context.check()
                    context.progress("check", done, total)

            self._prepared = options, prepare(options, progress, resumed=resume is not None)
        return self._prepared[1]

    def describe(self, weights: Path) -> ModelArtifact:
        """The artefact of a `.pt`; ModelError says what another kind of file is."""
        from .loading import describe

        return describe(weights)

    def load_torch(self, artifact: ModelArtifact, device: str = "cpu") -> Any:
        """A module: (N, 3, H, W) float32 RGB 0..1 in, (N, 4 + C + 3K, anchors) out."""
        from .loading import load_module

        return load_module(artifact, device)

    def export_module(self, artifact: ModelArtifact) -> Any:
        """The same with an anchor grid that follows the input's shape when it is traced."""
        from .loading import load_module

        return load_module(artifact, dynamic=True)

    def head_facts(self, artifact: ModelArtifact) -> HeadFacts:
        """See `studio.registry.interfaces.RawHeadsFamily`."""
        from .raw_heads import head_facts

        return head_facts(artifact)

    def raw_heads_module(self, artifact: ModelArtifact) -> Any:
        """See `studio.registry.interfaces.RawHeadsFamily`."""
        from .raw_heads import raw_heads_module

        return raw_heads_module(artifact)
