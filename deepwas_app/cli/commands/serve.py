"""``deepwas serve``: the dashboard."""

from deepwas_app.workflow.settings.serving import ServeSettings as Settings

__all__ = ["Settings", "run"]


def run(settings: Settings) -> None:
    """Serve the dashboard until it is interrupted."""
    from deepwas_app.app.serving import serve

    serve(settings=settings)
