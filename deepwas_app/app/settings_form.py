"""Widgets from the settings classes: each knob is declared once, in workflow/settings."""

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

import panel_material_ui as pmui
import param

from deepwas_app.workflow.settings import fact, help_text, plain

Settings = TypeVar("Settings", bound=param.Parameterized)


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
    setting = settings.param[name]
    shared: dict[str, Any] = {
        "label": setting.label,
        "description": help_text(setting),
        "size": "small",
        "sizing_mode": "stretch_width",
        "margin": (6, 0),
    }
    kind: Any = pmui.TextInput
    if isinstance(setting, param.Selector):
        kind = pmui.Select
        if "" in setting.objects:
            shared["options"] = {(x or fact(setting, "empty")): x for x in setting.objects}
    elif isinstance(setting, param.Boolean):
        kind = pmui.Switch
    elif isinstance(setting, param.Integer):
        kind = pmui.IntInput
    elif isinstance(setting, param.Number):
        kind = pmui.FloatInput
        shared["step"] = _step(setting.default)
    if kind in (pmui.IntInput, pmui.FloatInput):
        # The stepping buttons have no name for screen readers; the arrow keys do the same.
        shared["sx"] = {"& .MuiIconButton-root": {"display": "none"}}
    return kind.from_param(settings.param[name], **(shared | options))


def copy_of(settings: Settings, **changes: Any) -> Settings:
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
