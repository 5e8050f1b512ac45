"""How much memory a training will want, told before the start."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from studio.core.errors import Problem
from studio.ml.memory import MemoryNeed, kept_bytes, shortage
from studio.runtime.weights import find_weights

from .config import TrainOptions
from .data import TrainingData
from .guard import ultralytics

# What the network keeps grows with the picture's area: a small one tells for a large one.
_TRIED, _SIDE = 2, 160


def memory_warning(options: TrainOptions, data: TrainingData) -> Problem | None:
    """A warning where the batch will hardly fit; None where the library chooses it (-1), and for
    a run that goes on while the weights it once began from are gone.
    """
    gone = Path(options.pretrained).suffix == ".pt" and find_weights(options.pretrained) is None
    if options.batch < 1 or gone:
        return None
    return shortage(memory_need(options, data), options.batch, options.device)


def memory_need(options: TrainOptions, data: TrainingData) -> MemoryNeed:
    """Measured on the CPU in full precision, on a small picture, for pictures of `imgsz`."""
    ultralytics()
    import torch

    model = _network(options, data).float().train()
    weights = sum(t.numel() * t.element_size() for t in model.state_dict().values())
    trained = sum(p.numel() * p.element_size() for p in model.parameters())
    for parameter in model.parameters():
        parameter.requires_grad_(True)
    pictures = torch.zeros(_TRIED, 3, _SIDE, _SIDE)
    kept = kept_bytes(model, lambda: model(pictures))
    # Gradients, two moments, and the averaged weights that are always kept beside.
    fixed = 2 * weights + 3 * trained
    return MemoryNeed(fixed, round(kept / _TRIED * (options.imgsz / _SIDE) ** 2))


def _network(options: TrainOptions, data: TrainingData) -> Any:
    from ultralytics.nn.tasks import PoseModel

    weights = find_weights(options.pretrained)
    if weights is not None and weights.suffix == ".pt":
        from .loading import read_checkpoint

        model, _ = read_checkpoint(weights)
        return model
    shape = [len(data.skeleton), data.dims]
    return PoseModel(
        Path(options.pretrained).name if weights is None else str(weights),
        nc=len(data.categories), data_kpt_shape=shape, verbose=False,
    )  # fmt: skip
