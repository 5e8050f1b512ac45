"""What a training starts from: a backbone's weights, the original's, or an earlier training's."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from studio.core.errors import ModelError
from studio.ml.checkpoints import Transfer, check_family, read_weights, transfer
from studio.ml.run_files import best_of
from studio.runtime.weights import find_weights, weights_folder

from .config import AUTO, FAMILY, NOTHING, ORIGINAL, ORIGINAL_WEIGHTS, TrainOptions
from .keys import is_deployed, renamed

if TYPE_CHECKING:
    from torch import nn


def weights_of(options: TrainOptions) -> Path | None:
    """The file to start from; None for nothing. Raises ModelError where it is not there."""
    given = options.pretrained
    if given in ("", NOTHING):
        return None
    if given == AUTO:
        return find_weights(ORIGINAL_WEIGHTS) if options.backbone == ORIGINAL else None
    path = Path(given).expanduser()
    path = best_of(path) if path.is_dir() else path
    found = find_weights(str(path))
    if found is None:
        raise ModelError(
            f"The weights file {given} is not there.",
            where="pretrained",
            hint=f"Give its path, or put it into {weights_folder()}; nothing is downloaded unasked.",
        )
    return found


def start_from(model: nn.Module, options: TrainOptions) -> Transfer | None:
    """Give `model` what matches of the weights that the options name; what came over.

    Raises ModelError where nothing of it matches.
    """
    path = weights_of(options)
    if path is None:
        return None
    weights = read_weights(path)
    check_family(weights, FAMILY)
    state = weights.state if weights.family else renamed(weights.state)
    if is_deployed(weights.state):
        raise ModelError(
            "In these weights each block's branches are one convolution already; they can be run "
            "but not trained on.",
            where=path,
            hint="Give weights as they were trained, such as RepVGG-B1g2-train.pth.",
        )
    found = transfer(model, state)
    # Counters and a few biases fit any network.
    if not any(state[name].ndim > 1 for name in found.matched):
        raise ModelError(f"Nothing in these weights fits: {found}", where=path)
    return found
