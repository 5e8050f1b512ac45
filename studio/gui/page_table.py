"""The six pages in the order of the work, by name: no page's code is imported here."""

from __future__ import annotations

from dataclasses import dataclass

from studio.core.options import N_


@dataclass(frozen=True)
class PageEntry:
    """A page by name; its code is imported when the page is first shown."""

    page_id: str
    title: str
    icon: str
    spec: str


PAGES = (
    PageEntry("annotate", N_("Annotate"), "annotate", "studio.gui.pages.annotate:AnnotatePage"),
    PageEntry("datasets", N_("Datasets"), "datasets", "studio.gui.pages.datasets:DatasetsPage"),
    PageEntry("train", N_("Train"), "train", "studio.gui.pages.train:TrainPage"),
    PageEntry("evaluate", N_("Evaluate"), "evaluate", "studio.gui.pages.evaluate:EvaluatePage"),
    PageEntry("export", N_("Export"), "export", "studio.gui.pages.export:ExportPage"),
    PageEntry("live", N_("Live"), "live", "studio.gui.pages.live:LivePage"),
)
