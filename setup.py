"""Packs plugins/ and resources/ inside the wheel; everything else stands in pyproject.toml."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

INSIDE = ("plugins", "resources")


class BuildWithRooms(build_py):
    """Adds the rooms that stand beside `studio/` in a checkout as `studio/<room>`."""

    def run(self) -> None:
        """Copy them after the package itself; an editable install finds them where they stand."""
        if not self.editable_mode:
            # What an earlier build left would be packed again.
            shutil.rmtree(Path(self.build_lib, "studio"), ignore_errors=True)
        super().run()
        if self.editable_mode:
            return
        for room in INSIDE:
            target = Path(self.build_lib, "studio", room)
            shutil.copytree(room, target, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))


setup(cmdclass={"build_py": BuildWithRooms})
