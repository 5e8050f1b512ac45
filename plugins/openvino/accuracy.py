"""The judge of the accuracy control: OKS AP on labelled pictures, of whatever graph it is shown."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from studio.core.artifact import ModelArtifact
from studio.core.dataset import VAL, Sample
from studio.core.errors import DataError
from studio.core.job import JobContext
from studio.core.prediction import Prediction
from studio.io.datasets import load_dataset
from studio.io.images import read_image
from studio.metrics.evaluation import Judging
from studio.runtime.engine import Batch, Outputs
from studio.runtime.engines.common import ThreadedEngine, to_floats
from studio.runtime.predictor import Predictor
from studio.runtime.topdown import TopDown, is_topdown

POSE = "pose"
# AP is counted over people down to this score, as COCO's judges do.
_CONF = 0.001
_MAX_PICTURES = 200
Picture = npt.NDArray[np.uint8]


def can_judge(artifact: ModelArtifact) -> bool:
    """Whether OKS AP is what the model is judged by here."""
    return artifact.task == POSE or is_topdown(artifact)


class Judge:
    """Pictures with labels, and the AP that was found on them each time, the float graph first.

    Raises DataError where the labels have other joints, FileProblem.
    """

    def __init__(
        self, artifact: ModelArtifact, data: Path, max_drop: float, context: JobContext
    ) -> None:
        dataset = load_dataset(data)
        if len(dataset.skeleton) != len(artifact.skeleton):
            raise DataError(
                f"The model finds {len(artifact.skeleton)} joints, the labels have "
                f"{len(dataset.skeleton)}.",
                where=data,
                hint="Choose a dataset with the skeleton that the model was trained on.",
            )
        self.max_drop = max_drop
        self.found: list[float] = []
        self._artifact = artifact
        self._context = context
        self._skeleton = dataset.skeleton
        samples = dataset.split(VAL if VAL in dataset.splits else "all")
        self._samples: Sequence[Sample] = samples[:_MAX_PICTURES]

    def __len__(self) -> int:
        return len(self._samples)

    def validate(self, compiled: Any, items: Iterable[int]) -> tuple[float, list[float]]:
        """The AP of a compiled graph over the samples `items`, and each picture's mean OKS, as
        NNCF asks for them.
        """
        engine = CompiledEngine(self._artifact, compiled)
        find = _finder(self._artifact, engine)
        judging = Judging(self._skeleton)
        chosen = list(items)
        for number, item in enumerate(chosen, 1):
            self._context.check()
            sample = self._samples[item]
            judging.add(sample, find(read_image(sample.image), sample))
            self._context.progress("judge", number, len(chosen))
        engine.close()
        result = judging.result()
        by_picture = {p.sample.image: p.oks for p in result.pictures}
        values = [by_picture[self._samples[i].image] for i in chosen]
        ap = max(result.metrics["AP"], 0.0)
        if len(chosen) == len(self._samples):
            self.found.append(ap)
        return ap, [1.0 if np.isnan(v) else v for v in values]

    def sentence(self) -> str:
        """What came of it, for the log; a limit that was missed is said."""
        before, last = self.found[0], self.found[-1]
        drop = before - last
        verdict = "within" if drop <= self.max_drop else "NOT within"
        return (
            f"AP {before:.4f} in float, {last:.4f} in int8 on {len(self)} pictures: {verdict} the "
            f"asked {self.max_drop:g}."
        )


class CompiledEngine(ThreadedEngine):
    """A compiled graph that takes (N, C, H, W) float32 as a `studio.runtime.engine.Engine`."""

    name = "openvino"
    precision = "auto"
    requests = 1

    def __init__(self, artifact: ModelArtifact, compiled: Any) -> None:
        super().__init__(artifact)
        self._compiled = compiled

    def _compute(self, pictures: Batch) -> Outputs:
        found = self._compiled(to_floats(pictures, self._artifact.input))
        return tuple(np.array(found[o], np.float32) for o in self._compiled.outputs)


def _finder(
    artifact: ModelArtifact, engine: CompiledEngine
) -> Callable[[Picture, Sample], tuple[Prediction, ...]]:
    """What looks at a picture, the sample's boxes at hand for a model of crops."""
    if is_topdown(artifact):
        joints = TopDown(artifact, flip_test=False, engine=engine)
        return lambda picture, sample: joints.predict(picture, sample.people_boxes())
    predictor = Predictor(artifact, conf=_CONF, engine=engine)
    return lambda picture, _: predictor.predict(picture)
