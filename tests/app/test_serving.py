"""What ``deepwas serve`` does before it listens."""

import pytest

from deepwas_app.app import serving
from deepwas_app.errors import InputError


def test_the_command_gets_as_far_as_listening(monkeypatch, tmp_path, capsys):
    """Also what it imports beforehand must be there."""
    monkeypatch.setenv("DEEPWAS_STUDIES", "")
    asked = {}
    monkeypatch.setattr(serving.pn, "serve", lambda page, **options: asked.update(options))
    serving.serve(["height_chr22"], port=5391, data_root=str(tmp_path))
    assert (asked["port"], asked["address"]) == (5391, "localhost")
    assert "localhost:5391" in asked["websocket_origin"]
    assert "http://localhost:5391" in capsys.readouterr().out


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
