"""A trial whose process or node died goes on from its last epoch on another one, as long as it gets on.

A life that came further than all before it was not in vain (a preempted machine has many such): only RETRIES deaths in
a row without that give a trial up. Epochs whose state was not on disk yet are trained again, and count once.
"""

RETRIES = 3


class Deaths:
    """How often each trial's process died since its last progress."""

    def __init__(self) -> None:
        self.counts: dict[str, tuple[int, int]] = {}  # trial: (most epochs done, deaths since)

    def one_more(self, trial_id: str, step: int, reason: str = "") -> str:
        """Why the trial is not tried again; empty while it is.

        step: epochs that it has done by now. reason: what it died of, if it could say.
        """
        before, count = self.counts.get(trial_id, (step, 0))
        died = count + 1 if step <= before else 1
        self.counts[trial_id] = max(step, before), died
        if died <= RETRIES:
            return ""
        last = f"; the last time: {reason}" if reason else ""
        return f"its process died {died} times without finishing another epoch{last}"
