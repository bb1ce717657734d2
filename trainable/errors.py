"""The one exception that means "your input is wrong"."""


class InputError(ValueError):
    """Something the user gave cannot be used.

    The message is one line: what was wrong, what was received, what is allowed. Commands turn it into exit code 2;
    every other exception is a bug or a fault of the machine and keeps its traceback.
    """
