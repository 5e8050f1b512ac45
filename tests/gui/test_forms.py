"""The form is made from the declaration: values, mistakes, defaults, languages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QCheckBox, QComboBox, QLineEdit, QWidget
from pytestqt.qtbot import QtBot

from studio.core.errors import UsageError
from studio.core.options import Choice, Options, Rule, option
from studio.gui.forms import OptionsForm
from studio.gui.i18n import tr, translator


@dataclass(frozen=True)
class Sample(Options):
    rules = (Rule("patience", "Patience is below the epochs.", lambda o: o.patience < o.epochs),)

    data: Path = option(title="Dataset", kind="dataset")
    epochs: int = option(100, title="Epochs", minimum=1, maximum=1000)
    rate: float = option(0.01, title="Learning rate", minimum=0)
    imgsz: int = option(640, title="Picture size", unit="px", multiple_of=32)
    amp: bool = option(True, title="Mixed precision")
    device: str = option("auto", title="Device", choices=("auto", "cpu"))
    steps: tuple[int, ...] = option((), title="Steps", advanced=True)
    seed: int | None = option(None, title="Seed", advanced=True)
    patience: int = option(50, title="Patience", advanced=True)


def make(qtbot: QtBot, **values: object) -> OptionsForm:
    form = OptionsForm(Sample, {"data": "/some/data", **values})
    qtbot.addWidget(form)
    form.show()
    return form


def line(form: OptionsForm, name: str) -> QLineEdit:
    edit = form.editors[name].input
    assert isinstance(edit, QLineEdit)
    return edit


def test_values_come_back_as_they_went_in(qtbot: QtBot) -> None:
    values = {
        "epochs": 30,
        "rate": 0.002,
        "amp": False,
        "device": "cpu",
        "steps": [3, 5],
        "seed": 7,
        "patience": 4,
    }
    form = make(qtbot, **values)
    expected = Sample.from_mapping({"data": "/some/data", **values})
    assert form.options() == expected
    assert form.values() == {"data": "/some/data", **values}


def test_defaults_are_shown_as_defaults(qtbot: QtBot) -> None:
    form = make(qtbot)
    assert line(form, "epochs").text() == ""
    assert line(form, "epochs").placeholderText() == "100"
    assert line(form, "seed").placeholderText() == "Automatic"
    assert form.options() == Sample(data=Path("/some/data"))
    assert form.values() == {"data": "/some/data"}


def test_changed_values_are_marked_and_can_be_reset(qtbot: QtBot) -> None:
    form = make(qtbot)
    editor = form.editors["epochs"]
    assert not editor.mark.isVisible()
    qtbot.keyClicks(line(form, "epochs"), "120")
    assert editor.mark.isVisible()
    qtbot.mouseClick(editor.reset_button, Qt.MouseButton.LeftButton)
    assert not editor.mark.isVisible()
    assert form.options().to_mapping()["epochs"] == 100


@pytest.mark.parametrize(
    ("name", "typed", "says"),
    [
        ("epochs", "0", "Epochs must be at least 1"),
        ("epochs", "2000", "at most 1000"),
        ("epochs", "many", "not a whole number"),
        ("imgsz", "100", "multiple of 32"),
        ("rate", "-1", "at least 0"),
        ("rate", "inf", "finite"),
        ("steps", "1,x", "not a list"),
    ],
)
def test_mistakes_stand_under_their_field(qtbot: QtBot, name: str, typed: str, says: str) -> None:
    form = make(qtbot)
    form.advanced_button.click()
    line(form, name).setText(typed)
    editor = form.editors[name]
    assert editor.error.isVisible()
    assert says in editor.error.text()
    assert editor.input.property("invalid") is True
    assert [p.where for p in form.problems()] == [name]
    with pytest.raises(UsageError):
        form.options()
    line(form, name).setText("")
    assert not editor.error.isVisible()


def test_rules_between_fields(qtbot: QtBot) -> None:
    form = make(qtbot, epochs=10)
    assert form.editors["patience"].error.text() == "Patience is below the epochs."
    assert [p.where for p in form.problems()] == ["patience"]
    line(form, "epochs").setText("60")
    assert form.problems() == ()


def test_an_empty_required_field_is_no_mistake_yet(qtbot: QtBot) -> None:
    form = OptionsForm(Sample)
    qtbot.addWidget(form)
    form.show()
    assert not form.editors["data"].error.isVisible()
    assert [p.where for p in form.problems()] == ["data"]


def test_changed_is_told(qtbot: QtBot) -> None:
    form = make(qtbot)
    box, combo = form.editors["amp"].input, form.editors["device"].input
    assert isinstance(box, QCheckBox)
    assert isinstance(combo, QComboBox)
    with qtbot.waitSignal(form.changed, timeout=500):
        box.click()
    with qtbot.waitSignal(form.changed, timeout=500):
        combo.setCurrentIndex(1)
    assert form.values() == {"data": "/some/data", "amp": False, "device": "cpu"}


def test_advanced_fields_open_on_demand(qtbot: QtBot) -> None:
    form = make(qtbot, seed=3)
    assert not form.editors["seed"].isVisible()
    assert "1" in form.advanced_button.text()
    form.advanced_button.click()
    assert form.editors["seed"].isVisible()


def test_suggestions_are_offered_and_any_path_may_be_written(qtbot: QtBot) -> None:
    offered: list[Choice] = [Choice(Path("/p/datasets/one"), "one")]

    def suggest() -> Sequence[Choice]:
        return offered

    form = OptionsForm(Sample, suggestions={"dataset": suggest})
    qtbot.addWidget(form)
    combo = form.editors["data"].input
    assert isinstance(combo, QComboBox)
    combo.setCurrentIndex(0)
    assert form.values()["data"] == "/p/datasets/one"
    combo.setEditText("/elsewhere")
    assert form.values()["data"] == "/elsewhere"
    offered.append(Choice(Path("/p/datasets/two"), "two"))
    form.refresh_suggestions()
    assert combo.count() == 2
    assert form.values()["data"] == "/elsewhere"


def test_a_choice_can_be_forbidden_with_a_reason(qtbot: QtBot) -> None:
    form = make(qtbot)
    form.set_choice_problem("device", "cpu", "too slow")
    combo = form.editors["device"].input
    assert isinstance(combo, QComboBox)
    item = combo.model().index(1, 0)
    assert not item.flags() & Qt.ItemFlag.ItemIsEnabled
    assert item.data(Qt.ItemDataRole.ToolTipRole) == "too slow"


def test_two_columns_where_there_is_room(qtbot: QtBot) -> None:
    form = make(qtbot)
    form.resize(400, 600)
    qtbot.waitUntil(lambda: form.editors["epochs"].x() == form.editors["rate"].x())
    form.resize(900, 600)
    qtbot.waitUntil(lambda: form.editors["epochs"].x() < form.editors["rate"].x())


def test_labels_and_names_follow_the_language(qtbot: QtBot) -> None:
    form = make(qtbot)
    translator.set_language("ja")
    assert line(form, "seed").placeholderText() == "自動"
    assert form.editors["epochs"].input.accessibleName()
    assert form.advanced_button.text() == "詳細オプション"


def test_the_tab_key_goes_from_top_to_bottom(qtbot: QtBot) -> None:
    form = make(qtbot)
    form.advanced_button.click()
    wanted: list[QWidget] = [e.input for e in form.editors.values() if not e.field.advanced]
    wanted += [form.advanced_button]
    wanted += [e.input for e in form.editors.values() if e.field.advanced]
    met: list[QWidget] = []
    widget = form.nextInFocusChain()
    while widget is not None and widget is not form:
        if widget in wanted:
            met.append(widget)
        widget = widget.nextInFocusChain()
    assert met == wanted


@dataclass(frozen=True)
class Offering(Options):
    kind: str = option(
        "auto", title="Kind", offers=lambda: (Choice("auto", "Find out"), Choice("coco", "COCO"))
    )


def test_what_a_field_offers_follows_the_language(qtbot: QtBot) -> None:
    form = OptionsForm(Offering)
    qtbot.addWidget(form)
    combo = form.editors["kind"].input
    assert isinstance(combo, QComboBox)
    assert combo.currentText() == "Find out"
    translator.set_language("ja")
    try:
        assert combo.currentText() == "自動判別"
        assert form.options() == Offering()
        combo.setEditText("of_a_plugin")
        translator.set_language("en")
        assert combo.currentText() == "of_a_plugin"
    finally:
        translator.set_language("en")


def test_what_the_project_offers_follows_the_language(qtbot: QtBot) -> None:
    offered = {"dataset": lambda: [Choice("/runs/a/best.pt", tr("Run {name}", name="a"))]}
    form = OptionsForm(Sample, {"data": "/runs/a/best.pt"}, suggestions=offered)
    qtbot.addWidget(form)
    combo = form.editors["data"].input
    assert isinstance(combo, QComboBox)
    assert combo.currentText() == "Run a"
    translator.set_language("ja")
    assert combo.currentText() == tr("Run {name}", name="a") != "Run a"
    assert form.options().to_mapping()["data"] == "/runs/a/best.pt"
