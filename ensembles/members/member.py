"""A member of a vote."""

from dataclasses import dataclass, replace

from trainable.run import Fold, Trial
from trainable.run.folder import RunFolder

JOINT = "joint"  # the target of a trial that predicts all classes


@dataclass(frozen=True)
class Member:
    """A complete trial that may vote, or a product of complete trials that predict one attribute each.

    trial: of a product, the one that predicts the first attribute. oof_score: what its out-of-fold probabilities score
    in the metric of its run, NaN where nobody asked. times: of a product, the trials of the other attributes.
    all_rows: whether its one network of all rows predicts new photos, in place of its fold models.
    parts: of a trial that is not complete, the folds that there are networks of; see ensembles.members.partial.
    """

    trial: Trial
    oof_score: float
    times: "tuple[Member, ...]" = ()
    all_rows: bool = False
    parts: tuple[str, ...] = ()

    @property
    def run(self) -> RunFolder:
        return self.trial.run

    @property
    def name(self) -> str:
        """RUN/TRIAL; of a product the names of its factors."""
        return " x ".join(f"{m.run.name}/{m.trial.id}" for m in self.factors)

    @property
    def key(self) -> str:
        """The name of its trial as part of a file's name."""
        return f"{self.run.name}-{self.trial.id}"

    @property
    def target(self) -> str:
        """What its trial predicts: "joint", or one attribute."""
        return self.trial.config.target

    @property
    def factors(self) -> "tuple[Member, ...]":
        """The members whose probabilities are multiplied: itself alone unless it is a product."""
        return (self, *self.times)

    def networks(self) -> list[Fold]:
        """What predicts new photos for its trial; of a product, for the first factor alone."""
        if self.all_rows:
            return [self.trial.all_rows]
        if self.parts:
            return [self.trial.part(name) for name in self.parts]
        return [self.trial.fold(k) for k in range(self.run.info.folds)]

    def on_all_rows(self) -> "Member":
        """The same member, predicting with its networks of all rows."""
        return replace(self, all_rows=True, times=tuple(m.on_all_rows() for m in self.times))
