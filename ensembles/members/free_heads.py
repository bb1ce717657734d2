"""Members for free: heads in closed form on the tables of features that trials of a run stand on.

A search of pretrained networks begins with one table a network and a few heads on it. The forward pass is what costs;
further heads see the classes otherwise: weighed by how rare they are, as nearest neighbours, or attribute by attribute.
They are trials of a run of their own below the run (`RunFolder.heads`), on its very folds, so that everything that
knows trials knows them. What they bring is measured on benchmarks.bank: its free members are these.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace

from ensembles.members.member import JOINT
from trainable.config import HeadConfig, LossConfig, TrialConfig
from trainable.device import this_device
from trainable.errors import InputError
from trainable.locks import waiting_for
from trainable.metrics import is_named
from trainable.progress import tracked
from trainable.run import Run, Trial
from trainable.run.inputs import share_body
from trainable.training.trial import train
from trainable.words import count

HEADS = (("lda", 0.0), ("lda", 0.5), ("ridge", 0.0), ("ridge", 0.5), ("knn", 0.0))  # name, power of class weights
SHRINKAGE = 0.3  # given: choosing it costs more than all the rest
MOST_ROWS = 20_000  # that neighbours are looked for among
# Of a class and fold: weighed classes need one each, of 6 MB where a feature has 1,280 numbers. Two networks side by
# side count as four: such heads took 20 s each on 2,800 photos, and the vote with them was no better (decision 028).
MOST_GRAMS = 100


def fit_free_heads(run: Run, say: Callable[[str], None] = print) -> Run | None:
    """The run of further heads on the tables of features that `run` has, fitted where they are not there yet.

    None where the run has no such table. A head that cannot be fitted is named and left out: the vote does not need it.
    """
    sources = _sources(run)
    if not sources:
        if any(trial.config.fitted for trial in run.trials()):
            say("no further heads: they stand on features of complete trials, and none that is a head is complete")
        return None
    own = Run(run.heads)
    with waiting_for(run.heads_lock, "fits heads on the same features"):
        lacking = [
            config
            for source in sources
            for config in _configs(source, run)
            if not own.trial(run.identify(config)).finished
        ]
        if not lacking:
            return own
        say(f"heads: {count(len(lacking), 'further head')} on {count(len(sources), 'table')} of features")
        own.root.mkdir(exist_ok=True)
        try:
            own = _begin(run, sources)
            unfit: dict[str, list[str]] = {}  # one that cannot be fitted, of classes with one photo each, say, is one
            for config in tracked(lacking, "fit further heads", len(lacking)):
                try:
                    _fit(own, config)
                except InputError as error:
                    unfit.setdefault(" ".join(str(error).split()), []).append(config.head.name)
            for why, names in unfit.items():
                say(f"warning: {count(len(names), 'head')} ({', '.join(dict.fromkeys(names))}) left out: {why}")
        except (InputError, OSError) as error:
            say(f"warning: heads are left out: {' '.join(str(error).split())}")
    return own if own.begun and any(trial.finished for trial in own.trials()) else None


def _sources(run: Run) -> list[Trial]:
    """A complete trial for each table of features that the run's heads stand on."""
    found: dict[object, Trial] = {}
    for trial in run.trials():
        if trial.finished and trial.config.fitted and not trial.fold(0).broken():
            config = trial.config
            found.setdefault((config.target, config.tables, config.input, config.rows, config.model.pretrained), trial)
    return list(found.values())


def _configs(source: Trial, run: Run) -> Iterable[TrialConfig]:
    """The heads on the table of that trial, without those that are trials of the run already."""
    config = source.config
    grams = len(run.info.classes) * run.info.folds * len(config.tables) ** 2
    parts = ["classes", "attributes"] if config.target == JOINT and len(run.made_of) > 1 else ["classes"]
    for name, power in HEADS:
        if (name == "knn" and len(run.manifest.frame) > MOST_ROWS) or (power and grams > MOST_GRAMS):
            continue
        loss = LossConfig(class_weights="power", weight_power=power) if power else LossConfig()
        for part in parts if name != "knn" and not power else parts[:1]:
            head = HeadConfig(name=name, parts=part, shrinkage=0.0 if name == "knn" else SHRINKAGE)
            made = replace(config, head=head, loss=loss)
            if not run.trial(run.identify(made)).finished:
                yield made


def _begin(run: Run, sources: Iterable[Trial]) -> Run:
    """The run of heads, its files as those of `run`; the networks are the files that lie there already."""
    own = Run(run.heads)
    weights = {}
    for source in sources:
        for (backbone, _), file in zip(source.config.tables, source.fold(0).bodies, strict=True):
            weights[backbone] = str(share_body(file, own.root))
    space = "" if is_named(run.info.metric) else run.space.read_text(encoding="utf-8")
    own.begin(
        replace(run.experiment, weights=weights), command=[], settings=run.settings, space=space, metric=run.info.metric
    )
    return Run(run.heads)


def _fit(own: Run, config: TrialConfig) -> None:
    trial = own.trial(own.identify(config))
    trial.begin(config)
    train(trial, lambda _: True, device=this_device())
