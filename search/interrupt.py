"""Ctrl-C, or a batch system's farewell, ends the work tidily."""

import signal


class Interrupt:
    """KeyboardInterrupt from either signal.

    Where code in C is running the exception can be swallowed: then the next `check` raises it again.
    """

    def __init__(self) -> None:
        self.heard = False

    def heed(self) -> None:
        """Take the signals; call it in the main thread."""

        def hear(*_: object) -> None:
            self.heard = True
            raise KeyboardInterrupt

        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, hear)

    def check(self) -> None:
        if self.heard:
            raise KeyboardInterrupt
