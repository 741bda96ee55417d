"""The one exception that people see: bad input, said in one line."""


class InputError(ValueError):
    """Input that a person can mend: one line with the file, what is wrong and the remedy."""
