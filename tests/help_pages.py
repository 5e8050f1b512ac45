"""Takes what stands on the window into the help pages: `python -m tests.help_pages`.

Writes the pages on keys anew, and gives every *slanted* name the words of its language. Run it
after a key, a button or a translation has changed; `tests/test_docs.py` says when that is due.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
from pathlib import Path

from studio import RESOURCES

HELP = RESOURCES / "help"
TRANSLATED = ("ja", "zh_CN")
LABEL = re.compile(r"(?<!\*)\*([^*\n]+)\*(?!\*)")
PAGE_IDS = ("", "annotate", "datasets", "train", "evaluate", "export", "live")
TABLE = re.compile(
    r"^## .*?(?=^## [^\n]*\n\n\|[^\n]*\|\n\|---\|---\|\n\| [^`])", re.MULTILINE | re.DOTALL
)
# Heading and column titles of the page on keys.
WORDS = {
    "en": ("Everywhere", "key", "does", ", "),
    "ja": ("どこでも", "キー", "働き", "、"),
    "zh_CN": ("任何地方", "按键", "作用", "、"),
}


def gui_words(language: str) -> dict[str, str]:
    """Every text of the window in `language`, by its English source."""
    files = sorted((RESOURCES / "translations" / language).glob("*.json"))
    return {k: v for f in files for k, v in json.loads(f.read_text(encoding="utf-8")).items()}


def rename_labels() -> list[str]:
    """Give slanted names their words; gives those that the window does not know."""
    unknown: list[str] = []
    for english in sorted((HELP / "en").glob("*.md")):
        names = LABEL.findall(english.read_text(encoding="utf-8"))
        for language in TRANSLATED:
            page = HELP / language / english.name
            text = page.read_text(encoding="utf-8")
            words = gui_words(language)
            if len(LABEL.findall(text)) != len(names):
                unknown.append(f"{page}: other slanted names than in English")
                continue
            unknown += [f"{page}: {name}" for name in names if name not in words]
            found = iter(names)
            page.write_text(
                LABEL.sub(lambda m: f"*{words.get(next(found), m[1])}*", text),  # noqa: B023
                encoding="utf-8",
            )
    return unknown


def write_keys() -> None:
    """The tables of keys, from the real window's actions in each language."""
    from studio.gui.app import make_application, make_window
    from studio.gui.i18n import tr, translator
    from studio.gui.main_window import PAGES

    app = make_application()
    window = make_window()
    titles = {entry.page_id: entry.title for entry in PAGES}
    for page_id in titles:
        window.page(page_id)
    for language, (everywhere, key, does, comma) in WORDS.items():
        translator.set_language(language)
        lines: list[str] = []
        for page_id in PAGE_IDS:
            rows = [a for a in window.studio.actions.all() if a.page_id == page_id and a.shortcut]
            lines += [f"## {tr(titles[page_id]) if page_id else everywhere}", ""]
            lines += [f"| {key} | {does} |", "|---|---|"]
            for action in rows:
                keys = comma.join(f"`{k.strip()}`" for k in action.shortcut.split(";"))
                lines.append(f"| {keys} | *{tr(action.title)}* |")
            lines.append("")
        page = HELP / language / "keys.md"
        tables = "\n".join(lines) + "\n"
        text = page.read_text(encoding="utf-8")
        page.write_text(TABLE.sub(lambda _m, t=tables: t, text, count=1), encoding="utf-8")
    window.close()
    del app


def main() -> int:
    """Both; the exit status is 1 where a name is unknown."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
        for name in ("CONFIG", "DATA", "CACHE"):
            os.environ[f"POSE_STUDIO_{name}_DIR"] = str(Path(folder) / name.lower())
        write_keys()
    unknown = rename_labels()
    print("\n".join(unknown) or "The help pages say what the window says.")
    return 1 if unknown else 0


if __name__ == "__main__":
    raise SystemExit(main())
