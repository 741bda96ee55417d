"""What people see of what went wrong: bad input, and numbers that are to be doubted."""


class InputError(ValueError):
    """Input that a person can mend: one line with the file, what is wrong and the remedy."""


class RunWarning(UserWarning):
    """What is to be doubted of numbers that are read off a run: one line without a full stop."""
