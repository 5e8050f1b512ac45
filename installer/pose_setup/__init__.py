"""The set-up behind `bootstrap.py`: standard library only, nothing of the studio imported."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
