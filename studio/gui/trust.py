"""Asks a person, once a file, before a job opens a checkpoint that brings code of its own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtWidgets import QApplication, QMessageBox, QPushButton, QWidget

from studio.core.errors import StudioError
from studio.core.job import JobSpec
from studio.gui.i18n import tr
from studio.gui.settings import Settings
from studio.io.trust import AGREED, Probe, checkpoints_in, fingerprint, probe
from studio.runtime.weights import weights_folder

AGREED_KEY = "agreed_files"

Ask = Callable[[Probe], bool]


class Untrusted(StudioError):
    """A checkpoint that brings code, and that nobody agreed to open."""


class TrustGuard:
    """Stands before every job of the window.

    ask: whether to open such a file; a question in a box of its own by default.
    """

    def __init__(self, settings: Settings, ask: Ask | None = None) -> None:
        self._settings = settings
        self.ask: Ask = ask or ask_in_a_box

    def admit(self, spec: JobSpec) -> dict[str, str]:
        """The environment for the job's process: what may be opened there.

        Asks for each new file. Raises Untrusted where the answer is no, FileProblem where a file
        cannot be read.
        """
        for path in checkpoints_in(spec.options, [weights_folder()]):
            found = probe(path)
            if not found.known and not self.is_agreed(path):
                if not self.ask(found):
                    raise _refusal(found)
                self.agree(path)
        return {AGREED: ",".join(self._agreed())}

    def is_agreed(self, path: Path) -> bool:
        """Whether a person agreed to this file with this very content."""
        return self._agreed().get(fingerprint(path)) is not None

    def agree(self, path: Path) -> None:
        """Remember it; the same content elsewhere is not asked about again."""
        self._settings.set(AGREED_KEY, {**self._agreed(), fingerprint(path): str(path)})
        self._settings.sync()

    def _agreed(self) -> dict[str, str]:
        return self._settings.get(AGREED_KEY, {})


def _refusal(found: Probe) -> Untrusted:
    names = ", ".join((found.mischief or found.unknown)[:4])
    why = (
        f"it wants {names}, which no model needs: it looks hostile"
        if found.mischief
        else f"it wants {names}, which the studio does not know"
    )
    return Untrusted(
        f"This file was not opened: {why}.",
        where=found.path,
        hint="Opening it would run code of whoever made it. Take weights from a source you trust, "
        "or start again and agree.",
    )


def ask_in_a_box(found: Probe) -> bool:
    """The question; "no" is what Enter and Esc say."""
    parent: QWidget | None = QApplication.activeWindow()
    box = QMessageBox(parent)
    box.setIcon(QMessageBox.Icon.Critical if found.mischief else QMessageBox.Icon.Warning)
    box.setWindowTitle("Pose Studio")
    box.setText(tr("Opening {name} runs code of whoever made it.", name=found.path.name))
    box.setInformativeText(_explanation(found))
    box.setDetailedText("\n".join((str(found.path), "", *found.unknown)))
    agree = QPushButton(tr("Open it all the same"))
    refuse = QPushButton(tr("Do not open it"))
    box.addButton(agree, QMessageBox.ButtonRole.AcceptRole)
    box.addButton(refuse, QMessageBox.ButtonRole.RejectRole)
    box.setDefaultButton(refuse)
    box.setEscapeButton(refuse)
    box.exec()
    return box.clickedButton() is agree


def _explanation(found: Probe) -> str:
    names = "\n".join(f"• {name}" for name in (found.mischief or found.unknown)[:6])
    if found.mischief:
        told = tr("It wants functions that no model needs. This looks hostile.")
    else:
        told = tr("It wants more than the model classes that the studio knows.")
    advice = tr("Open it only if you trust where it came from. You are asked once for this file.")
    return f"{told}\n{names}\n\n{advice}"
