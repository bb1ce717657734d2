"""A trial whose process or node died goes on from its last epoch on another one, RETRIES times."""

from collections import Counter

RETRIES = 3


class Deaths:
    """How often each trial's process died."""

    def __init__(self) -> None:
        self.counts = Counter[str]()

    def one_more(self, trial_id: str) -> str:
        """Why the trial is not tried again; empty while it is."""
        self.counts[trial_id] += 1
        died = self.counts[trial_id]
        return f"its process died {died} times" if died > RETRIES else ""
