"""The journal of edits that are not yet in their file, and what it gives back after a crash.

`.studio/journal/<session>.jsonl`, one file for each running window. The first line names the
process; each further line is one of

    {"picture", "base", "edit"}   an edit made, on the file whose content hash is `base`
    {"picture", "mark": n}        the content of this moment is being written in the background
    {"picture", "saving": hash, "mark": n}
                                  the file is about to be replaced by content of that hash, which
                                  holds all steps up to that mark (without one: up to this line)
    {"picture", "done": true}     nothing of this picture is unsaved any more

Lines are flushed as they are made: a killed program loses at most the edit in hand. A line cut
short at the end is that edit and is left out. Where the project cannot be written (read-only, a
full disk, a drive that went away) the journal goes on in the person's own data folder.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import orjson

from studio.core.annotation import AnnotatedImage
from studio.core.edits import Edit
from studio.core.errors import FileProblem, StudioError
from studio.io import labelme
from studio.io.edit_codec import decode, encode
from studio.io.files import problem_of, read_bytes

FOLDER = Path(".studio") / "journal"
NO_FILE = ""
Line = dict[str, Any]


def content_hash(data: bytes) -> str:
    """The hash that tells one content of an annotation file from another."""
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def file_hash(path: Path) -> str:
    """`content_hash` of a file, NO_FILE where there is none. Raises FileProblem."""
    return content_hash(read_bytes(path)) if path.is_file() else NO_FILE


@dataclass(frozen=True)
class Recovery:
    """The unsaved edits of one picture, as a killed window left them.

    `picture` is absolute, `name` is what the journal calls it; `journal` is the file that holds
    them; `image` is what the picture's
    annotations would be with them, or None with the reason in `problem`.
    """

    picture: Path
    name: str
    journal: Path
    edits: tuple[Edit, ...]
    image: AnnotatedImage | None
    problem: StudioError | None = None


class Journal:
    """This window's own journal in one project. Made when the first edit is; gone when clean."""

    def __init__(self, project: Path) -> None:
        self.project = project
        self.folder = project / FOLDER
        # Why the journal had to move out of the project, once it had to.
        self.trouble: FileProblem | None = None
        self._path: Path | None = None
        self._open: set[Path] = set()
        self._written: list[bytes] = []
        self._marks = 0

    @property
    def path(self) -> Path | None:
        """The journal's file, once there is one."""
        return self._path

    def record(self, picture: Path, base: str, edit: Edit, size: tuple[int, int]) -> None:
        """Write an edit down. Raises FileProblem.

        `base`: content hash of the picture's file; `size`: the picture's width and height.
        """
        self._open.add(picture)
        line = {"picture": self._name(picture), "base": base, "size": size, "edit": encode(edit)}
        self._write(line)

    def mark(self, picture: Path) -> int:
        """The picture's content of this moment will be written in the background. Raises
        FileProblem.
        """
        self._marks += 1
        if picture in self._open:
            self._write({"picture": self._name(picture), "mark": self._marks})
        return self._marks

    def saving(self, picture: Path, content: str, mark: int | None = None) -> None:
        """The picture's file is about to get content of this hash: that of `mark`, or of now.

        From any thread. Raises FileProblem.
        """
        if picture in self._open:
            line: Line = {"picture": self._name(picture), "saving": content}
            self._write(line if mark is None else line | {"mark": mark})

    def done(self, picture: Path) -> None:
        """All of the picture's edits are in its file, or were taken back. Raises FileProblem."""
        if picture not in self._open:
            return
        self._open.discard(picture)
        if self._open:
            self._write({"picture": self._name(picture), "done": True})
        else:
            self.close()

    def close(self) -> None:
        """Nothing is unsaved any more: the journal goes."""
        self._open.clear()
        self._written.clear()
        if self._path is not None:
            # On a drive that went away it stays, and is found to hold nothing unsaved.
            _remove(self._path, self.project)
            self._path = None

    def _name(self, picture: Path) -> str:
        if picture.is_relative_to(self.project):
            return picture.relative_to(self.project).as_posix()
        return str(picture)

    def _write(self, line: Line) -> None:
        data = orjson.dumps(line) + b"\n"
        if self._path is None:
            self._path = self.folder / f"{time.time_ns():x}-{os.getpid()}.jsonl"
            head = {"v": 1, **_this_process(), "project": str(self.project)}
            self._written = [orjson.dumps(head) + b"\n"]
            data = self._written[0] + data
        try:
            if not self.project.is_dir():
                # A drive that went away: nothing is made in its place.
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
            _append(self._path, data)
        except OSError as error:
            if not self._move(error, self._path, data):
                if len(self._written) == 1:
                    self._path = None
                raise problem_of(error, self.folder, "write") from error
        self._written.append(orjson.dumps(line) + b"\n")

    def _move(self, error: OSError, failed: Path, data: bytes) -> bool:
        """Go on elsewhere, with all that was written so far; False where that fails too."""
        place = elsewhere(self.project)
        if failed.parent == place:
            return False
        moved = place / failed.name
        begins = data.startswith(self._written[0])
        try:
            _append(moved, data if begins else b"".join([*self._written, data]))
        except OSError:
            return False
        self._path = moved
        problem = problem_of(error, failed, "write")
        self.trouble = FileProblem(
            problem.message,
            where=problem.where,
            hint=f"Edits are safe meanwhile: they are kept in {place}.",
        )
        return True


def _append(path: Path, data: bytes) -> None:
    # Opened each time: what is written stands in the file whatever happens next.
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as stream:
        stream.write(data)


def _remove(path: Path, project: Path) -> None:
    """Remove a journal, and what stayed in the project of one that moved."""
    for place in (path, project / FOLDER / path.name):
        with contextlib.suppress(OSError):
            place.unlink(missing_ok=True)


def elsewhere(project: Path) -> Path:
    """Where the journal of a project that cannot be written stands."""
    import platformdirs

    given = os.environ.get("POSE_STUDIO_DATA_DIR")
    base = Path(given or platformdirs.user_data_dir("pose-studio", appauthor=False))
    mark = hashlib.sha256(str(project).encode()).hexdigest()[:16]
    return base / "journal" / mark


def leftovers(project: Path) -> tuple[Recovery, ...]:
    """The unsaved edits that windows left behind which are no longer running.

    No annotation is changed; a journal that holds nothing unsaved is removed. Edits that cannot
    be read, or do not fit the file any more, come as a Recovery with its problem.
    """
    found: list[Recovery] = []
    for path in _journals(project):
        if _is_running(_head(path)):
            continue
        unsaved = _unsaved(path, project)
        if not unsaved:
            # Its window ended with everything saved, but had no time to say so.
            _remove(path, project)
        found += [_replay(path, project, name, entries) for name, entries in unsaved.items()]
    return tuple(found)


def forget(recovery: Recovery) -> None:
    """The picture's edits are restored or not wanted: they leave the old journal.

    Raises FileProblem.
    """
    line = {"picture": recovery.name, "done": True}
    try:
        with recovery.journal.open("ab") as stream:
            # The last line may have been cut short.
            stream.write(b"\n" + orjson.dumps(line) + b"\n")
        project = _project_of(recovery.journal)
        if not _unsaved(recovery.journal, project):
            _remove(recovery.journal, project)
    except OSError as error:
        raise problem_of(error, recovery.journal, "write") from error


def _journals(project: Path) -> list[Path]:
    """All journals of a project; one that had to move counts where it went on."""
    found: dict[str, Path] = {}
    for folder in (project / FOLDER, elsewhere(project)):
        if folder.is_dir():
            found |= {path.name: path for path in folder.glob("*.jsonl")}
    return [found[name] for name in sorted(found)]


def _project_of(path: Path) -> Path:
    said = _head(path).get("project")
    if path.parent.parent.name == FOLDER.parts[0] or not isinstance(said, str):
        return path.parents[2]
    return Path(said)


def _unsaved(path: Path, project: Path) -> dict[str, list[Line]]:
    """The steps of each picture that its file does not hold."""
    pictures: dict[str, list[Line]] = {}
    for line in _lines(path):
        name = line.get("picture")
        if not isinstance(name, str):
            continue
        if line.get("done"):
            pictures.pop(name, None)
        else:
            pictures.setdefault(name, []).append(line)
    kept = {name: _after_save(project / name, lines) for name, lines in pictures.items()}
    return {name: lines for name, lines in kept.items() if lines}


def _after_save(picture: Path, lines: list[Line]) -> list[Line]:
    """The steps after the last save that did happen."""
    edits = [line for line in lines if "edit" in line]
    if not any("saving" in line for line in lines):
        return edits
    try:
        now = file_hash(labelme.annotation_path(picture))
    except FileProblem:
        now = NO_FILE
    start = 0
    marks: dict[object, int] = {}
    for number, line in enumerate(lines):
        if "saving" in line:
            if line["saving"] == now:
                start = marks.get(line.get("mark"), number + 1)
        elif "mark" in line:
            marks[line["mark"]] = number + 1
    return [line for line in lines[start:] if "edit" in line]


def _replay(path: Path, project: Path, name: str, entries: list[Line]) -> Recovery:
    picture = project / name
    edits: list[Edit] = []
    image: AnnotatedImage | None = None
    problem: StudioError | None = None
    try:
        edits += [decode(entry["edit"]) for entry in entries]
        annotation = labelme.annotation_path(picture)
        width, height = entries[0].get("size") or (0, 0)
        image = labelme.new_image(picture, (width, height))
        if annotation.is_file():
            image = labelme.read(annotation)
        for edit in edits:
            image = edit.apply(image)
    except StudioError as error:
        image, problem = None, error
    return Recovery(picture, name, path, tuple(edits), image, problem)


def _head(path: Path) -> Line:
    for line in _lines(path):
        return line
    return {}


def _lines(path: Path) -> Iterator[Line]:
    try:
        data = read_bytes(path)
    except FileProblem:
        return
    for raw in data.split(b"\n"):
        try:
            value: Any = orjson.loads(raw)
        except orjson.JSONDecodeError:
            continue
        if isinstance(value, dict):
            yield cast("Line", value)


def _this_process() -> Line:
    import psutil

    return {"pid": os.getpid(), "born": psutil.Process().create_time()}


def _is_running(head: Line) -> bool:
    import psutil

    pid, born = head.get("pid"), head.get("born")
    if not isinstance(pid, int) or not isinstance(born, int | float):
        return False
    try:
        process = psutil.Process(pid)
        same = abs(process.create_time() - born) < 1.0
        return same and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False
