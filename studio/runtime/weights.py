"""Where weights are looked for by their bare name."""

from __future__ import annotations

from pathlib import Path

import platformdirs


def weights_folder() -> Path:
    """The user's own folder of weights."""
    return Path(platformdirs.user_data_dir("pose-studio", appauthor=False)) / "weights"


def find_weights(name: str) -> Path | None:
    """The file that `name` means: a path, or a name in the weights folder."""
    given = Path(name).expanduser()
    for path in (given, weights_folder() / given.name):
        if path.is_file():
            return path.absolute()
    return None
