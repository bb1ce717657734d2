"""The HParams tab: a row a trial. What may vary is written once, beside the trials, so that no column is missing."""

import json
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution
from tensorboard.compat.proto.summary_pb2 import Summary, SummaryMetadata
from tensorboard.plugins.hparams import api_pb2, metadata, plugin_data_pb2

from search.space import DataFacts
from search.space_file import SpaceFile
from search.watch.tensorboard.names import first, scalar_tag
from trainable.errors import InputError

SCORE = "oof_score"  # final: over all folds pooled
METRICS = {SCORE: "score out of fold", scalar_tag("fold_0/score"): "score of fold 0, latest"}
DRAWS = 200
SHOWN = 5  # columns: so many TensorBoard shows at first, those marked to differ before the others, each by name
STATUS = {"complete": "STATUS_SUCCESS", "stopped": "STATUS_SUCCESS", "failed": "STATUS_FAILURE"}


def known_parameters(space: SpaceFile, data: DataFacts, draws: int = DRAWS) -> dict[str, BaseDistribution]:
    """Parameters of a space, also those that only some configurations have, from configurations drawn at random.

    The most telling first: what never varies and what few configurations have comes last.
    """
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    found: dict[str, BaseDistribution] = {}
    counts: Counter[str] = Counter()
    for _ in range(draws):
        trial = study.ask()
        with suppress(InputError):  # a corner of the space; its parameters are known all the same
            space.config(trial, data)
        found |= trial.distributions
        counts.update([*trial.distributions])
    often = sorted(found, key=lambda name: (found[name].single(), -counts[name]))
    return {name: found[name] for name in first(often)}


def experiment(parameters: Mapping[str, BaseDistribution]) -> Summary:
    """What may vary, and which scalars are scores."""
    columns = [_column(name, d) for name, d in parameters.items()]
    for column in columns[:SHOWN]:
        column.differs = True
    scores = [
        api_pb2.MetricInfo(name=api_pb2.MetricName(tag=tag), display_name=title) for tag, title in METRICS.items()
    ]
    made = api_pb2.Experiment(hparam_infos=columns, metric_infos=scores)
    return _summary(metadata.EXPERIMENT_TAG, plugin_data_pb2.HParamsPluginData(experiment=made))


def start(name: str, values: Mapping[str, Any]) -> Summary:
    """A trial's row."""
    began = plugin_data_pb2.SessionStartInfo(group_name=name)
    for key, value in values.items():
        _set(began.hparams[key], value)
    return _summary(metadata.SESSION_START_INFO_TAG, plugin_data_pb2.HParamsPluginData(session_start_info=began))


def end(state: str) -> Summary:
    status = api_pb2.Status.Value(STATUS.get(state, "STATUS_UNKNOWN"))
    over = plugin_data_pb2.SessionEndInfo(status=status)
    return _summary(metadata.SESSION_END_INFO_TAG, plugin_data_pb2.HParamsPluginData(session_end_info=over))


def _column(name: str, distribution: BaseDistribution) -> api_pb2.HParamInfo:
    column = api_pb2.HParamInfo(name=name)
    if isinstance(distribution, CategoricalDistribution):
        choices = [json.dumps(c) if isinstance(c, list | tuple) else c for c in distribution.choices]
        kinds = {bool: "DATA_TYPE_BOOL", int: "DATA_TYPE_FLOAT64", float: "DATA_TYPE_FLOAT64"}
        alike = {kinds.get(type(c), "DATA_TYPE_STRING") for c in choices}
        column.type = api_pb2.DataType.Value(alike.pop() if len(alike) == 1 else "DATA_TYPE_STRING")
        for choice in choices:
            _set(column.domain_discrete.values.add(), choice)
    else:
        column.type = api_pb2.DataType.Value("DATA_TYPE_FLOAT64")
        column.domain_interval.min_value = distribution.low  # type: ignore[attr-defined]
        column.domain_interval.max_value = distribution.high  # type: ignore[attr-defined]
    return column


def _set(field: Any, value: Any) -> None:
    """Fill a google.protobuf.Value."""
    if isinstance(value, bool):
        field.bool_value = value
    elif isinstance(value, int | float):
        field.number_value = value
    else:
        field.string_value = str(value)


def _summary(tag: str, content: plugin_data_pb2.HParamsPluginData) -> Summary:
    content.version = metadata.PLUGIN_DATA_VERSION
    data = SummaryMetadata.PluginData(plugin_name=metadata.PLUGIN_NAME, content=content.SerializeToString())
    return Summary(
        value=[Summary.Value(tag=tag, metadata=SummaryMetadata(plugin_data=data), tensor=metadata.NULL_TENSOR)]
    )
