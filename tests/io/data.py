"""Where the shared test data stands, and small pictures to test with."""

from pathlib import Path

import numpy as np
import pytest

from studio.io.images import write_image

SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data"


def shared(name: str) -> Path:
    """A folder or file of the shared test data; the test skips where it is absent."""
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"needs ../shared/data/{name}")
    return path


def shared_files(folder: str, pattern: str) -> list[Path]:
    """Files to parametrize over; one that skips where the data is absent."""
    return sorted((SHARED / folder).rglob(pattern)) or [SHARED / folder / pattern]


def small_picture(path: Path, size: tuple[int, int] = (64, 48), value: int = 90) -> Path:
    """A plain picture of `size` (width, height)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_image(path, np.full((size[1], size[0], 3), value, np.uint8))
    return path
