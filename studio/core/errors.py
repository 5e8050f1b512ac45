"""What can go wrong, as values that tell a person what to do next."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


class StudioError(Exception):
    """Something a person can understand and act on.

    `message` says what happened, `where` names the file, line or field, and `hint` says
    what to do. Everything the studio raises on purpose is one of these; anything else that
    reaches the top is a defect of ours and is shown with its traceback.
    """

    exit_status = 1

    def __init__(self, message: str, *, where: str | Path | None = None, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.where = None if where is None else str(where)
        self.hint = hint

    def __str__(self) -> str:
        where = f" ({self.where})" if self.where else ""
        hint = f" {self.hint}" if self.hint else ""
        return f"{self.message}{where}{hint}"


class UsageError(StudioError):
    """The request itself is wrong: an unknown option, a value out of its range."""

    exit_status = 2


class Cancelled(StudioError):
    """The user asked for an end before the work was done."""

    exit_status = 3

    def __init__(self, message: str = "Cancelled.", **details: str) -> None:
        super().__init__(message, **details)


class FileProblem(StudioError):
    """A file is missing, unreadable, damaged or of another kind than it should be."""


class FormatError(FileProblem):
    """A file was read, and what stands in it is not what its format allows."""


class DataError(StudioError):
    """A dataset, a label or a skeleton does not fit what is asked of it."""


class ModelError(StudioError):
    """A model file is of another kind, or its inputs or outputs are not what was promised."""


class MissingTool(StudioError):
    """An optional package or program is not installed; `hint` holds the command that installs it."""


class DeviceError(StudioError):
    """A camera, a GPU or another device is not there or stopped answering."""


class PluginError(StudioError):
    """A plugin's manifest or code cannot be used."""


@dataclass(frozen=True)
class Problem:
    """One finding of a check made before the work starts, or of a conversion.

    `severity` is "error" (the work cannot start, or this file was left out) or "warning".
    `line` counts from 1.
    """

    message: str
    where: str = ""
    line: int | None = None
    hint: str = ""
    severity: str = "error"

    def __str__(self) -> str:
        place = self.where + (f":{self.line}" if self.line is not None else "")
        return ": ".join(part for part in (place, self.message) if part) + (
            f" {self.hint}" if self.hint else ""
        )
