"""What ``deepwas serve`` does before it listens."""

from types import SimpleNamespace

import pytest

from deepwas_app.app import serving
from deepwas_app.errors import InputError


def test_the_command_gets_as_far_as_listening(monkeypatch, unprotected, tmp_path, capsys):
    """Also what it imports beforehand must be there."""
    monkeypatch.setenv("DEEPWAS_STUDIES", "")
    asked, called = {}, []
    loop = SimpleNamespace(start=lambda: called.append("loop"))
    server = SimpleNamespace(prefix="", io_loop=loop, start=lambda: called.append("server"))
    monkeypatch.setattr(serving.signal, "signal", lambda *_: None)
    monkeypatch.setattr(serving.pn, "serve", lambda _, **options: asked.update(options) or server)
    monkeypatch.setattr(serving.gc, "freeze", lambda: called.append("freeze"))
    serving.serve(["height_chr22"], port=5391, data_root=str(tmp_path))
    assert called == ["freeze", "server", "loop"]
    assert (asked["port"], asked["address"]) == (5391, "localhost")
    assert "localhost:5391" in asked["websocket_origin"]
    assert "http://localhost:5391" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "served"),
    [
        ("panel serve main.py", False),
        ("panel serve main.py --address 0.0.0.0", False),
        ("panel serve main.py --address localhost --warm", True),
    ],
)
def test_panel_serve_is_for_this_machine_where_nobody_logs_in(
    monkeypatch, unprotected, words, served
):
    shown = []
    monkeypatch.setattr(serving.sys, "orig_argv", words.split())
    monkeypatch.setattr(serving, "dashboard", lambda: "the dashboard")
    monkeypatch.setattr(
        serving.pn, "panel", lambda page: shown.append(page) or SimpleNamespace(servable=dict)
    )
    serving.serve_session()
    assert (shown == ["the dashboard"]) == served


def test_a_study_that_is_not_there_is_one_line():
    with pytest.raises(InputError, match="no/such: no such study"):
        serving.serve(["no/such"])


def test_long_words_of_messages_break_within_the_page(monkeypatch):
    asked = {}
    monkeypatch.setattr(serving.pn, "extension", lambda *_, **options: asked.update(options))
    monkeypatch.setattr(serving, "AppState", lambda: 1 / 0)
    serving.dashboard()
    (style,) = asked["raw_css"]
    assert "overflow-wrap: anywhere" in style
    assert "100vw" in style
