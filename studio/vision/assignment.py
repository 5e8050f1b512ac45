"""Who belongs to whom: pairs of two groups by how alike they are."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def best_pairs(similar: npt.NDArray[np.floating], least: float) -> list[tuple[int, int]]:
    """Pairs (row, column), each at most once, whose likenesses have the largest sum (H. Kuhn's
    Hungarian method); none below `least`. In the order of the rows.
    """
    from scipy.optimize import linear_sum_assignment

    if not similar.size:
        return []
    # What is too little alike is worth nothing: it must not decide who else goes together.
    worth = np.where(similar >= least, similar, 0.0)
    rows, columns = linear_sum_assignment(-worth)
    return [(int(r), int(c)) for r, c in zip(rows, columns, strict=True) if similar[r, c] >= least]
