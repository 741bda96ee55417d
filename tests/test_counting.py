"""One of a thing is not several."""

import pytest

from deepwas_app.counting import counted


@pytest.mark.parametrize(
    ("number", "noun", "words"),
    [
        (1, "parameter", "1 parameter"),
        (0, "run", "0 runs"),
        (5442, "LD block", "5,442 LD blocks"),
        (1, "person", "1 person"),
        (2000, "person", "2,000 people"),
    ],
)
def test_a_number_has_the_noun_that_goes_with_it(number: int, noun: str, words: str):
    assert counted(number, noun) == words
