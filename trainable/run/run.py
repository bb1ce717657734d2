"""A run: one experiment, the trials on it, and the ensembles of those trials."""

import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import pandas as pd

from trainable.config import TrialConfig
from trainable.data.pseudo_labels import without_pseudo
from trainable.files import is_partial, write_atomic, write_text
from trainable.metrics import MACRO_F1
from trainable.run.ensemble import EnsembleFolder
from trainable.run.experiment import Experiment
from trainable.run.folder import SCHEMA, RunFolder
from trainable.run.inputs import keep
from trainable.run.records import RunInfo, versions, write_record
from trainable.run.search_record import SearchRecord, read_search_record, write_search_record
from trainable.run.trial import Trial


@dataclass(frozen=True)
class Run(RunFolder):
    """A run directory, begun or not, with the trials and ensembles in it."""

    @classmethod
    def open(cls, root: Path) -> Self:
        """A run that was begun; InputError when the folder is none, or of another version."""
        run = cls(root)
        _ = run.info
        return run

    def begin(
        self,
        experiment: Experiment,
        *,
        command: Sequence[str],
        settings: dict[str, Any],
        space: str = "",
        metric: str = MACRO_F1,
    ) -> None:
        """Write the run's files, experiment.json last.

        space: text of the space file, where a search begins. metric: the name of what scores will be.
        """
        manifest, folds = experiment.manifest, experiment.folds
        labelled, own = without_pseudo(manifest, folds)
        if space:
            write_text(self.space, space)
        write_atomic(self.manifest_file, lambda p: manifest.frame.to_parquet(p, index=False))
        table = pd.DataFrame({"fold": folds.fold, "scored": folds.scored})
        write_atomic(self.folds_file, lambda p: table.to_parquet(p, index=False))
        info = RunInfo(
            schema=SCHEMA,
            command=list(command),
            versions=versions(),
            seed=experiment.seed,
            metric=metric,
            data=str(manifest.root),
            layout=manifest.layout,
            input=manifest.taken.to_dict(),
            classes=manifest.classes,
            attributes=manifest.made_of.to_dict(),
            folds=folds.count,
            store_size=experiment.store_size,
            weights=experiment.weights,
            skipped_images=experiment.skipped,
            data_fingerprint=labelled.fingerprint(),
            content=experiment.content,
            folds_fingerprint=own.fingerprint(),
            pseudo=experiment.pseudo,
            settings=settings,
        )
        write_record(self.info_file, info)

    def move_data(self, root: Path) -> None:
        """Write down that the same data lie at `root` from now on."""
        if root == self.manifest.root:
            return
        then = self.info_file.stat()
        write_record(self.info_file, replace(self.info, data=str(root)))
        os.utime(self.info_file, ns=(then.st_atime_ns, then.st_mtime_ns))  # the run was born when it was
        for read in ("info", "experiment"):
            self.__dict__.pop(read, None)

    def identify(self, config: TrialConfig) -> str:
        """The id of a trial of this run with that configuration; the only place where one is made."""
        return config.trial_id(self.experiment.folds_fingerprint)

    def keep_inputs(self, configs: Iterable[TrialConfig]) -> None:
        """Copy the files that these configurations name, as they are now."""
        for config in {config.rows.corrections: config for config in configs}.values():
            keep(config.to_dict(), self.root)

    def trial(self, trial_id: str) -> Trial:
        return Trial(self, trial_id)

    def trials(self) -> list[Trial]:
        """Every trial that was begun, by id."""
        return [Trial(self, p.name) for p in sorted((self.root / "trials").glob("*")) if p.is_dir()]

    def ensemble(self, name: str) -> EnsembleFolder:
        return EnsembleFolder(self.root / "ensembles" / name)

    def ensembles(self) -> list[EnsembleFolder]:
        """Those whose build was finished, the latest last."""
        found = [EnsembleFolder(p) for p in (self.root / "ensembles").glob("*") if EnsembleFolder(p).built]
        return sorted(found, key=lambda e: e.summary_file.stat().st_mtime)

    def search(self) -> SearchRecord | None:
        """The record that its search left, None where it had none or has not written it yet."""
        return read_search_record(self.search_record) if self.search_record.is_file() else None

    def write_search(self, record: SearchRecord) -> None:
        write_search_record(self.search_record, record)

    def strangers(self) -> list[str]:
        """Names in the folder that no begin leaves there, however it was cut off; the folder may be missing."""
        own = {p.name for p in (self.space, self.manifest_file, self.folds_file, self.lock)}
        found = sorted(p.name for p in self.root.iterdir()) if self.root.is_dir() else []
        return [name for name in found if name not in own and not is_partial(name)]

    def forget(self) -> None:
        """Delete what a begin wrote that came to nothing, and the folder when nothing else lies there."""
        assert not self.begun
        strangers = self.strangers()
        for path in list(self.root.iterdir()):
            if path.name not in strangers:
                path.unlink()
        with suppress(OSError):
            self.root.rmdir()


def newest_run(folder: Path) -> Path | None:
    """The run below `folder` that was begun last."""
    found = [run for p in folder.glob("*") if (run := Run(p)).begun]
    return max(found, key=lambda run: run.born).root if found else None
