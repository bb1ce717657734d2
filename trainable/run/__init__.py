"""The run directory: `Run`, its `Trial`s, their `Fold`s, and the ensembles built on them.

    runs/<name>/
      experiment.json  space.py  manifest.parquet  folds.parquet  inputs/
      study.log  lock  owner  leaderboard.csv  search.json  ways.json  report.html
      trials/<trial_id>/
        config.json  result.json  error.txt  oof.npz
        fold_<k>/  model.safetensors  valid.npz  metrics.jsonl  result.json  resume.pt
        all_rows/  the same, of a network that trained on every row: nothing selects by it
      ensembles/<name>/  ensemble.json  oof.npz  test.npz  submission.csv  probabilities.csv
      heads/  a run in itself: heads on frozen networks that a build fits, as further members
      ray/  tb/  wandb/

The names of these files, and the reading of what they hold, occur in this package and nowhere else. `result.json` is
written last: only then is a fold or a trial finished.
"""

from trainable.run.ensemble import EnsembleFolder
from trainable.run.experiment import Experiment, prepare
from trainable.run.fold import Fold
from trainable.run.predictions import Predictions
from trainable.run.records import FINISHED, FoldResult, RunInfo, TrialResult, versions
from trainable.run.run import Run, newest_run
from trainable.run.trial import Trial

__all__ = [
    "FINISHED",
    "EnsembleFolder",
    "Experiment",
    "Fold",
    "FoldResult",
    "Predictions",
    "Run",
    "RunInfo",
    "Trial",
    "TrialResult",
    "newest_run",
    "prepare",
    "versions",
]
