"""Pieces of pages."""

import panel_material_ui as pmui

from deepwas_app.app.components import figures, fold


def test_numbers_of_others_are_text_and_may_break_into_lines():
    shown = figures([("h² of <b>x</b>\n\n# y", "0.0054 ± 0.0008", 'a "quote"'), ("N", "3", "")])
    assert "<dt>h² of &lt;b&gt;x&lt;/b&gt; # y</dt><dd>0.0054 ± 0.0008</dd>" in shown.object
    assert 'data-help="a &quot;quote&quot;"' in shown.object
    assert "<div><dt>N</dt>" in shown.object
    assert "\n" not in shown.object
    assert "whiteSpace" not in str(shown.sx)


def test_what_is_folded_is_only_sent_where_it_is_opened():
    inside = pmui.Button(label="inside")
    folded = fold("More", inside)
    assert inside not in folded.select(pmui.Button)
    (button,) = folded.select(pmui.Button)
    for seen in (True, False, True):
        button.clicks += 1
        assert folded[1].visible == seen
        assert list(folded[1]) == [inside]
