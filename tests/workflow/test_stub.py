"""The knobs of public functions as type checkers see them."""

import deepwas_app as dw
from deepwas_app.workflow.stub import STUB, hidden, stub


def test_the_stub_is_that_of_the_declarations():
    assert STUB.read_text() == stub(), "make it again: python -m deepwas_app.workflow.stub"


def test_every_public_function_with_knobs_is_in_it():
    with_knobs = {name for name in dw.__all__ if hasattr(getattr(dw, name), "settings")}
    assert {function.__name__ for function in hidden(STUB.read_text())} == with_knobs
