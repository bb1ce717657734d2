"""Heads that are chosen inside their training rows: the same as by hand, and nothing leaks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import log_softmax, softmax
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier

from trainable.config import HeadConfig
from trainable.config.head import FITTED
from trainable.data.pseudo_labels import SoftLabels
from trainable.features.calibrate import best_scale, log_loss
from trainable.features.choose import Fitter, Lesson
from trainable.features.closed import CLOSED, lda
from trainable.features.direct import logistic_path, neighbours_logits, unit_rows
from trainable.features.moments import Moments
from trainable.features.parts import inner_parts
from trainable.features.table import FeatureTable
from trainable.metrics import accuracy
from trainable.models.fitted import TEMPERATURE

FOLDS, GROUPS, EACH, WIDTH, CLASSES = 5, 60, 10, 32, 4


class Rows:
    """Rows of groups with a face of their own, which a head can learn by heart; labels by class unless given."""

    def __init__(self, seed: int, *, signal: float = 1.5) -> None:
        random = np.random.default_rng(seed)
        self.group = np.repeat(np.arange(GROUPS), EACH)
        self.fold = (self.group % FOLDS).astype(np.int8)
        self.labels = random.integers(0, CLASSES, len(self.group))
        self.of_group = random.integers(0, CLASSES, GROUPS)[self.group]
        seen = signal * random.normal(size=(CLASSES, WIDTH))[self.labels]
        seen += 3 * random.normal(size=(GROUPS, WIDTH))[self.group] + 0.5 * random.normal(size=(len(seen), WIDTH))
        self.table = FeatureTable([seen.astype(np.float16)], np.arange(len(seen)))
        self.part, self.fold_of = inner_parts(self.fold, self.group.astype(str))

    def lesson(self, labels: np.ndarray, k: int) -> Lesson:
        left_out = frozenset(np.flatnonzero(self.fold_of == k).tolist())
        return Lesson(np.where(self.fold == k, -1, labels), np.ones(CLASSES), left_out)

    def out_of_fold(self, head: HeadConfig, labels: np.ndarray) -> np.ndarray:
        """Probabilities [N, C] of heads that never saw the row's fold."""
        lessons = [self.lesson(labels, k) for k in range(FOLDS)]
        fitter, found = Fitter(self.table, head, self.part, labels, lessons), np.zeros((len(labels), CLASSES))
        for k, lesson in enumerate(lessons):
            fitted, rows = fitter.fit(lesson), np.flatnonzero(self.fold == k)
            values = self.table.rows(rows)
            if fitted.linear is None:
                seen, count = fitter.rows(lesson), int(fitted.strength)
                given = unit_rows(self.table.rows(seen)), labels[seen], fitter.votes(lesson, seen), values
                logits = neighbours_logits(*given, [count], CLASSES)[count] * fitted.scale
            else:
                logits = fitted.linear.logits(values)
            found[rows] = softmax(logits, 1)
        return found


@pytest.mark.parametrize("name", FITTED)
def test_head_learns_what_is_there(name: str) -> None:
    rows = Rows(0)
    assert accuracy(rows.labels, rows.out_of_fold(HeadConfig(name=name), rows.labels).argmax(1)) > 0.5


@pytest.mark.parametrize("name", FITTED)
def test_permuted_labels_are_told_no_better_than_by_chance(name: str) -> None:
    right = 0.0
    for seed in range(4):
        rows = Rows(seed)
        labels = np.random.default_rng(100 + seed).permutation(rows.labels)
        right += accuracy(labels, rows.out_of_fold(HeadConfig(name=name), labels).argmax(1)) / 4
    # 2,400 rows, each right with probability 1/4 or less: three standard errors
    assert right < 1 / CLASSES + 3 * np.sqrt(0.25 * 0.75 / (4 * GROUPS * EACH))


@pytest.mark.parametrize("name", FITTED)
def test_what_only_a_groups_memory_can_tell_is_not_told_across_groups(name: str) -> None:
    """Labels are those of groups, drawn at random: rows of a group know them, other groups do not."""
    right = ignoring = 0.0
    for seed in range(4):
        rows = Rows(seed, signal=0)
        right += accuracy(rows.of_group, rows.out_of_fold(HeadConfig(name=name), rows.of_group).argmax(1)) / 4
        rows.fold = (np.arange(len(rows.fold)) % FOLDS).astype(np.int8)
        rows.part, rows.fold_of = inner_parts(rows.fold, np.arange(len(rows.fold)).astype(str))
        ignoring += accuracy(rows.of_group, rows.out_of_fold(HeadConfig(name=name), rows.of_group).argmax(1)) / 4
    assert ignoring > 0.8  # folds that ignore groups show what there is to remember
    assert right < 1 / CLASSES + 3 * np.sqrt(0.25 * 0.75 / (4 * GROUPS))  # a group is one draw


def test_soft_labels_are_a_lessons_own() -> None:
    """Two folds that are told otherwise of the same rows, with the same surest class, share no head."""
    rows = Rows(6)
    rows.fold[::4] = -1  # photos without a label of their own
    rows.part, rows.fold_of = inner_parts(rows.fold, rows.group.astype(str))
    free = np.flatnonzero(rows.fold < 0)
    sure = np.eye(CLASSES, dtype=np.float32)[rows.labels[free]]
    soft = [SoftLabels(free, (1 - blur) * sure + blur / CLASSES) for blur in (0.1, 0.5, 0.1, 0.5, 0.1)]
    scored, head = np.where(rows.fold < 0, -1, rows.labels), HeadConfig(name="lda", shrinkage=0.2, calibrate=False)
    lessons = [replace(rows.lesson(rows.labels, k), soft=soft[k]) for k in range(FOLDS)]
    fitter = Fitter(rows.table, head, rows.part, scored, lessons)
    for k, lesson in enumerate(lessons):
        left_out = np.flatnonzero(rows.fold_of == k)
        moments = Moments.of(rows.table, lesson.labels, rows.part, CLASSES, soft=soft[k])
        expected = lda(moments.without(*left_out), 0.2)
        assert fitter.fit(lesson).linear.weight == pytest.approx(expected.weight)


def test_strength_and_scale_are_those_of_the_held_back_parts() -> None:
    """By hand: every other fold in turn, fitted on the rest."""
    rows, k = Rows(5), 2
    lessons = [rows.lesson(rows.labels, f) for f in range(FOLDS)]
    fitted = Fitter(rows.table, HeadConfig(name="lda"), rows.part, rows.labels, lessons).fit(lessons[k])
    moments, found = Moments.of(rows.table, rows.labels, rows.part, CLASSES), []
    for shrinkage in (0.03, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9):
        parts = []
        for inner in set(range(FOLDS)) - {k}:
            held = np.flatnonzero(rows.fold == inner)
            parts.append((lda(moments.without(k, inner), shrinkage).logits(rows.table.rows(held)), rows.labels[held]))
        scale = best_scale(parts)
        loss = log_loss(scale * np.concatenate([p for p, _ in parts]), np.concatenate([y for _, y in parts]))
        found.append((loss, shrinkage, scale))
    assert (fitted.strength, fitted.scale) == min(found)[1:]
    assert fitted.linear is not None
    assert fitted.linear.weight == pytest.approx(lda(moments.without(k), fitted.strength).weight * fitted.scale)


@pytest.mark.parametrize("name", ["lda", "logistic"])
def test_lessons_with_labels_of_their_own_share_nothing(name: str) -> None:
    """Corrections that hold in one fold alone: its head is the one it would be if there were no others."""
    rows = Rows(6)
    own = rows.labels.copy()
    own[:40] = (own[:40] + 1) % CLASSES
    lessons = [rows.lesson(own if k == 3 else rows.labels, k) for k in range(FOLDS)]
    head = HeadConfig(name=name)
    together = Fitter(rows.table, head, rows.part, rows.labels, lessons)
    for lesson in (lessons[3], lessons[0]):
        alone = Fitter(rows.table, head, rows.part, rows.labels, [lesson]).fit(lesson)
        found = together.fit(lesson)
        assert found.strength == alone.strength
        assert found.linear is not None and alone.linear is not None
        assert found.linear.weight == pytest.approx(alone.linear.weight, rel=1e-3, abs=1e-5)


def test_scale_gives_the_best_likelihood() -> None:
    random = np.random.default_rng(0)
    logits = 4 * random.normal(size=(500, 3))
    labels = np.array([random.choice(3, p=row) for row in softmax(logits / 4, 1)])
    scale = best_scale([(logits[:200], labels[:200]), (logits[200:], labels[200:])])
    assert scale == pytest.approx(0.25, rel=0.15)
    losses = [-log_softmax(logits * s, 1)[np.arange(500), labels].mean() for s in (scale * 0.9, scale, scale * 1.1)]
    assert losses[1] == min(losses)


def test_logistic_head_is_scikit_learns_on_standardised_features() -> None:
    rows = Rows(1)
    values, weights = rows.table.rows(np.arange(len(rows.labels))), np.array([1.0, 2.0, 0.5, 1.0])
    found = logistic_path(values, rows.labels, weights, [0.1, 0.01])
    for shrinkage, head in found.items():
        scaled = (values - values.mean(0)) / values.std(0)
        row = weights[rows.labels]
        model = LogisticRegression(C=(1 - shrinkage) / shrinkage / row.sum(), tol=1e-8, max_iter=5000)
        model.fit(scaled, rows.labels, sample_weight=row)
        assert softmax(head.logits(values), 1) == pytest.approx(model.predict_proba(scaled), abs=0.02)


def test_two_classes_and_a_class_without_rows_have_logistic_heads() -> None:
    rows = Rows(2)
    seen = np.flatnonzero(np.isin(rows.labels, [0, 2]))
    values = rows.table.rows(seen)
    logits = logistic_path(values, rows.labels[seen], np.ones(CLASSES), [0.05])[0.05].logits(values)
    assert accuracy(rows.labels[seen], logits.argmax(1)) > 0.7
    assert set(logits.argmax(1).tolist()) == {0, 2}


def test_neighbours_are_scikit_learns() -> None:
    rows = Rows(3)
    values, count = rows.table.rows(np.arange(len(rows.labels))), 7
    bank = unit_rows(values[:400])
    ours = neighbours_logits(bank, rows.labels[:400], np.ones(400), values[400:], [3, count], CLASSES)[count]
    model = KNeighborsClassifier(count, metric="cosine", weights=lambda far: np.exp((1 - far) / TEMPERATURE))
    theirs = model.fit(bank.float().numpy(), rows.labels[:400]).predict_proba(values[400:])
    far = np.abs(softmax(ours, 1) - theirs).max(1)
    assert np.quantile(far, 0.98) < 0.002  # the others: two rows as near as float32 can tell change places


@pytest.mark.parametrize("name", FITTED)
def test_a_row_that_counts_twice_is_two_rows(name: str) -> None:
    """Weighed rows against rows that stand there as often; a strength that is given, so that both choose the same."""
    rows, k = Rows(7), 1
    counted = np.random.default_rng(1).integers(1, 4, len(rows.labels))
    head = HeadConfig(name=name, calibrate=False, **({"neighbours": 400} if name == "knn" else {"shrinkage": 0.2}))
    lesson = rows.lesson(rows.labels, k)
    weighed = Fitter(rows.table, head, rows.part, rows.labels, [lesson], 0.7 * counted)
    again = np.repeat(np.arange(len(counted)), counted)
    repeated = FeatureTable(rows.table.blocks, rows.table.place[again])
    other = Lesson(lesson.labels[again], lesson.weights, lesson.left_out)
    plain = Fitter(repeated, head, rows.part[again], rows.labels[again], [other])
    values = rows.table.rows(np.flatnonzero(rows.fold == k))
    found, wanted = weighed.fit(lesson), plain.fit(other)
    if found.linear is None or wanted.linear is None:
        ours, theirs = (
            neighbours_logits(
                unit_rows(f.table.rows(f.rows(own))), own.labels[f.rows(own)], f.votes(own, f.rows(own)), values, [m], 4
            )[m]
            for f, own, m in ((weighed, lesson, len(weighed.rows(lesson))), (plain, other, len(plain.rows(other))))
        )
        assert ours == pytest.approx(theirs, abs=1e-4)  # all rows of the bank vote
        return
    assert found.linear.logits(values) == pytest.approx(wanted.linear.logits(values), abs=2e-3)
    unweighed = Fitter(rows.table, head, rows.part, rows.labels, [lesson]).fit(lesson).linear
    assert unweighed is not None
    assert np.abs(found.linear.logits(values) - unweighed.logits(values)).max() > 0.05


@pytest.mark.parametrize("power", [0.0, 0.5])
@pytest.mark.parametrize("name", CLOSED)
def test_fewer_rows_than_features_have_the_same_head_in_their_span(name: str, power: float) -> None:
    """Against the closed form among all features, with the shrinkage chosen, given rows' and classes' weights."""
    random = np.random.default_rng(8)
    wide = FeatureTable([random.normal(size=(90, w)).astype(np.float16) for w in (40, 80)], np.arange(90))
    labels = np.where(np.arange(90) < 60, np.arange(90) % CLASSES, -1)
    part, counted = np.arange(90) % FOLDS, random.uniform(0.5, 2.0, 90)
    weights = np.arange(1.0, 5.0) ** power
    lessons = [Lesson(np.where(part == k, -1, labels), weights, frozenset({k})) for k in range(FOLDS)]
    fitter = Fitter(wide, HeadConfig(name=name), part, labels, lessons, counted)
    fitted = fitter.fit(lessons[2])
    assert fitter._span is not None and fitter._span.basis.shape == (120, 60)
    moments = Moments.of(wide, labels, part, CLASSES, by_class=True, counted=counted)
    plain = CLOSED[name](moments.without(2, weights=weights), fitted.strength).times(fitted.scale)
    assert fitted.linear is not None
    assert fitted.linear.weight == pytest.approx(plain.weight, rel=1e-6, abs=1e-8)
    values = wide.rows(np.arange(90), np.float64)
    assert fitted.linear.logits(values) == pytest.approx(plain.logits(values), rel=1e-6, abs=1e-8)


@pytest.mark.parametrize(("folds", "parts"), [(2, 8), (3, 6), (5, 5), (10, 10)])
def test_parts_hold_whole_groups_and_lie_within_folds(folds: int, parts: int) -> None:
    group = np.repeat(np.arange(40), 3)
    fold = np.append((group % folds).astype(np.int8), [-1, -1])
    names = np.append(group.astype(str), ["x", "y"])
    part, fold_of = inner_parts(fold, names)
    assert len(fold_of) == parts + 1
    assert (fold_of[part] == fold).all()
    assert all(len(np.unique(part[names == name])) == 1 for name in np.unique(names))
