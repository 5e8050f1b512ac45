"""The three ways to begin: from nothing, from all of a model's weights, from those that match."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from studio.core.errors import ModelError
from studio.ml.checkpoints import (
    State,
    Transfer,
    Weights,
    check_family,
    compare,
    load_exactly,
    read_weights,
    transfer,
)
from studio.ml.run_files import best_of

from .config import FAMILY, TrainOptions
from .keys import is_alphapose, renamed

if TYPE_CHECKING:
    from torch import nn


def start_from(model: nn.Module, options: TrainOptions) -> Transfer | None:
    """Give `model` what the options name; what came over. None: it starts from nothing.

    Raises ModelError where --pretrained does not fit whole, or nothing of --try-load matches.
    """
    if options.backbone_weights is not None and not (options.pretrained or options.try_load):
        return _backbone(model, options.backbone_weights)
    if options.pretrained:
        weights = read_weights(weights_file(options.pretrained))
        state = our_state(weights)
        load_exactly(model, weights, state)
        return compare(model, state)
    if options.try_load:
        weights = read_weights(weights_file(options.try_load))
        found = transfer(model, our_state(weights))
        if not found.matched:
            raise ModelError(f"Nothing in these weights fits: {found}", where=weights.path)
        return found
    return None


def weights_file(given: str) -> Path:
    """The file that a path means: itself, or the best weights of a run's folder."""
    path = Path(given).expanduser()
    return best_of(path) if path.is_dir() else path


def our_state(weights: Weights) -> State:
    """The tensors under our names. Raises ModelError where they are of another family."""
    check_family(weights, FAMILY)
    return renamed(weights.state) if is_alphapose(weights.state) else weights.state


def _backbone(model: nn.Module, path: Path) -> Transfer:
    """A classification network's own weights, as timm and torchvision name them."""
    backbone: nn.Module = model.get_submodule("backbone")
    weights = read_weights(path.expanduser())
    found = transfer(backbone, weights.state)
    if not found.matched:
        raise ModelError(
            f"Nothing in this file fits the backbone: {found}",
            where=path,
            hint="Give weights of the same network, as timm or torchvision publish them.",
        )
    return found
