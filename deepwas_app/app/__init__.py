"""The screen: pages over a shared state, jobs in the background, and the served dashboard."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import xarray as xr


def explore(study: "xr.Dataset | str | None" = None) -> Any:
    """The dashboard on a study, in a notebook cell or to be served.

    Parameters
    ----------
    study
        A study, the name of a built-in study, or a path. Without one, choose on the Study page.

    Returns
    -------
    Dashboard
        A Panel Viewer.

    Raises
    ------
    InputError
        If there is no such study.
    """
    from deepwas_app.app.shell import Dashboard

    return Dashboard(study)
