"""Loci of the Locus page as a report to take away: a job, and its files in one archive."""

import io
import tempfile
import zipfile
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import Any

import panel_material_ui as pmui
import xarray as xr

from deepwas_app.app import store
from deepwas_app.app.cards.base import JobCard
from deepwas_app.app.jobs import Job, Status
from deepwas_app.app.state import AppState


def build(
    study: xr.Dataset, runs: Sequence[Any], loci: Sequence[str]
) -> Generator[Any, None, bytes]:
    """The files of a report in a ZIP archive."""
    from deepwas_app.reporting import report

    with tempfile.TemporaryDirectory(prefix="deepwas-report-") as folder:
        page = yield from report.steps(study, runs, Path(folder) / "report", loci=list(loci))
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
            for file in sorted(page.parent.iterdir()):
                archive.write(file, f"report/{file.name}")
    return content.getvalue()


class ReportCard(JobCard):
    """A button that has the chosen loci reported, and then one that gives the files.

    Parameters
    ----------
    state
        The study and its runs.
    chosen
        Names of the lead variants to report; none for all of genome-wide significance.
    run
        The run whose prior is used, which comes first; None without one.
    """

    said = "the files are beside the table of loci."

    def __init__(
        self, state: AppState, chosen: Callable[[], list[str]], run: Callable[[], Any]
    ) -> None:
        super().__init__(state)
        self._chosen, self._run = chosen, run
        self.button = pmui.Button(
            label="Report",
            icon="description",
            description="The loci that are ticked, or all that are significant: a page each",
            size="small",
            variant="outlined",
            margin=(0, 8, 10, 0),
        )
        self.button.on_click(lambda _: self.start())
        self._file = pmui.Row(margin=0)
        self._layout = pmui.Column(
            pmui.FlexBox(self.button, self._file, align_items="center"),
            self.progress,
            sizing_mode="stretch_width",
        )

    def start(self) -> None:
        """Have them reported, as a job."""
        study, first, loci = self.state.study, self._run(), self._chosen()
        others = [run for run in self.state.selected_runs() if run is not first]
        runs = ([] if first is None else [first]) + others
        self.button.disabled = True
        self._file.objects = []
        self.submit(
            Job(
                "Report of loci",
                lambda: build(study, runs, loci),
                kind="report",
                study=store.study_hash(study),
            )
        )

    def over(self, job: Job) -> None:
        """Offer the files."""
        self.button.disabled = False
        if job.status is Status.DONE:
            self.progress.watch(None)
            self._file.objects = [
                pmui.FileDownload(
                    file=io.BytesIO(job.result),
                    filename="report.zip",
                    label="report.zip",
                    icon="download",
                    size="small",
                    margin=(0, 0, 10, 0),
                )
            ]
