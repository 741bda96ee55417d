"""Knobs of the dashboard's server."""

import param

from deepwas_app.workflow.settings.base import Settings, facts


class ServeSettings(Settings):
    """Serving the dashboard."""

    studies = param.List(
        default=[],
        item_type=str,
        doc="Studies; the built-in ones if none is named.",
        metadata=facts(positional=True, metavar="STUDY"),
    )
    port = param.Integer(5006, bounds=(1, 65_535), doc="Port to listen on.", metadata=facts("1"))
    address = param.String("localhost", doc="Address to listen on.")
    data_root = param.String(
        "", doc="Where runs and new studies are kept.", metadata=facts(metavar="DIR")
    )
