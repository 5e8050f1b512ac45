"""Pose Studio: annotate, train, judge, export and watch pose models.

The rooms, from the top floor down; a room imports only from floors below it:

    cli  >  gui | jobs  >  exporting  >  ml | metrics | runtime  >  vision | io  >  registry  >  core

`gui` and `jobs` never import each other. Qt is imported in `gui` alone. Vendors
(ultralytics, ...) are imported in their own plugin alone.
"""

from pathlib import Path

__version__ = "0.1.0"

_HERE = Path(__file__).resolve().parent


def _bundled(name: str) -> Path:
    """Folder `name`, which travels inside a wheel and stands beside `studio/` in a checkout."""
    inside = _HERE / name
    return inside if inside.is_dir() else _HERE.parent / name


RESOURCES: Path = _bundled("resources")
PLUGINS: Path = _bundled("plugins")

# A plugin has one import name only, `studio.plugins.<name>`, wherever its folder stands.
if PLUGINS.parent != _HERE:
    __path__.append(str(PLUGINS.parent))
