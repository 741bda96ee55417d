"""What every answer of the server carries, and which requests it refuses.

Bokeh's server is made by Panel, or by ``panel serve`` before any of our code runs; so methods of it
are replaced, and tests/app/test_upstream.py fails when it is another than the one that was
read.
"""

import re
import secrets
import sys
from typing import Any

from bokeh.server.tornado import BokehTornado
from tornado.httputil import HTTPHeaders, HTTPServerRequest
from tornado.web import Application, ErrorHandler, OutputTransform, RequestHandler
from tornado.websocket import WebSocketHandler

VISITOR = "deepwas_visitor"
"""Cookie that tells one browser from another where nobody logs in."""
FLUSH = RequestHandler.flush
"""Tornado's own."""
_YEAR = 365 * 24 * 3600
_SCRIPT = re.compile(rb"<script(?=[\s>])")
# Panel's handler of component files imports the module that an address names.
_COMPONENT = re.compile(r"/components/([\w.]+)/")
# Only scripts that the server wrote run, by their nonce: not what others wrote into a title.
# Bokeh compiles templates and callbacks that the server sends (unsafe-eval), and Panel imports
# components from blobs. Styles are set by scripts all over.
_POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self' 'nonce-{nonce}' 'unsafe-eval' blob:",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "connect-src 'self' ws://{host} wss://{host} data: blob:",
        "worker-src 'self' blob:",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
}
# Of a Host header; anything else would end up in the policy as it is.
_HOST = re.compile(r"[\w.:\[\]-]+")


class Protected(OutputTransform):
    """Adds the headers, the nonce of scripts, and the cookie that tells a browser from others."""

    def __init__(self, request: HTTPServerRequest) -> None:
        self._host = request.host if _HOST.fullmatch(request.host) else "localhost"
        self._visitor = ""
        if VISITOR not in request.cookies:
            # In the request as well: a session is made of it, before the browser has the cookie.
            self._visitor = secrets.token_hex(16)
            request.cookies[VISITOR] = self._visitor  # type: ignore[assignment]  # makes a Morsel

    def transform_first_chunk(
        self, status_code: int, headers: HTTPHeaders, chunk: bytes, finishing: bool
    ) -> tuple[int, HTTPHeaders, bytes]:
        """The head of an answer, and a page, which is always one chunk."""
        nonce = secrets.token_urlsafe(16)
        for name, value in _HEADERS.items():
            headers[name] = value
        headers["Content-Security-Policy"] = _POLICY.format(nonce=nonce, host=self._host)
        if headers.get("Content-Type", "").startswith("text/html"):
            # An old page would come with the nonce of a new answer.
            headers["Cache-Control"] = "no-store"
            if self._visitor:
                headers.add(
                    "Set-Cookie",
                    f"{VISITOR}={self._visitor}; Max-Age={_YEAR}; Path=/; HttpOnly; SameSite=Lax",
                )
            if finishing and chunk:
                chunk = _SCRIPT.sub(f'<script nonce="{nonce}"'.encode(), chunk)
                headers["Content-Length"] = str(len(chunk))
        return status_code, headers, chunk


def _refused(request: HTTPServerRequest, handler: type, without_origin: bool) -> int:
    """Status of a request that gets nothing; 0 for others."""
    if issubclass(handler, WebSocketHandler):
        # Every browser says where the page is from; without, nobody can tell.
        return 0 if without_origin or "Origin" in request.headers else 403
    named = _COMPONENT.search(request.path)
    return 404 if named and named[1] not in sys.modules else 0


def protect(*, without_origin: bool = False) -> None:
    """Let all servers of this process answer with protecting headers, and refuse what is odd.

    Parameters
    ----------
    without_origin
        Whether a websocket may come without an Origin, as from a program.
    """

    def get_handler_delegate(
        self: BokehTornado, request: HTTPServerRequest, handler: type, *more: Any, **named: Any
    ) -> Any:
        if Protected not in self.transforms:
            self.add_transform(Protected)
        if status := _refused(request, handler, without_origin):
            handler, more, named = ErrorHandler, ({"status_code": status},), {}
        return Application.get_handler_delegate(self, request, handler, *more, **named)

    def flush(self: RequestHandler, include_footers: bool = False) -> Any:
        ours = isinstance(self.application, BokehTornado) and not self._headers_written
        # The page whose script called this, as ``panel serve`` has it, has begun without.
        if ours and not any(isinstance(one, Protected) for one in self._transforms):
            self._transforms.append(Protected(self.request))
        return FLUSH(self, include_footers)

    setattr(BokehTornado, "get_handler_delegate", get_handler_delegate)  # noqa: B010
    setattr(RequestHandler, "flush", flush)  # noqa: B010
