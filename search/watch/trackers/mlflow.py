"""MLflow: an experiment a search, a run a trial. Where: $MLFLOW_TRACKING_URI, else MLflow's own default."""

import logging
import time
from collections.abc import Mapping
from typing import Any

import mlflow
from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunTag
from mlflow.exceptions import MlflowException

from trainable.errors import InputError
from trainable.run import Run

STATUS = {"waiting": "SCHEDULED", "complete": "FINISHED", "stopped": "KILLED", "failed": "FAILED"}


class MLflow:
    def __init__(self, run: Run) -> None:
        for name in ("mlflow", "alembic"):  # they would write over the table
            logging.getLogger(name).setLevel(logging.WARNING)
        self.run = run
        self.runs: dict[str, str] = {}  # trial: MLflow's id
        where = mlflow.get_tracking_uri()
        try:
            self.client = MlflowClient(where)
            found = self.client.get_experiment_by_name(run.name)
            self.experiment = found.experiment_id if found else self.client.create_experiment(run.name)
        except MlflowException as error:
            raise InputError(
                f"--log mlflow: received the tracking URI {where}, which cannot be used "
                f"({str(error).strip().splitlines()[0]}); allowed: one that answers, in $MLFLOW_TRACKING_URI"
            ) from None
        self.where = f"MLflow {where}, experiment {run.name}"

    def begin(self, trial_id: str, parameters: Mapping[str, Any]) -> None:
        known = self.runs.get(trial_id) or self._find(trial_id)
        if known is None:
            tags = {"trial": trial_id, "run": f"{self.run.born:x}"}
            known = self.client.create_run(self.experiment, tags=tags, run_name=trial_id).info.run_id
            self.client.log_batch(known, params=[Param(n, str(v)) for n, v in parameters.items()])
        self.runs[trial_id] = known
        self.client.update_run(known, status="RUNNING")

    def log(self, trial_id: str, step: int, values: Mapping[str, float]) -> None:
        now = int(time.time() * 1000)
        self.client.log_batch(self.runs[trial_id], metrics=[Metric(n, v, now, step) for n, v in values.items()])

    def end(self, trial_id: str, state: str, reason: str, score: float | None) -> None:
        run = self.runs[trial_id]
        self.client.log_batch(run, tags=[RunTag("state", state), RunTag("reason", reason)])
        if score is not None:
            self.client.log_metric(run, "oof_score", score)
        if state == "waiting":
            self.client.update_run(run, status=STATUS[state])
        else:
            self.client.set_terminated(run, STATUS[state])

    def close(self) -> None:
        """Nothing: what is logged is there."""

    def _find(self, trial_id: str) -> str | None:
        """The run that an earlier process began."""
        there = self.client.search_runs([self.experiment], f"tags.trial = '{trial_id}'")
        here = f"{self.run.born:x}"
        return next((r.info.run_id for r in there if r.data.tags.get("run") == here), None)
