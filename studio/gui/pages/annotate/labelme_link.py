"""The picture in hand opened in labelme, where that is installed.

labelme runs as a program of its own and goes on when the window closes. What it saves is noticed
as any change by another program is: taken on (undo brings back what was), or asked about where
there are unsaved edits here.
"""

from __future__ import annotations

import importlib.util
import shlex
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QProcess, QProcessEnvironment

from studio.core.errors import MissingTool
from studio.gui.i18n import tr

if TYPE_CHECKING:
    from studio.gui.pages.annotate.page import AnnotatePage

# A command of the person's own, such as the labelme of another environment.
SETTING = "annotate/labelme"
# They tell our Qt from labelme's, which is another one.
_OURS = (
    "QT_API",
    "PYQTGRAPH_QT_LIB",
    "QT_PLUGIN_PATH",
    "QT_QPA_PLATFORM_PLUGIN_PATH",
    "QT_QPA_FONTDIR",
)


def labelme_command(own: str = "") -> tuple[str, ...]:
    """The words that start labelme; none where it is not installed."""
    if own.strip():
        return tuple(shlex.split(own))
    beside = Path(sys.executable).parent
    for name in ("labelme", "labelme.exe"):
        if (beside / name).is_file():
            return (str(beside / name),)
    found = shutil.which("labelme")
    if found is not None:
        return (found,)
    if importlib.util.find_spec("labelme") is not None:
        return (sys.executable, "-m", "labelme")
    return ()


class LabelmeLink(QObject):
    """Starts labelme on the picture in hand."""

    def __init__(self, page: AnnotatePage) -> None:
        super().__init__(page)
        self._page = page

    def open(self) -> bool:
        """Save, and open labelme; False, with the reason on the page, where it cannot be."""
        page = self._page
        picture = page.document.picture
        if picture is None:
            return False
        command = labelme_command(page.studio.settings.get(SETTING, ""))
        if not command:
            page.show_problem(
                MissingTool(
                    tr("labelme is not installed here."), hint="pip install 'pose-studio[labelme]'"
                )
            )
            return False
        if not page.document.save():
            return False
        process = QProcess(self)
        process.setProgram(command[0])
        process.setArguments([*command[1:], str(picture)])
        process.setWorkingDirectory(str(picture.parent))
        environment = QProcessEnvironment.systemEnvironment()
        for name in _OURS:
            environment.remove(name)
        process.setProcessEnvironment(environment)
        # Some releases of PySide say (started, process id) here, others only the first.
        answer: Any = process.startDetached()
        started = answer[0] if isinstance(answer, tuple) else bool(answer)
        process.deleteLater()
        if not started:
            page.show_problem(
                MissingTool(tr("labelme could not be started."), where=" ".join(command))
            )
            return False
        page.editor.said.emit(tr("What labelme saves appears here by itself."))
        return True
