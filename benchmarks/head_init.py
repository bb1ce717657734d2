"""Does fine-tuning that starts from frozen heads pay? Against random last layers, on real photos of other people.

Run:     python -m benchmarks.head_init --work DIR [--seeds 0,1,2] [--threads 1]      then --collect, with the same DIR
Cost:    40 minutes of two idle cores in all. Every trial that is finished is kept in DIR, so an interrupted command
         goes on; commands for other seeds may run beside it
What:    lite0 at 160 px, 1, 2 and 4 epochs, three folds by sender, half of the senders drawn anew a seed. How each
         start is trained (rate, statistics of BatchNorm) is chosen by fold 0 of the photos of seed CHOOSING, which are
         no others' (their senders are left out of what is judged)
Writes:  benchmarks/results/head_init.json: a cell a trial (start, epochs, seed, score, seconds), `alone`: what the head
         comes to without training; `gain`: per number of epochs, frozen less random, its standard error over seeds.
         benchmarks/results/head_init.npz: out-of-fold probabilities float16, from which --check computes the scores
"""

import itertools
import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.measure import CLOTHING, commit, machine
from benchmarks.record_tables import SENDERS
from benchmarks.scored import asked, differ, gain, recorder
from trainable.config import TrialConfig
from trainable.data.folds import make_folds
from trainable.files import read_json, read_npz, write_compressed_npz, write_json
from trainable.metrics import macro_f1
from trainable.models.weights import resolve_weights
from trainable.run import Run, Trial, prepare
from trainable.training.trial import run_trial

OUT = Path(__file__).parent / "results" / "head_init.json"
BACKBONE, SIDE, FOLDS = "tf_efficientnet_lite0", 160, 3
TO_CHOOSE, TO_JUDGE, MOST = 42, 84, 25  # senders, of 168; photos of one of them: two have a third of all photos
EPOCHS, SEEDS, CHOOSING = (1, 2, 4), (0, 1, 2), 100
STARTS, RATES, STATISTICS = ("random", "frozen"), (1e-4, 5e-4, 2e-3), ("batch", "kept")
CPU = torch.device("cpu")


def config_of(start: str, epochs: int, rate: float, statistics: str, seed: int) -> TrialConfig:
    return TrialConfig.from_dict(
        {
            "model": {"backbone": BACKBONE, "batch_norm": statistics},
            "head": {"init": start},
            "input": {"store": (SIDE, SIDE), "size": (SIDE, SIDE), "normalise": "backbone"},
            "augment": {"policy": "light", "hflip": 0.5},
            "optim": {"lr": rate, "layer_decay": 0.7},
            "epochs": epochs,
            "batch_size": 16,
            "seed": seed,
        }
    )


def alone(seed: int) -> TrialConfig:
    """The head itself, as the networks start from it."""
    config = config_of("random", 1, 1e-3, "batch", seed)
    head = replace(config.head, name="lda")
    plain = replace(config.augment, policy="none", hflip=0.0)
    return replace(config, head=head, augment=plain, model=replace(config.model, freeze="body"))


def run_of(seed: int, work: Path) -> Run:
    """The run of a seed: photos of its own share of the senders that are not for choosing, or of those that are."""
    run = Run(work / f"seed_{seed}")
    if run.begun:
        return run
    weights = resolve_weights([BACKBONE], None)
    whole = prepare(CLOTHING, folds=FOLDS, seed=seed, store_size=(SIDE, SIDE), flags=SENDERS, weights=weights)
    frame = whole.manifest.frame
    order = np.random.default_rng(0).permutation(np.sort(frame["group"].unique().astype(str)))
    rest = np.random.default_rng(seed).permutation(order[TO_CHOOSE:])
    mine = order[:TO_CHOOSE] if seed == CHOOSING else rest[:TO_JUDGE]
    shuffled = frame[frame["group"].isin(mine)].sample(frac=1, random_state=seed)
    part = replace(whole.manifest, frame=shuffled.groupby("group").head(MOST).sort_index().reset_index(drop=True))
    folds = make_folds(part, FOLDS, seed, lambda _: None)
    run.begin(replace(whole, manifest=part, folds=folds, content=""), command=["benchmarks.head_init"], settings={})
    return run


def trained(run: Run, config: TrialConfig, only: int | None = None) -> Trial:
    trial = run.trial(run.identify(config))
    if not trial.begun:
        trial.begin(config)
    if not (trial.finished if only is None else trial.fold(only).finished):
        for _ in run_trial(trial, device=CPU, only=only):
            pass
    return trial


def chosen(work: Path) -> dict[str, tuple[float, str]]:
    """(rate, statistics of BatchNorm) of each start, by fold 0 after two epochs."""
    run, found = run_of(CHOOSING, work), {}
    for start in STARTS:
        ways = list(itertools.product(RATES, STATISTICS))
        scores = []
        for rate, statistics in ways:
            trial = trained(run, config_of(start, 2, rate, statistics, CHOOSING), only=0)
            scores.append(trial.fold(0).result.score)
            print(f"choosing: {start} {rate:g} {statistics}: {scores[-1]:.3f}", flush=True)
        found[start] = ways[int(np.argmax(scores))]
    return found


def cells_of(ways: dict[str, tuple[float, str]], seed: int) -> Iterator[tuple[str, int, TrialConfig]]:
    """(start, epochs, configuration); no epochs: the head alone."""
    yield "alone", 0, alone(seed)
    for epochs, start in itertools.product(EPOCHS, STARTS):
        yield start, epochs, config_of(start, epochs, *ways[start], seed)


def record(work: Path, seeds: list[int]) -> None:
    ways = chosen(work)
    for seed in seeds:
        run = run_of(seed, work)
        for start, epochs, config in cells_of(ways, seed):
            trial = trained(run, config)
            print(f"seed {seed} {start} {epochs} epochs: {trial.result.oof_score:.4f}", flush=True)


def collect(work: Path, out: Path) -> None:
    """What is finished; two processes may be training the rest."""
    ways, cells, arrays = chosen(work), [], {}
    for seed in SEEDS:
        if not Run(work / f"seed_{seed}").begun:
            continue
        run = run_of(seed, work)
        for start, epochs, config in cells_of(ways, seed):
            trial = run.trial(run.identify(config))
            if not trial.finished:
                continue
            oof, name = trial.oof(), f"{seed} {start} {epochs}"
            arrays[name], arrays[f"{seed} label"] = oof.probabilities.astype(np.float16), oof.label
            cell = {"seed": seed, "start": start, "epochs": epochs, "seconds": round(trial.result.seconds, 1)}
            cells.append({**cell, "photos": len(oof.label), "score": score(arrays[name], oof.label)})

    write_compressed_npz(out.with_suffix(".npz"), **arrays)
    ways_text = {start: {"lr": rate, "batch_norm": statistics} for start, (rate, statistics) in ways.items()}
    head = {"commit": commit(), "machine": machine(), "seeds": list(SEEDS), "ways": ways_text}
    write_json(out, {**head, **figures(cells), "cells": cells})


def score(probabilities: np.ndarray, label: np.ndarray) -> float:
    return macro_f1(label, probabilities.argmax(1), probabilities.shape[1])


def figures(cells: list[dict[str, Any]]) -> dict[str, Any]:
    """alone, and for each number of epochs the mean of each start, and what frozen gains over random and alone."""
    by = {(c["start"], c["epochs"], c["seed"]): c["score"] for c in cells}
    heads = {seed: by["alone", 0, seed] for seed in SEEDS if ("alone", 0, seed) in by}
    found: dict[str, Any] = {"alone": float(np.mean([*heads.values()])), "after": {}}
    for epochs in EPOCHS:
        pairs = {s: (by["frozen", epochs, s], by["random", epochs, s]) for s in SEEDS
                 if {("frozen", epochs, s), ("random", epochs, s)} <= set(by)}  # fmt: skip
        if pairs:
            frozen, random = np.array([*pairs.values()]).T
            than_alone = [frozen[i] - heads[s] for i, s in enumerate(pairs)]
            found["after"][str(epochs)] = {
                "seeds": list(pairs),
                "frozen": float(frozen.mean()),
                "random": float(random.mean()),
                "frozen_less_random": gain(frozen - random),
                "frozen_less_alone": gain(np.array(than_alone)),
            }
    return found


def check(out: Path) -> int:
    """The figures from the cells, the cells' scores from the probabilities."""
    held, arrays = read_json(out), read_npz(out.with_suffix(".npz"))
    wrong = differ(figures(held["cells"]), held)
    for cell in held["cells"]:
        name = f"{cell['seed']} {cell['start']} {cell['epochs']}"
        now = score(arrays[name], arrays[f"{cell['seed']} label"])
        print(f"{name}: recorded {cell['score']:.4f}, now {now:.4f}")
        wrong += [name] if abs(now - cell["score"]) > 1e-6 else []
    print("the networks: recorded, not recomputed")
    print(f"{'differ: ' + ', '.join(wrong) if wrong else 'as recorded'}")
    return 1 if wrong else 0


def main() -> int:
    parser = recorder("head_init", __doc__, OUT, "folder for finished trials")
    parser.add_argument("--seeds", default=",".join(map(str, SEEDS)))
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--collect", action="store_true")
    given = asked(parser)
    if given.check:
        return check(given.out)
    torch.set_num_threads(given.threads)
    if not given.collect:
        record(given.work, [int(seed) for seed in given.seeds.split(",") if seed])
    collect(given.work, given.out)
    print(json.dumps({k: v for k, v in read_json(given.out).items() if k != "cells"}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
