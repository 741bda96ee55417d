"""How many there are of what, in words."""

_PLURALS = {"person": "people"}


def counted(number: int, noun: str) -> str:
    """A number with its noun, which is given in the singular: "1 LD block", "5,442 parameters"."""
    return f"{number:,} {noun if number == 1 else _PLURALS.get(noun, noun + 's')}"
