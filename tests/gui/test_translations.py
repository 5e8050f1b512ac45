"""Every text that a person can see is there in Japanese and in Chinese."""

from __future__ import annotations

import ast
import json
import string
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from studio import PLUGINS, RESOURCES
from studio.gui.i18n import LANGUAGES, TRANSLATIONS, load_translations

ROOT = RESOURCES.parent
SOURCES = (ROOT / "studio", PLUGINS)
# Which argument of each of these calls is an English source text.
CALLS = {"tr": (0,), "N_": (0,), "bind_text": (1,), "bind": (1,)}
# Helpers of the window that translate what they are given, with their text arguments.
HELPERS = {
    "label": (0,),
    "button": (0,),
    "tool_button": (1,),
    "EmptyState": (1, 2, 3),
    "PageHeader": (0, 1),
    "StartCard": (1, 2),
    "add_tool": (1,),
    "ValueSlider": (0, 5),
    "check": (0, 2),
    "titled": (0,),
    "choice_box": (0,),
    "_path_row": (0,),
    "Figure": (0, 1),
}
HELPER_KEYWORDS = {"tooltip", "action"}
OTHER_LANGUAGES = [code for code in LANGUAGES if code != "en"]


def _texts(node: ast.expr) -> Iterator[str]:
    """String constants in an argument, also both sides of an `a if x else b`."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from _texts(node.body)
        yield from _texts(node.orelse)


def sources_of(path: Path) -> set[str]:
    """Every source text that a Python file names."""
    found: set[str] = set()
    in_gui = "gui" in path.parts
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        name = getattr(node.func, "id", getattr(node.func, "attr", ""))
        places = CALLS.get(name) or (HELPERS.get(name) if in_gui else None)
        if places is None:
            continue
        for place in places:
            if place < len(node.args):
                found.update(_texts(node.args[place]))
        if name in HELPERS:
            for keyword in node.keywords:
                if keyword.arg in HELPER_KEYWORDS:
                    found.update(_texts(keyword.value))
    return {text for text in found if any(c.isalpha() for c in text)}


def manifest_texts() -> dict[Path, set[str]]:
    """Titles and summaries of the bundled plugins."""
    found: dict[Path, set[str]] = {}
    for path in sorted(PLUGINS.glob("*/plugin.toml")):
        data = tomllib.loads(path.read_text(encoding="utf-8"))
        rows = [data, *data.get("contributes", [])]
        found[path] = {str(r[k]) for r in rows for k in ("title", "summary") if r.get(k)}
    return found


def all_sources() -> dict[Path, set[str]]:
    """Source texts by file."""
    found = {
        path: texts
        for root in SOURCES
        for path in sorted(root.rglob("*.py"))
        if (texts := sources_of(path))
    }
    return found | manifest_texts()


def _placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@pytest.mark.parametrize("language", OTHER_LANGUAGES)
def test_every_text_is_translated(language: str) -> None:
    table = load_translations(language)
    missing = [
        f"{path.relative_to(ROOT)}: {text!r}"
        for path, texts in all_sources().items()
        for text in sorted(texts)
        if text not in table
    ]
    assert not missing, f"{len(missing)} texts without {language}:\n" + "\n".join(missing)


@pytest.mark.parametrize("language", OTHER_LANGUAGES)
def test_translations_keep_the_placeholders(language: str) -> None:
    wrong = [
        (source, text)
        for source, text in load_translations(language).items()
        if _placeholders(source) != _placeholders(text)
    ]
    assert not wrong


@pytest.mark.parametrize("language", OTHER_LANGUAGES)
def test_one_text_has_one_translation(language: str) -> None:
    seen: dict[str, tuple[str, str]] = {}
    different: list[str] = []
    for path in sorted((TRANSLATIONS / language).glob("*.json")):
        for source, text in json.loads(path.read_text(encoding="utf-8")).items():
            if not text.strip():
                different.append(f"{path.name}: {source!r} is empty")
            if source in seen and seen[source][1] != text:
                different.append(f"{source!r}: {seen[source]} and {(path.name, text)}")
            seen[source] = (path.name, text)
    assert not different, "\n".join(different)


def test_both_languages_hold_the_same_files() -> None:
    names = [{p.name for p in (TRANSLATIONS / code).glob("*.json")} for code in OTHER_LANGUAGES]
    assert names[0] == names[1]


# One word for one thing: (language, the word that is used, words that are not).
ONE_WORD = (
    ("zh_CN", "图片", ("图像", "影像")),
    ("zh_CN", "框", ("边框", "包围盒")),
    ("zh_CN", "证书", ("验证书",)),
    ("ja", "証明書", ("検証書",)),
    ("ja", "アノテーション済み", ("アノテート済み",)),
)


@pytest.mark.parametrize(("language", "word", "others"), ONE_WORD)
def test_one_word_for_one_thing(language: str, word: str, others: tuple[str, ...]) -> None:
    files = [
        *(TRANSLATIONS / language).glob("*.json"),
        *(RESOURCES / "help" / language).glob("*.md"),
    ]
    texts = {path: path.read_text(encoding="utf-8") for path in files}
    assert any(word in text for text in texts.values())
    found = [
        f"{path.name}: {line.strip()[:80]}"
        for path, text in texts.items()
        for line in text.splitlines()
        # The glossary names the words that are not used.
        if any(other in line for other in others) and path.name != "glossary.md"
    ]
    assert found == []
