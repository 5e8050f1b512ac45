"""People from the maps of a head that leaves the arithmetic after it to others."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from studio.runtime.raw_heads import decoded_maps, raw_shapes

from .base import JOINTS, SIZE, Picture
from .people import Looker


class RawLooker(Looker):
    """The seven maps are told by their shapes and decoded here."""

    def answer(self, pictures: Picture) -> npt.NDArray[np.float32]:
        """The maps as the one output of a model that decodes them itself."""
        by_shape = {output.shape[1:]: output for output in self.network(pictures)}
        maps = tuple(by_shape[shape[1:]] for shape in raw_shapes(SIZE, len(JOINTS)))
        return decoded_maps(maps, SIZE)
