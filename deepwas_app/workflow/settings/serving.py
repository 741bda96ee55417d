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
    address = param.String(
        "localhost",
        doc="Address to listen on; another than this machine's own needs a login, or --no-login.",
    )
    data_root = param.String(
        "",
        doc="Where runs and new studies are kept; visitors may name files in it.",
        metadata=facts(metavar="DIR"),
    )
    open_disk = param.Boolean(
        False,
        doc="Visitors may name any file that the server can read: for one person on one machine.",
    )
    basic_auth = param.String(
        "",
        doc='Login with the names and passwords of a JSON file, {"name": "password"}.',
        metadata=facts(metavar="FILE"),
    )
    oauth_provider = param.String(
        "",
        doc="Login by a provider that Panel knows, such as github, google, azure, okta or generic. "
        "Its secrets may be in the environment: PANEL_OAUTH_SECRET, PANEL_COOKIE_SECRET, "
        "PANEL_OAUTH_ENCRYPTION.",
        metadata=facts(metavar="NAME"),
    )
    oauth_key = param.String("", doc="Identifier of this server at the provider.")
    oauth_secret = param.String("", doc="Secret of this server at the provider.")
    oauth_redirect_uri = param.String("", doc="Address that the provider sends people back to.")
    cookie_secret = param.String(
        "", doc="What logins are signed with; drawn anew at each start if there is none."
    )
    owners = param.List(
        default=[],
        item_type=str,
        doc="Names of those who log in and may stop the jobs of others.",
        metadata=facts(metavar="NAME"),
    )
    no_login = param.Boolean(False, doc="Let in whoever reaches the address, without a login.")
    allow_origin = param.List(
        default=[],
        item_type=str,
        doc="Names, HOST or HOST:PORT, under which browsers reach the server, as behind a proxy; "
        "none lets programs in that are no browser.",
        metadata=facts(metavar="HOST"),
    )
    prefix = param.String("", doc="Path that all addresses begin with, as behind a proxy: deepwas.")
    upload_limit = param.Number(
        500,
        bounds=(0, None),
        doc="What one visitor may upload at a time.",
        metadata=facts("MB"),
    )
