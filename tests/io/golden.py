"""Golden files: what a format looked like when it was last looked at. Written anew where
`POSE_STUDIO_WRITE_GOLDEN` is set."""

import os
from pathlib import Path

GOLDEN = Path(__file__).resolve().parents[1] / "golden"


def check_golden(name: str, text: str) -> None:
    """Compare `text` with the golden file of that name."""
    path = GOLDEN / name
    if os.environ.get("POSE_STUDIO_WRITE_GOLDEN"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
    assert path.read_text(encoding="utf-8") == text
