"""A plugin whose target runs in tools of its own: a wheel of a few lines, installed for real."""

from __future__ import annotations

from pathlib import Path

from tests.installer.conftest import make_wheel

TOOLS = "kiln"
MANIFEST = f"""
name = "kiln_device"
title = "Kiln"
[[contributes]]
kind = "target"
id = "kiln"
title = "Kiln"
summary = "Burns clay."
group = "mcu"
icon = "chip"
worker = "{TOOLS}"
options = "config:KilnOptions"
entry = "target:Kiln"
"""
WORKER = """
title = "Kiln tools"
license = "MIT"
megabytes = 3
requires = ["potter==1.0", "glazier==1.0"]
"""
CONFIG = """
from dataclasses import dataclass
from studio.core.options import Options, option

@dataclass(frozen=True)
class KilnOptions(Options):
    half: bool = option(False, title="Half precision")
    int8: bool = option(False, title="Whole numbers")
"""
TARGET = """
from studio.core.errors import Problem
from studio.io.toolchains import find_worker, run_in

class Kiln:
    def problems(self, artifact, options):
        found = []
        if artifact.task == "head-pose":
            found.append(Problem("Clay has no heads."))
        if options.half and options.int8:
            found.append(Problem("Either half or int8.", where="int8"))
        return found

    def export(self, artifact, options, out, context):
        run_in(find_worker("kiln"), "potter:burn", {"out": str(out)}, context)
        raise NotImplementedError
"""
POTTER = """
import glazier

def burn(request):
    print("the kiln is hot")
    return {"glaze": glazier.GLAZE, "out": request["out"]}
"""


def make_plugin(folder: Path) -> Path:
    """The plugin in `folder`/plugins, its wheels in `folder`/wheels; the folder of plugins."""
    place = folder / "plugins" / "kiln_device"
    (place / "workers").mkdir(parents=True)
    for name, text in (
        ("plugin.toml", MANIFEST),
        ("__init__.py", ""),
        ("config.py", CONFIG),
        ("target.py", TARGET),
        (f"workers/{TOOLS}.toml", WORKER),
    ):
        (place / name).write_text(text, encoding="utf-8")
    make_wheel(folder / "wheels", "potter", {"potter.py": POTTER})
    make_wheel(folder / "wheels", "glazier", {"glazier.py": "GLAZE = 'blue'\n"})
    return folder / "plugins"
