"""The form that builds a study from a person's own files, uploaded or already on the server."""

import uuid
from collections.abc import Generator
from pathlib import Path
from typing import Any

import panel as pn
import panel_material_ui as pmui

from deepwas_app.app import store
from deepwas_app.app.components import JobView, cells
from deepwas_app.app.jobs import FILES, JOBS, Job, Status
from deepwas_app.app.settings_form import widgets
from deepwas_app.app.state import AppState
from deepwas_app.errors import InputError
from deepwas_app.workflow.settings import PanelSettings, StudySettings

# Label to the setting that takes its path; genotypes may be uploaded, the others are too large.
SOURCES = {
    "Genotypes (PLINK 1)": "bfile",
    "Genotypes (PLINK 2)": "pfile",
    "SBayesRC or GCTB eigen files": "sbayesrc",
    "UK Biobank LD windows": "ukbb",
    "LDGM precision matrices": "ldgm",
    "PRS-CS panel": "prscs",
    "LD panel made before": "ld",
}
GENOTYPES, PANEL = "bfile", "ld"
WHOLE_REGIONS = {"MHC": "mhc", "Long-range LD and MHC": "long-range"}
PANEL_SHARE = 0.6


def save_upload(folder: Path, chooser: pmui.FileInput) -> list[Path]:
    """Write uploaded files into a folder and empty the chooser, so that no session keeps them."""
    if not chooser.value:
        return []
    values, names = chooser.value, chooser.filename
    if not isinstance(values, list):
        values, names = [values], [names]
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for value, name in zip(values, names, strict=True):
        path = folder / Path(name).name
        path.write_bytes(value)
        paths.append(path)
    chooser.clear()
    return paths


def genotype_prefix(paths: list[Path]) -> str:
    """The common prefix of uploaded .bed, .bim and .fam files.

    Raises
    ------
    InputError
        If one of the three is missing.
    """
    endings = {path.suffix: path for path in paths}
    missing = [ending for ending in (".bed", ".bim", ".fam") if ending not in endings]
    if missing:
        raise InputError(
            f"Genotypes: no {' and no '.join(missing)} file. Choose .bed, .bim and .fam together."
        )
    stem = endings[".bed"].with_suffix("")
    for ending in (".bim", ".fam"):
        endings[ending].rename(stem.with_suffix(ending))
    return str(stem)


def build(study: StudySettings, panel: PanelSettings | None) -> Generator[Any, None, str]:
    """Build the LD panel, if genotypes were given, then the study, as one job."""
    from deepwas_app.workflow.progress import Progress
    from deepwas_app.workflow.study import build_panel, build_study

    share = PANEL_SHARE if panel is not None else 0.0
    if panel is not None:
        making = build_panel(panel)
        while True:
            try:
                event = next(making)
            except StopIteration as stop:
                study.ld = str(stop.value)
                break
            yield Progress(share * event.fraction, f"LD panel: {event.message}")
    making = build_study(study)
    while True:
        try:
            event = next(making)
        except StopIteration as stop:
            return str(stop.value)
        yield Progress(share + (1 - share) * event.fraction, event.message)


class OwnStudyForm(pn.viewable.Viewer):
    """Builds a study as a job and asks the state to open it."""

    def __init__(self, state: AppState) -> None:
        super().__init__()
        self._state = state
        self.settings = StudySettings()
        self.panel = PanelSettings()
        self.title = pmui.TextInput(
            label="Name of the study", placeholder="My GWAS", size="small", **_WIDE
        )
        self.sumstats = _Source(
            "Summary statistics", "GWAS file, for example .fastGWA or .sumstats.gz"
        )
        self.source = pmui.Select(
            label="Source of LD", options=SOURCES, value=GENOTYPES, size="small", **_WIDE
        )
        self.genotypes = _Source(
            "Genotypes", ".bed, .bim and .fam of a reference panel, or their prefix", many=True
        )
        self.blocks = _Source("LD blocks", self.panel.param.blocks.doc)
        self.ld = pmui.TextInput(label="LD: path on the server", size="small", **_WIDE)
        self.annotations = _Source(
            "Annotations", "Any number of tables or BED files", many=True, optional=True
        )
        self.people = pmui.TextInput(
            label="People in the GWAS (N)",
            placeholder="as in the file",
            description=self.settings.param.n.doc,
            size="small",
            **_WIDE,
        )
        knobs = widgets(self.settings, ("format", "build", "variance"))
        self.excluded = pmui.Select(
            label="Regions to leave out",
            options={"none": "", **WHOLE_REGIONS},
            value="",
            description="Their variants are not scored.",
            size="small",
            **_WIDE,
        )
        self.button = pmui.Button(
            label="Build the study", icon="construction", color="primary", margin=(10, 0)
        )
        self.button.on_click(self._submit)
        self.progress = JobView(on_over=self._over)
        genotypes = pmui.Column(self.genotypes, self.blocks, sizing_mode="stretch_width")

        def choose_source(source: str) -> None:
            genotypes.visible = source == GENOTYPES
            self.ld.visible = not genotypes.visible
            doc = (self.settings if source == PANEL else self.panel).param[source].doc
            self.ld.description = doc

        self.source.param.watch(lambda event: choose_source(event.new), "value")
        choose_source(self.source.value)
        self._layout = pmui.Column(
            cells(
                (
                    pmui.Column(
                        self.title, self.sumstats, self.annotations, sizing_mode="stretch_width"
                    ),
                    4,
                ),
                (pmui.Column(self.source, genotypes, self.ld, sizing_mode="stretch_width"), 4),
                (
                    pmui.Column(
                        self.people,
                        *knobs.values(),
                        self.excluded,
                        self.button,
                        sizing_mode="stretch_width",
                    ),
                    4,
                ),
            ),
            self.progress,
            sizing_mode="stretch_width",
        )

    def refresh(self) -> None:
        """Bring the progress up to date."""
        self.progress.refresh()

    def _submit(self, _: Any) -> None:
        try:
            study, panel = self._collect()
        except InputError as problem:
            self._state.say(str(problem), "error")
            return
        job = Job(f"Build {study.title}", lambda: build(study, panel), kind="build", lane=FILES)
        self.progress.watch(JOBS.submit(job))

    def _collect(self) -> tuple[StudySettings, PanelSettings | None]:
        root = store.data_root()
        uploads = root / "uploads" / uuid.uuid4().hex[:12]
        name = self.title.value.strip() or "my-study"
        stem = "".join(c if c.isalnum() or c in "-_." else "-" for c in name)
        output = root / f"{stem}.study.zarr"
        if output.exists():
            raise InputError(f"{output}: exists already. Choose another name.")
        study = StudySettings(
            **{k: v for k, v in self.settings.param.values().items() if k != "name"}
        )
        study.n = _number(self.people.value)
        study.sumstats = self.sumstats.one(uploads)
        study.annotations = self.annotations.several(uploads)
        study.title, study.output = name, str(output)
        study.exclude_regions = [self.excluded.value] if self.excluded.value else []
        root.mkdir(parents=True, exist_ok=True)
        source, named = self.source.value, self.ld.value.strip()
        if source != GENOTYPES and not named:
            raise InputError("LD: no path. Give the files of the LD source on the server.")
        if source == PANEL:
            study.ld = named
            return study, None
        panel = PanelSettings(variance=study.variance, output=str(root / f"{stem}.ld.zarr"))
        if source == GENOTYPES:
            named = self.genotypes.path.value.strip() or genotype_prefix(
                self.genotypes.uploaded(uploads)
            )
            panel.blocks = self.blocks.one(uploads, optional=True)
        setattr(panel, source, named)
        if study.build:
            panel.build = study.build
        return study, panel

    def _over(self, job: Job) -> None:
        if job.status is Status.DONE:
            self._state.say(f"{job.title}: done.", "success")
            self._state.request(job.result)
        elif job.error:
            self._state.say(job.error, "error")

    def __panel__(self) -> pmui.Column:
        return self._layout


def _number(text: str) -> float | None:
    """A number that was typed, with or without thousands commas; None if nothing was."""
    text = text.strip().replace(",", "")
    if not text:
        return None
    try:
        return float(text)
    except ValueError:
        raise InputError(f"N: {text!r} is not a number. Give the people in the GWAS.") from None


_WIDE: dict[str, Any] = {"sizing_mode": "stretch_width", "margin": (6, 0)}


class _Source(pn.viewable.Viewer):
    """One input: a file to upload, or a path on the server."""

    def __init__(
        self, label: str, help_text: str, many: bool = False, optional: bool = False
    ) -> None:
        super().__init__()
        self._label, self._many = label, many
        self.path = pmui.TextInput(
            label=f"{label}: path on the server",
            placeholder="several, separated by commas" if optional else "",
            description=help_text,
            size="small",
            **_WIDE,
        )
        self.chooser = pmui.FileInput(
            label=f"Upload {label if label.startswith('LD') else label.lower()}",
            multiple=many,
            size="small",
            variant="outlined",
            margin=(2, 0, 10, 0),
        )

    def uploaded(self, folder: Path) -> list[Path]:
        """Uploaded files, written into a folder."""
        return save_upload(folder, self.chooser)

    def several(self, folder: Path) -> list[str]:
        """All files: those named by path, then those uploaded."""
        named = [item.strip() for item in self.path.value.split(",") if item.strip()]
        return named + [str(path) for path in self.uploaded(folder)]

    def one(self, folder: Path, optional: bool = False) -> str:
        """The one file; an upload wins over a path."""
        uploaded = self.uploaded(folder)
        if uploaded:
            return str(uploaded[0])
        if self.path.value.strip() or optional:
            return self.path.value.strip()
        raise InputError(f"{self._label}: no file. Upload one or give its path on the server.")

    def __panel__(self) -> pmui.Column:
        return pmui.Column(self.path, self.chooser, sizing_mode="stretch_width")
