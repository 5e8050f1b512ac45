"""What forms offer for a dataset, a model or a skeleton: what stands in the open project."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from studio.core.options import N_, Choice, OptionField
from studio.gui import project_items
from studio.gui.i18n import tr
from studio.runtime.weights import weights_folder

if TYPE_CHECKING:
    from studio.gui.context import StudioContext
    from studio.gui.forms import OptionsForm


ORIGINS = {"sample": N_("{name} (comes along)"), "run": N_("Run {name}")}
# A model's description: the family makes the model from it, there is no file to look for.
DESCRIPTIONS = (".yaml", ".yml")


def is_there(text: str, *, descriptions: bool = True) -> bool:
    """Whether weights, a dataset or a folder as written in a form are on the disk. Nothing
    written is no mistake, nor are (with `descriptions`) names of model descriptions.
    """
    if not text or (descriptions and Path(text).suffix.lower() in DESCRIPTIONS):
        return True
    try:
        given = Path(text).expanduser()
        return given.exists() or (given.name == text and (weights_folder() / text).is_file())
    except (OSError, RuntimeError, ValueError):  # a name that no file can have, a home not known
        return False


def words_of(field: OptionField) -> frozenset[str]:
    """What a field offers that names no file: "auto", "none"."""
    offered = field.offers() if field.offers is not None else ()
    values = (str(c.value) for c in offered)
    return frozenset(v for v in values if v and not Path(v).suffix)


def absent_fields(form: OptionsForm) -> tuple[str, ...]:
    """Fields that name a file or folder that is not there; each says so under itself."""
    absent = tuple(
        name
        for name, editor in form.editors.items()
        if editor.field.kind in ("model", "dataset", "file", "folder")
        and not is_there(editor.text().strip())
        and editor.text().strip() not in words_of(editor.field)
    )
    for name in absent:
        form.show_error(name, tr("This is not there."))
    return absent


def forget_project(form: OptionsForm, folder: Path | None) -> None:
    """Of a project that was closed nothing stays in a form: what names a file in it goes back to
    its default.
    """
    if folder is None:
        return
    for editor in form.editors.values():
        if editor.field.kind not in ("model", "dataset", "file", "folder"):
            continue
        if Path(editor.text().strip()).is_relative_to(folder):
            editor.set_value(editor.field.default)


def starting_points(
    studio: StudioContext, family: str, fields: Sequence[OptionField]
) -> Callable[[], Sequence[Choice]]:
    """What a training of `family` can begin with: weights that come along, the project's own
    runs, then what the family names and is there, and descriptions of models.
    """

    def offer() -> Sequence[Choice]:
        folder = Path(studio.project.folder) if studio.project is not None else None
        mine = [
            m
            for m in project_items.models(folder)
            if m.family == family and m.origin in ORIGINS and m.weights is not None
        ]
        mine.sort(key=lambda m: m.origin != "sample")
        found = [
            Choice(str(m.weights), tr(ORIGINS[m.origin], name=m.title.rsplit(" / ", 1)[-1]))
            for m in mine
        ]
        for field in fields:
            named = field.offers() if field.offers is not None else ()
            words = words_of(field)
            found += [c for c in named if is_there(str(c.value)) or str(c.value) in words]
        return found

    return offer


def suggestions(studio: StudioContext) -> dict[str, Callable[[], Sequence[Choice]]]:
    """By an option's `kind`; each is asked again when a form is refreshed."""

    def project() -> Path | None:
        return Path(studio.project.folder) if studio.project is not None else None

    def datasets() -> Sequence[Choice]:
        folder = project()
        found = project_items.dataset_folders(folder) if folder else []
        return [Choice(str(d), d.name) for d in found]

    def models() -> Sequence[Choice]:
        return [Choice(str(m.path), m.title) for m in project_items.models(project())]

    def skeletons() -> Sequence[Choice]:
        from studio.io.skeletons import skeleton_files

        return [Choice(name, name) for name in skeleton_files(project())]

    return {"dataset": datasets, "model": models, "skeleton": skeletons}
