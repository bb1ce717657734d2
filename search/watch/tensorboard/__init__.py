"""TensorBoard: a folder a trial, written by the driver as reports come in; one of the search, one of each node."""

from search.watch.tensorboard.hparams import known_parameters
from search.watch.tensorboard.watcher import FEW, TensorBoard

__all__ = ["FEW", "TensorBoard", "known_parameters"]
