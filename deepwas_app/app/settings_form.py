"""Widgets from the settings classes: each knob is declared once, in workflow/settings."""

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

import panel_material_ui as pmui
import param
from panel.reactive import Syncable

from deepwas_app.workflow.settings import SettingError, fact, help_text, plain

Knobs = TypeVar("Knobs", bound=param.Parameterized)


class NumberField(Syncable):
    """A field that refuses what its knob cannot be, and then shows again what it was.

    Else the line would be the widget's own, about its code, and a number that was refused would
    stay in the field while another counts.
    """

    knob: param.Number[Any] | None = None
    label: str
    blank = True
    """Whether it may be empty."""

    def _process_events(self, events: dict[str, Any]) -> None:
        if "value" in events and self.knob is not None:
            try:
                self._check(self.knob, events["value"])
            except SettingError:
                self.param.trigger("value")
                raise
        super()._process_events(events)

    def _check(self, knob: param.Number[Any], value: Any) -> None:
        if value is None and self.blank:
            return
        kind = knob.owner if isinstance(knob.owner, type) else type(knob.owner)
        try:
            kind(**{str(knob.name): value})
        except ValueError:
            shown = "is empty" if value is None else value
            raise SettingError(knob, shown, self.label) from None


class WholeField(NumberField, pmui.IntInput):
    """A field for a whole number."""


class RealField(NumberField, pmui.FloatInput):
    """A field for a number."""


def widget(settings: param.Parameterized, name: str, **options: Any) -> Any:
    """A labelled widget for one setting, linked to it in both directions.

    Parameters
    ----------
    settings
        An instance of a settings class.
    name
        Name of the setting; its doc, range and default become the help text.
    **options
        Passed to the widget; they win over what the setting says.

    Returns
    -------
    panel.widgets.Widget
        A Material widget.
    """
    knob = settings.param[name]
    kind, shared = _look(knob)
    shared |= {"sizing_mode": "stretch_width", "margin": (6, 0)}
    made = kind.from_param(knob, **(shared | options))
    if isinstance(made, NumberField):
        made.knob, made.blank = knob, bool(knob.allow_None)
    return made


def number_input(knob: param.Number[Any], **options: Any) -> Any:
    """A labelled widget for a number that stands by itself; :func:`read_inputs` reads it."""
    kind, shared = _look(knob)
    low, high = knob.bounds or (None, None)
    made = kind(**({"value": knob.default, "start": low, "end": high} | shared | options))
    made.knob = knob
    return made


def read_inputs(kind: type[Knobs], **inputs: Any) -> Knobs:
    """Settings from widgets by name; what is left blank has its default.

    Raises
    ------
    InputError
        For a value that a setting cannot have: a line with the widget's label.
    """
    try:
        return kind(**{name: w.value for name, w in inputs.items() if w.value is not None})
    except SettingError as problem:
        raise SettingError(
            problem.knob, problem.value, inputs[problem.knob.name or ""].label
        ) from None


def _look(setting: param.Parameter[Any]) -> tuple[Any, dict[str, Any]]:
    """The class of widget that a setting has, and what the setting says for it."""
    shared: dict[str, Any] = {
        "label": setting.label,
        "description": help_text(setting),
        "size": "small",
    }
    if isinstance(setting, param.Selector):
        if "" in setting.objects:
            shared["options"] = {(x or fact(setting, "empty")): x for x in setting.objects}
        return pmui.Select, shared
    if isinstance(setting, param.Boolean):
        return pmui.Switch, shared
    if not isinstance(setting, param.Number):
        return pmui.TextInput, shared
    # The stepping buttons have no name for screen readers; the arrow keys do the same.
    shared["sx"] = {"& .MuiIconButton-root": {"display": "none"}}
    # By these names browser.NumberWords knows them.
    shared["css_classes"] = ["number-field"]
    if isinstance(setting, param.Integer):
        return WholeField, shared | {"css_classes": ["number-field", "whole-number"]}
    return RealField, shared | {"step": _step(setting.default)}


def copy_of(settings: Knobs, **changes: Any) -> Knobs:
    """The same settings in a new object, some of them changed."""
    return type(settings)(**(plain(settings) | changes))


def by_label(entries: Mapping[str, Any]) -> dict[str, str]:
    """Names of a registry's entries by their labels, to choose from."""
    return {entry.label: name for name, entry in entries.items()}


def widgets(settings: param.Parameterized, names: Iterable[str]) -> dict[str, Any]:
    """Widgets of several settings, by name."""
    return {name: widget(settings, name) for name in names}


def _step(default: float | None) -> float:
    if not default:
        return 0.01
    return float(f"{abs(default) / 10:.0e}") if abs(default) < 0.1 else 0.01
