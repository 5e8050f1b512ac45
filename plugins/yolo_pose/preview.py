"""The first batch as the training would see it, without a network."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from studio.core.errors import DataError
from studio.core.job import JobContext
from studio.ml.pictures import SHOWN

from .config import TrainOptions
from .guard import ultralytics
from .pictures import Pictures
from .preflight import Prepared
from .training import library_words

# What every network of the family divides its input by at most.
STRIDE = 32


def preview(options: TrainOptions, prepared: Prepared, context: JobContext) -> Sequence[Path]:
    """Draw `report/batch.jpg` in the run folder; its path. Raises DataError without pictures."""
    if context.run_dir is None or prepared.data is None or "train" not in prepared.splits:
        raise DataError("A preview needs checked data and a folder.")
    ultralytics()
    from ultralytics.cfg import get_cfg
    from ultralytics.utils import DEFAULT_CFG
    from ultralytics.utils.torch_utils import init_seeds

    from .trainer import CheckedDataset

    run_dir = context.run_dir
    arguments = get_cfg(DEFAULT_CFG, library_words(options, run_dir, run_dir / "data.yaml"))
    init_seeds(options.seed)
    pictures = CheckedDataset(
        items=prepared.splits["train"].items,
        img_path="",
        imgsz=options.imgsz,
        batch_size=SHOWN,
        augment=True,
        hyp=arguments,
        rect=False,
        cache=None,
        stride=STRIDE,
        pad=0.0,
        prefix="preview: ",
        task="pose",
        data={**prepared.data.to_yaml(), "channels": 3, "nc": len(prepared.data.categories)},
    )
    batch = pictures.collate_fn([pictures[i] for i in range(min(SHOWN, len(pictures)))])
    batch["img"] = batch["img"].float() / 255
    drawn = Pictures(context, run_dir, prepared.data.skeleton, prepared.splits["train"].items)
    return drawn.batch(batch)
