"""The form that builds a study from a person's own files, uploaded or already on the server."""

import math
import shutil
from collections.abc import Generator, Iterable
from pathlib import Path
from typing import Any

import panel_material_ui as pmui

from deepwas_app.app import store
from deepwas_app.app.cards.base import JobCard
from deepwas_app.app.cards.column_choices import ColumnChoices
from deepwas_app.app.cards.uploads import WIDE, Source, check_genotypes, genotype_prefix
from deepwas_app.app.components import cells, fold
from deepwas_app.app.jobs import FILES, Job, Status
from deepwas_app.app.settings_form import copy_of, widgets
from deepwas_app.app.state import AppState
from deepwas_app.errors import InputError
from deepwas_app.genetics.ld.sources.base import LD_SOURCES
from deepwas_app.workflow.settings import BUILDS, PanelSettings, StudySettings

GENOTYPES, PANEL = "bfile", "ld"
# Label to the setting that takes its path; genotypes may be uploaded, the others are too large.
SOURCES = {kind.title: kind.name for kind in LD_SOURCES.values() if not kind.several}
SOURCES |= {"LD panel made before": PANEL}
WHOLE_REGIONS = {"MHC": "mhc", "Long-range LD and MHC": "long-range"}
PANEL_SHARE = 0.6


def _asks_build(source: str) -> bool:
    """Whether the files of a source do not say on which genome build they are."""
    return source != PANEL and not LD_SOURCES[source].build


def build(
    study: StudySettings, panel: PanelSettings | None, uploads: Iterable[Path] = ()
) -> Generator[Any, None, str]:
    """Build the LD panel, unless there is one, then the study, as one job.

    Folders of uploads are removed when the study is there: it needs none of them.
    """
    from deepwas_app.workflow.progress import Progress, relay
    from deepwas_app.workflow.studies.build import build_ld, build_study

    share = PANEL_SHARE if panel is not None else 0.0
    if panel is not None:
        made = yield from relay(
            build_ld.steps(panel),
            lambda step: Progress(share * step.fraction, f"LD panel: {step.message}"),
        )
        study.ld = str(made)
    path = yield from relay(
        build_study.steps(study),
        lambda step: Progress(share + (1 - share) * step.fraction, step.message),
    )
    for folder in uploads:
        shutil.rmtree(folder, ignore_errors=True)
    return str(path)


class OwnStudyForm(JobCard):
    """Builds a study as a job and asks the state to open it."""

    said = "done."

    def __init__(self, state: AppState) -> None:
        super().__init__(state)
        self.settings = StudySettings()
        self.panel = PanelSettings()
        self.title = pmui.TextInput(
            label="Name of the study", placeholder="My GWAS", size="small", **WIDE
        )
        self.sumstats = Source(
            "Summary statistics", "GWAS file, for example .fastGWA or .sumstats.gz", state
        )
        self.columns = ColumnChoices(self.settings, self.sumstats)
        self.source = pmui.Select(
            label="Source of LD", options=SOURCES, value=GENOTYPES, size="small", **WIDE
        )
        self.genotypes = Source(
            "Genotypes",
            ".bed, .bim and .fam of a reference panel, or their prefix",
            state,
            many=True,
        )
        self.blocks = Source("LD blocks", self.panel.param.blocks.doc, state)
        self.ld = pmui.TextInput(label="LD: path on the server", size="small", **WIDE)
        self.ld_build = pmui.Select(
            label="Genome build of the LD",
            options=list(BUILDS),
            value=BUILDS[0],
            description="The files of this source do not say it.",
            size="small",
            **WIDE,
        )
        self.annotations = Source(
            "Annotations", "Any number of tables or BED files", state, many=True, several=True
        )
        self.people, self.cases, self.controls, self.chain = (
            pmui.TextInput(
                label=label,
                placeholder=placeholder,
                description=self.settings.param[name].doc,
                size="small",
                **WIDE,
            )
            for name, label, placeholder in (
                ("n", "People in the GWAS (N)", "as in the file"),
                ("cases", "Cases", "of a case-control GWAS without N"),
                ("controls", "Controls", "of a case-control GWAS without N"),
                ("chain", "Chain file: path on the server", "for a GWAS on another build"),
            )
        )
        knobs = widgets(self.settings, ("format", "build", "variance", "same_people"))
        rare = widgets(
            self.settings, ("missing", "half", "winsorise", "keep_extreme", "shrink_strong")
        )
        self.excluded = pmui.Select(
            label="Regions to leave out",
            options={"none": "", **WHOLE_REGIONS},
            value="",
            description="Their variants are not scored.",
            size="small",
            **WIDE,
        )
        self.button = pmui.Button(
            label="Build the study", icon="construction", color="primary", margin=(10, 0)
        )
        self.button.on_click(self._submit)
        self._read_once = (self.sumstats, self.annotations, self.blocks)
        genotypes = pmui.Column(self.genotypes, self.blocks, sizing_mode="stretch_width")

        def choose_source(source: str) -> None:
            genotypes.visible = source == GENOTYPES
            self.ld.visible = not genotypes.visible
            self.ld_build.visible = _asks_build(source)
            doc = (self.settings if source == PANEL else self.panel).param[source].doc
            self.ld.description = doc

        self.source.param.watch(lambda event: choose_source(event.new), "value")
        choose_source(self.source.value)
        self._layout = pmui.Column(
            cells(
                (
                    pmui.Column(
                        self.title,
                        self.sumstats,
                        self.annotations,
                        fold(
                            "More about the GWAS",
                            self.cases,
                            self.controls,
                            self.chain,
                            *rare.values(),
                        ),
                        sizing_mode="stretch_width",
                    ),
                    4,
                ),
                (
                    pmui.Column(
                        self.source, genotypes, self.ld, self.ld_build, sizing_mode="stretch_width"
                    ),
                    4,
                ),
                (
                    pmui.Column(
                        self.people,
                        *knobs.values(),
                        self.excluded,
                        sizing_mode="stretch_width",
                    ),
                    4,
                ),
            ),
            self.columns,
            self.button,
            self.progress,
            sizing_mode="stretch_width",
        )

    def _submit(self, _: Any) -> None:
        try:
            study, panel = self._collect()
        except InputError as problem:
            self.state.say(str(problem), "error")
            return
        # Genotypes stay as long as the session: the Export page offers to score them.
        uploads = [folder for item in self._read_once for folder in item.saved]
        job = Job(
            f"Build {study.title}",
            lambda: build(study, panel, uploads),
            kind="build",
            lane=FILES,
            # A session may end before its job.
            after=self.state.uploads.release,
        )
        self.state.uploads.hold()
        # One at a time: the next may be made from the same uploads.
        self.button.disabled = True
        self.submit(job)

    def _collect(self) -> tuple[StudySettings, PanelSettings | None]:
        """The settings of the form; uploads are saved when all else is in order."""
        root, admit = store.data_root(), self.state.places.admit
        name = self.title.value.strip() or "my-study"
        stem = "".join(c if c.isalnum() or c in "-_." else "-" for c in name)
        output = root / f"{stem}.study.zarr"
        if output.exists():
            raise InputError(f"{output}: exists already. Choose another name.")
        self.sumstats.check()
        study = copy_of(
            self.settings,
            n=_number("N", self.people.value),
            cases=_number("Cases", self.cases.value),
            controls=_number("Controls", self.controls.value),
            chain=admit(self.chain.value.strip()),
            column=self.columns.words,
            population=self.columns.population.value,
            exclude_regions=[self.excluded.value] if self.excluded.value else [],
            title=name,
            output=str(output),
        )
        source = self.source.value
        if source == GENOTYPES:
            self.genotypes.check()
            if self.genotypes.names:
                check_genotypes(self.genotypes.names)
        elif not self.ld.value.strip():
            raise InputError("LD: no path. Give the files of the LD source on the server.")

        ld = admit(self.ld.value.strip())
        for item in (*self._read_once, self.genotypes):
            item.named()
        root.mkdir(parents=True, exist_ok=True)
        for item in self._read_once:
            item.save()
        (study.sumstats,) = self.sumstats.named()
        study.annotations = self.annotations.named()
        if source == PANEL:
            study.ld = ld
            return study, None
        panel = PanelSettings(variance=study.variance, output=str(root / f"{stem}.ld.zarr"))
        if source == GENOTYPES:
            self.genotypes.save(genotype_prefix)
            setattr(panel, GENOTYPES, *self.genotypes.named())
            (panel.blocks,) = self.blocks.named()
        else:
            setattr(panel, source, ld)
        if _asks_build(source):
            panel.build = self.ld_build.value
        return study, panel

    def over(self, job: Job) -> None:
        """Ask for the study that was built to be opened."""
        self.button.disabled = False
        if job.status is Status.DONE:
            for item in self._read_once:
                item.forget()
            self.state.request(job.result)


def _number(name: str, text: str) -> float | None:
    """A number that was typed, with or without thousands commas; None if nothing was."""
    text = text.strip().replace(",", "")
    if not text:
        return None
    try:
        number = float(text)
    except ValueError:
        raise InputError(f"{name}: {text!r} is not a number. Give a number of people.") from None
    if not 1 <= number < math.inf:
        raise InputError(f"{name}: {text} is too few or too many. Give a number of people.")
    return number
