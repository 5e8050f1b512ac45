"""Which weights of a search stay on the disk."""

from __future__ import annotations

import shutil
from pathlib import Path

from studio.core.artifact import MODEL_JSON
from studio.core.requests.search import ALL, BEST
from studio.jobs.search_study import CANCELLED, RUNNING, Study

WEIGHTS = "weights"


def keep_weights(folder: Path, study: Study, keep: str) -> None:
    """Remove the weights of trials that `keep` does not name; their curves and tables stay."""
    if keep == ALL:
        return
    best = study.best
    for trial in study.trials.values():
        is_best = keep == BEST and best is not None and trial.number == best.number
        if trial.state == RUNNING or not trial.folder or is_best:
            continue
        run_dir = folder / trial.folder
        weights = run_dir / WEIGHTS
        if trial.state == CANCELLED or weights.is_dir():
            shutil.rmtree(weights, ignore_errors=True)
            # Without its weights it describes nothing that could be run.
            (run_dir / MODEL_JSON).unlink(missing_ok=True)
