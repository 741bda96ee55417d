"""The one door for other people's words into what renders Markdown and HTML."""

import html
import re

# Marks of Markdown: some anywhere, an underscore beside a word, those that begin a line, and what
# makes an address of a word (a file x.info is none).
_MARKS = re.compile(
    r"[\\`*\[\]~|$@]|(?<![^\W_])_|_(?![^\W_])|^\s*(?:[#+=-]+|\d+[.)])(?=\s|$)"
    r"|[.](?=[^\W\d])|:(?=/)",
    re.M,
)


def text(words: object) -> str:
    """Words that are shown as they are, wherever Markdown or HTML is rendered.

    Titles of studies and names of runs, variants, genes, annotations and files come from other
    people, and what Typography, Alert and the like are given is rendered: a script in a title
    would run in every visitor's browser.

    Parameters
    ----------
    words
        What to show.

    Returns
    -------
    str
        With all that could be HTML or Markdown as character references.
    """

    def referred(mark: re.Match[str]) -> str:
        return f"{mark[0][:-1]}&#{ord(mark[0][-1])};"

    return _MARKS.sub(referred, html.escape(str(words)))
