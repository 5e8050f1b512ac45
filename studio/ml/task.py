"""What a model family hands to the training loop; the loop (`studio.ml.loop`) does the rest.

A family describes its pictures, its network, its loss and its judgement. Seeds, order, devices,
mixed precision, averaged weights, checkpoints, resuming, several processes, events and the end of
a run belong to the loop and are the same for every family.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from studio.core.artifact import ModelArtifact
from studio.core.job import JobContext

if TYPE_CHECKING:
    import torch

Picture = npt.NDArray[np.uint8]
Example = Mapping[str, Any]
"""One training example: numbers, numpy arrays or tensors of fixed shapes, stacked to a batch."""
Batch = Mapping[str, Any]
"""Stacked examples, tensors on the training's device: every value has the batch as first axis."""


class ExampleSet(Protocol):
    """The training pictures, augmented as they are asked for."""

    def __len__(self) -> int: ...

    def example(self, index: int, epoch: int, rng: np.random.Generator) -> Example:
        """Picture `index` as the network will see it in `epoch` (from 1).

        All chance comes from `rng`, which the loop seeds by (seed, epoch, index): the same example
        comes again in whichever process and order it is made. Raises StudioError that names the
        file where a picture cannot be read; the loop decides what becomes of the run.
        """
        ...


class Task(Protocol):
    """One training of one family.

    examples: what is learnt from. batches of `loss` are its examples stacked.
    best_metric: the name in `validate`'s answer that chooses the best weights.
    higher_is_better: how it is compared.
    """

    @property
    def examples(self) -> ExampleSet: ...
    @property
    def best_metric(self) -> str: ...
    @property
    def higher_is_better(self) -> bool: ...

    def build(self) -> torch.nn.Module:
        """The network as the training starts: fresh, or with the weights to start from. The loop
        seeds torch before it.
        """
        ...

    def parameter_groups(self, model: torch.nn.Module) -> Sequence[Mapping[str, Any]]:
        """Groups for the optimizer, each {"params": [...]} with what differs from the options."""
        ...

    def begin_epoch(self, epoch: int, model: torch.nn.Module) -> None:
        """Called before each epoch (from 1) in the main process: stages, frozen parts."""
        ...

    def loss(self, model: torch.nn.Module, batch: Batch, epoch: int) -> Mapping[str, torch.Tensor]:
        """{"loss": the scalar to descend, other names: its parts to be shown}, means over the
        batch. `model` may be wrapped for several processes: call it, do not look into it.
        """
        ...

    def validate(self, model: torch.nn.Module, context: JobContext) -> Mapping[str, float]:
        """The figures of the network in evaluation mode on the validation pictures; called
        without gradients, in the main process. Calls `context.check()` now and then.
        """
        ...

    def artifact(self, weights: Path, metrics: Mapping[str, float]) -> ModelArtifact:
        """The runnable model that `weights` (a file the loop has written) are."""
        ...

    def batch_pictures(self, batch: Batch) -> Sequence[Picture]:
        """A few examples of a batch with their labels drawn, (H, W, 3) uint8 BGR: proof to a
        person that pictures and labels move together.
        """
        ...

    def validation_pictures(self, model: torch.nn.Module) -> Sequence[Picture]:
        """Predictions of the network drawn on a few validation pictures, uint8 BGR."""
        ...
