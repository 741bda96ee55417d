"""What is understood of a GWAS file, column by column, with a choice for each role."""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import panel as pn
import panel_material_ui as pmui

from deepwas_app.app.cards.uploads import WIDE, Source
from deepwas_app.app.components import caution, cells, trouble
from deepwas_app.app.markup import text
from deepwas_app.app.settings_form import copy_of
from deepwas_app.app.upload_folder import label
from deepwas_app.errors import InputError
from deepwas_app.genetics.gwas.finding import NO_COLUMN
from deepwas_app.genetics.gwas.meaning import Meaning, Understood
from deepwas_app.genetics.gwas.vocabulary import ROLES
from deepwas_app.genetics.patterns import expand
from deepwas_app.workflow.settings import StudySettings
from deepwas_app.workflow.studies.understood import understood_of

# Asked of every file; others are shown where the file has them.
_ASKED = (
    *("id", "chromosome", "position", "effect_allele", "other_allele", "frequency"),
    *("beta", "odds_ratio", "se", "z", "p", "neg_log10_p", "n", "cases", "controls"),
)
_LABELS = {"id": "rsID or other name", "z": "z-score", "key": "Key: chromosome and position"}
_NONE = "no column"
# So many columns that are not used are named.
_SAID = 8
_SMALL = {"color": "text.secondary", "lineHeight": 1.35, "overflowWrap": "anywhere"}
_HEAD = {"fontSize": "1rem", "fontWeight": 600}


class ColumnChoices(pn.viewable.Viewer):
    """The columns of a GWAS file: what they are taken for, why, and a choice.

    Parameters
    ----------
    settings
        Of the study, whose format and build say how the file is read.
    source
        The file, which is looked at as soon as it is chosen.
    """

    def __init__(self, settings: StudySettings, source: Source) -> None:
        super().__init__()
        self.settings, self._source = settings, source
        self.said: dict[str, str] = {}
        """Role to column, where the person chose another than was understood."""
        self.population = pmui.Select(
            label="Population",
            options={"": ""},
            value="",
            description=settings.param.population.doc,
            size="small",
            visible=False,
            **WIDE,
        )
        self.selects: dict[str, pmui.Select] = {}
        self._options: dict[str, str] = {}
        self._notes: dict[str, pmui.Typography] = {}
        self._rows = pmui.Column(sizing_mode="stretch_width")
        self._problems = pmui.Column(sizing_mode="stretch_width")
        self._summary = pmui.Typography("", variant="body2", sx=_SMALL, margin=(0, 0, 4, 0))
        self._file, self._quiet = "", False
        source.path.param.watch(self._another, "value")
        source.chooser.param.watch(self._another, "value")
        self.population.param.watch(self._chosen, "value")
        settings.param.watch(self._chosen, ["format", "build"])
        self._layout = pmui.Column(
            pmui.Typography("Columns of the GWAS", variant="h3", sx=_HEAD, margin=(12, 0, 2, 0)),
            self._summary,
            self._problems,
            self.population,
            self._rows,
            sizing_mode="stretch_width",
            visible=False,
        )

    @property
    def words(self) -> list[str]:
        """The choices as the study's setting ``column`` has them."""
        return [f"{role}={column}" for role, column in self.said.items()]

    @contextmanager
    def _silent(self) -> Iterator[None]:
        """Widgets are changed, and not by the person."""
        self._quiet, before = True, self._quiet
        try:
            yield
        finally:
            self._quiet = before

    def _another(self, _: Any) -> None:
        """Another file: nothing is chosen yet. An upload that is saved is the same one."""
        name = self._source.upload[0] or Path(self._source.path.value.strip()).name
        if name and name != self._file:
            self._file, self.said = name, {}
            with self._silent():
                self.population.param.update(options={"": ""}, value="", visible=False)
        self._look()

    def _chosen(self, _: Any) -> None:
        if not self._quiet:
            self._look()

    def _look(self) -> None:
        """Read the beginning of the file, and show what is understood of it."""
        if not self._source.names and not self._source.path.value.strip():
            # An upload that was saved goes on as a path, or there is no file.
            self._layout.visible = False
            return
        try:
            meaning = self._at_file(self._understood)
        except InputError as problem:
            self._problems.objects = [trouble(str(problem))]
            self._rows.objects, self.selects, self._notes = [], {}, {}
            self._summary.object = ""
            self._layout.visible = True
            return
        self._show(meaning)

    def _at_file(self, function: Callable[[Path], Meaning]) -> Meaning:
        """Call with the path of the file; what is uploaded is on disk only so long."""
        name, content = self._source.upload
        if content is None:
            (named,) = self._source.named()
            return function(Path(expand(named)[0]))
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / label(name)
            path.write_bytes(content)
            return function(path)

    def _understood(self, path: Path) -> Meaning:
        settings = copy_of(self.settings, column=self.words, population=self.population.value)
        return understood_of(settings, path, self.settings.build)

    def _show(self, meaning: Meaning) -> None:
        found = {one.role: one for one in meaning.understood}
        roles = [role for role in ROLES if role in _ASKED or role in found or role in self.said]
        options = {_NONE: "", **{name: name for name in meaning.names}}
        with self._silent():
            if list(self.selects) != roles or self._options != options:
                self._options = options
                self._make(roles, options)
            for role in roles:
                one = found.get(role)
                self.selects[role].value = one.column if one else ""
                self._notes[role].object = text(_note(one) if one else "")
            self.population.param.update(
                options={"choose one": "", **{name: name for name in meaning.populations}},
                value=self.population.value,
                visible=len(meaning.populations) > 1,
            )
        self._summary.object = "  \n".join(map(text, _summary(meaning)))
        asks = [_lacks(meaning)] if meaning.lacks else meaning.asks
        doubt = [caution(_doubt(meaning))] if meaning.doubt else []
        self._problems.objects = list(map(trouble, asks)) or doubt
        self._layout.visible = True

    def _make(self, roles: list[str], options: dict[str, str]) -> None:
        self.selects = {
            role: pmui.Select(
                label=_LABELS.get(role, ROLES[role][0].upper() + ROLES[role][1:]),
                options=options,
                value="",
                size="small",
                **WIDE,
            )
            for role in roles
        }
        self._notes = {
            role: pmui.Typography("", variant="caption", sx=_SMALL, margin=(0, 0, 6, 2))
            for role in roles
        }
        for role, select in self.selects.items():
            select.param.watch(lambda event, role=role: self._choose(role, event.new), "value")
        pairs = [
            pmui.Column(self.selects[role], self._notes[role], sizing_mode="stretch_width")
            for role in roles
        ]
        self._rows.objects = [cells(*((pair, 4) for pair in pairs))]

    def _choose(self, role: str, column: str) -> None:
        if not self._quiet:
            self.said[role] = column or NO_COLUMN
            self._look()

    def __panel__(self) -> Any:
        return self._layout


def _note(one: Understood) -> str:
    """Why a column has its role, and its first values."""
    return f"{', '.join(one.values)} ({one.why})" if one.values else one.why


def _summary(meaning: Meaning) -> list[str]:
    """The format, what is said for the whole study, and which columns are left over."""
    whole = [
        f"{one.role}: {', '.join(one.values)} ({one.why})"
        for one in meaning.understood
        if not one.column
    ]
    if not meaning.tells_people:
        whole.append(
            "No sample sizes: give the people in the GWAS (N) above, or cases and controls."
        )
    names = meaning.unused[:_SAID]
    more = len(meaning.unused) - len(names)
    unused = [f"Not used: {', '.join(names)}" + f" and {more} more" * bool(more)] if names else []
    return [f"{len(meaning.names)} columns. Format: {meaning.format}.", *whole, *unused]


def _lacks(meaning: Meaning) -> str:
    """What must be chosen before the file can be read."""
    needed = "; ".join(meaning.lacks).replace("_", " ")
    return f"No column has a name that is known for {needed}. Choose below."


def _doubt(meaning: Meaning) -> str:
    one, two = (meaning.roles[f"{which}_allele"] for which in ("effect", "other"))
    return (
        f"The names of the columns do not say which allele the effect counts, {one} or {two}. "
        "Choose it if you know it; else it is told by the frequencies, beside those of the LD "
        "panel, where that is possible."
    )
