"""A certificate as a page shows it: verdict, limits, device checks, figures, pictures; no Qt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from studio.core.artifact import ENGINES, MODEL_JSON
from studio.core.options import N_
from studio.gui.i18n import said, tr

PASSED, FAILED, OPEN, ABSENT = "passed", "failed", "open", "absent"
CERTIFICATE = "certificate.json"
PAGE = "certificate.html"
# Titles that certificates carry; each is translated where it is shown.
WORDS = {
    PASSED: N_("Passed"),
    FAILED: N_("Not passed"),
    OPEN: N_("Nothing is proved"),
    ABSENT: N_("No certificate"),
}


@dataclass(frozen=True)
class Check:
    """One line. passed: None where it is only told."""

    title: str
    value: str
    limit: str = ""
    passed: bool | None = None


@dataclass(frozen=True)
class Certificate:
    """What was found out about an exported folder. verdict: a key of `WORDS`.

    not_run: what was never run here and where it has to be, in English. figures: title and value
    of what a person compares, translated. worst: pictures that differ most, with their captions.
    opens: whether an engine of the studio opens the artefact.
    """

    verdict: str
    limits: tuple[Check, ...] = ()
    device: tuple[Check, ...] = ()
    not_run: str = ""
    pictures: int = 0
    source: str = ""
    figures: tuple[tuple[str, str], ...] = ()
    worst: tuple[tuple[Path, str], ...] = ()
    page: Path | None = None
    opens: bool = True
    values: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)

    def headline(self) -> str:
        """The verdict in a sentence, in the language of the moment."""
        failed = [tr(c.title) for c in (*self.limits, *self.device) if c.passed is False]
        if self.verdict == FAILED:
            return tr("Beyond its limit: {what}.", what=", ".join(failed)) if failed else ""
        if self.verdict == PASSED:
            return tr(
                "The artefact was run beside its weights on {count} pictures ({place}): all limits "
                "are kept.",
                count=self.pictures,
                place=self._place(),
            )
        if self.verdict == OPEN:
            return "" if self.not_run else tr("Nobody was found in the test pictures.")
        return tr("The artefact was not run: no certificate was asked for.")

    def _place(self) -> str:
        """Where the pictures come from: a dataset by its folder's name."""
        path = Path(self.source)
        return path.name if path.is_absolute() else said(self.source)


def read_certificate(folder: Path) -> Certificate:
    """The certificate of an exported folder. Raises FormatError where it is damaged."""
    from studio.io.files import read_json

    described = _table(read_json(folder / MODEL_JSON)) if (folder / MODEL_JSON).is_file() else {}
    path = folder / CERTIFICATE
    if not path.is_file():
        return Certificate(ABSENT, figures=tuple(made_figures(described)), opens=_opens(described))
    values = _table(read_json(path))
    checks = [c for c in values.get("checks") or () if isinstance(c, Mapping)]
    passed = values.get("passed")
    verdict = {True: PASSED, False: FAILED}.get(passed, OPEN)  # type: ignore[arg-type]
    page = folder / PAGE
    pictures = _table(values.get("pictures"))
    return Certificate(
        verdict,
        limits=tuple(_check(c) for c in checks if c.get("kind") != "device"),
        device=tuple(_check(c) for c in checks if c.get("kind") == "device"),
        not_run=str(values.get("not_run") or ""),
        pictures=int(pictures.get("count") or 0),
        source=str(pictures.get("source") or ""),
        figures=(*made_figures(described), *run_figures(values)),
        worst=tuple(_worst(folder, values.get("worst") or ())),
        page=page if page.is_file() else None,
        opens=_opens(described),
        values=values,
    )


def made_figures(described: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What the artefact's own description says."""
    rows: list[tuple[str, str]] = []
    if described.get("precision"):
        rows.append((tr("Precision"), str(described["precision"])))
    size = _table(described.get("input")).get("size")
    if isinstance(size, Sequence) and len(size) == 2:
        rows.append((tr("Input"), f"{size[1]} × {size[0]}"))
    return rows


def run_figures(values: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What was measured while it ran here."""
    rows: list[tuple[str, str]] = []
    size, whole = values.get("bytes"), values.get("weights_bytes")
    if size:
        rows.append((tr("Size"), _megabytes(size)))
    if size and whole:
        rows.append((tr("Of the weights"), f"{size / whole:.0%}"))
    ap = _table(values.get("ap"))
    if ap.get("weights") is not None and ap.get("artifact") is not None:
        rows.append((tr("AP, before → after"), f"{ap['weights']:.3f} → {ap['artifact']:.3f}"))
    latency = _table(values.get("latency_ms"))
    if latency.get("median"):
        rows.append((tr("Time a picture"), f"{latency['median']:.1f} ms"))
        computed = f"{latency.get('device', '')} {latency.get('precision', '')}".strip()
        if computed:
            rows.append((tr("Computed on"), computed))
    if values.get("load_ms"):
        rows.append((tr("Time to load"), f"{values['load_ms']:.0f} ms"))
    if values.get("memory_bytes"):
        rows.append((tr("Memory"), _megabytes(values["memory_bytes"])))
    return rows


def check_title(title: str) -> str:
    """A check's title as a certificate carries it, in the language of the moment."""
    return said(tr(title))


def _opens(described: Mapping[str, Any]) -> bool:
    return Path(str(described.get("weights", "model.xml"))).suffix.lower() in ENGINES


def _megabytes(size: float) -> str:
    return f"{size / 1e6:.1f} MB" if size >= 1e5 else f"{size / 1e3:.1f} kB"


def _check(row: Mapping[str, Any]) -> Check:
    passed = row.get("passed")
    return Check(
        str(row.get("title", "")),
        str(row.get("value", "")),
        str(row.get("limit") or ""),
        passed if isinstance(passed, bool) else None,
    )


def _worst(folder: Path, rows: Sequence[Any]) -> list[tuple[Path, str]]:
    """Pictures inside the folder only, whatever a certificate of a stranger names."""
    found: list[tuple[Path, str]] = []
    for entry in rows:
        told = _table(entry)
        path = (folder / str(told.get("file", ""))).resolve()
        if not path.is_relative_to(folder.resolve()) or not path.is_file():
            continue
        shift = told.get("shift")
        unit = str(told.get("unit", "px"))
        number = f"{shift:.2f}{'' if unit == '°' else ' '}{unit}" if shift is not None else ""
        found.append((path, number))
    return found


def _table(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
