"""The one door to ultralytics.

Imported plainly, ultralytics asks the network, may install packages, writes into the user's home,
logs to standard output and pins OpenCV and PyTorch to one thread for the whole process. Every module of this
plugin calls `ultralytics()` before it imports anything of it.
"""

from __future__ import annotations

import importlib.util
import logging
import os
import shutil
from functools import cache
from pathlib import Path
from types import ModuleType

import platformdirs

# Services that would write elsewhere or talk to somebody; TensorBoard files are ours to write.
_INTEGRATIONS = (
    "clearml", "comet", "dvc", "hub", "mlflow", "neptune", "raytune", "tensorboard", "wandb", "sync",
)  # fmt: skip


def config_folder() -> Path:
    """Ultralytics' settings and fonts, apart from those of the user's own `yolo`."""
    chosen = os.environ.get("POSE_STUDIO_ULTRALYTICS_DIR")
    root = Path(chosen) if chosen else Path(platformdirs.user_cache_dir("pose-studio", False))
    return root / "ultralytics"


@cache
def ultralytics() -> ModuleType:
    """The package, imported so that it asks nobody, installs nothing and prints nothing."""
    folder = config_folder()
    os.environ["YOLO_OFFLINE"] = "true"
    os.environ["YOLO_AUTOINSTALL"] = "false"
    os.environ["YOLO_VERBOSE"] = "false"
    os.environ["YOLO_CONFIG_DIR"] = str(folder)
    _place_fonts(folder / "Ultralytics")

    import cv2
    import torch  # noqa: F401 - counts the cores now; the package's import would leave it one
    from PIL import Image

    threads, open_picture = cv2.getNumThreads(), Image.open
    asked = os.environ.get("OMP_NUM_THREADS")
    # The import announces its settings file; what follows the import is at our level.
    logger = logging.getLogger("ultralytics")
    logger.setLevel(logging.WARNING)
    import ultralytics as package
    from ultralytics.utils import SETTINGS, patches  # noqa: F401 - its import replaces things

    if asked is None:
        os.environ.pop("OMP_NUM_THREADS", None)
    cv2.setNumThreads(threads)
    # The package's own would try to install a decoder for every file that is no picture.
    Image.open = open_picture
    logger.setLevel(logging.WARNING)
    for handler in list(logger.handlers):
        logger.removeHandler(handler)
    for name in _INTEGRATIONS:
        if SETTINGS.get(name):
            SETTINGS[name] = False
    return package


def _place_fonts(folder: Path) -> None:
    """Put a font where ultralytics looks for one, or it asks the network."""
    spec = importlib.util.find_spec("matplotlib")
    if spec is None or spec.origin is None:
        return
    source = Path(spec.origin).parent / "mpl-data" / "fonts" / "ttf" / "DejaVuSans.ttf"
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("Arial.ttf", "Arial.Unicode.ttf"):
        target = folder / name
        if not target.is_file() and source.is_file():
            part = folder / f"{name}.{os.getpid()}.part"
            shutil.copyfile(source, part)
            try:
                part.replace(target)
            except PermissionError:
                # Windows: another process placed it a moment ago and reads it.
                part.unlink()
                if not target.is_file():
                    raise
