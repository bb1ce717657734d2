"""Files of a generated data set: written by worker processes beside OUT and moved there at the end."""

from __future__ import annotations

import hashlib
import multiprocessing
import shutil
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from trainable.progress import tracked
from trainable.sample.album import draw_album
from trainable.sample.labelling import label_people
from trainable.sample.people import EVAL, FILES, TRAIN, Person, draw_people
from trainable.sample.tables import write_eval_tables, write_readme, write_train_tables
from trainable.spawn import ours_alone

LEAST, MOST = 6, 100_000
JUNK_EVERY = 40  # One person in so many has a junk `._` file, as archives made on macOS have.


@dataclass(frozen=True)
class Job:
    """A person to draw and the seven files to write, in the order of `FILES`."""

    person: Person
    files: tuple[Path, ...]
    seed: int


def generate(out: Path, people: int, eval_people: int, seed: int, workers: int) -> None:
    """Write a data set to `out`, which must be missing or empty. The same arguments give the same bytes.

    `workers` processes draw at the same time; their number changes nothing in the files.
    """
    out = Path(out)
    _check(out, people, eval_people, seed, workers)
    train = label_people(draw_people(people, split=TRAIN, rng=_rng(seed, TRAIN)), _rng(seed, 2))
    test = draw_people(eval_people, split=EVAL, rng=_rng(seed, EVAL))
    place = out.resolve()
    partial = place.with_name(place.name + ".partial")
    if partial.exists():
        shutil.rmtree(partial)
    try:
        _write(partial, train, test, seed, workers)
        partial.replace(place)  # Takes the place of an empty folder, refuses a full one.
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise


def _check(out: Path, people: int, eval_people: int, seed: int, workers: int) -> None:
    for name, value in (("people", people), ("eval-people", eval_people)):
        if not LEAST <= value <= MOST:
            raise ValueError(f"{name} out of range: received {value}; allowed: {LEAST} to {MOST}")
    if seed < 0:
        raise ValueError(f"seed is negative: received {seed}; allowed: 0 and up")
    if workers < 1:
        raise ValueError(f"too few workers: received {workers}; allowed: 1 and up")
    if out.exists() and not out.is_dir():
        raise ValueError(f"OUT is a file: received {out}; allowed: a missing or empty folder")
    if out.exists() and any(out.iterdir()):
        raise ValueError(f"OUT is not empty: received {out}; allowed: a missing or empty folder")


def _rng(seed: int, stream: int) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(np.random.SeedSequence(seed, spawn_key=(0, stream))))


def _write(root: Path, train: list[Person], test: list[Person], seed: int, workers: int) -> None:
    rng = _rng(seed, 3)
    images = {TRAIN: root / "train" / "images", EVAL: root / "eval" / "images"}
    jobs = []
    for person in train:
        folder = images[TRAIN] / person.path
        folder.mkdir(parents=True)
        jobs.append(Job(person, train_files(folder, person), seed))
    names = [hashlib.sha1(f"{seed}/{k}".encode()).hexdigest() + ".jpg" for k in range(7 * len(test))]
    images[EVAL].mkdir(parents=True)
    for k, person in enumerate(test):
        jobs.append(Job(person, tuple(images[EVAL] / name for name in names[7 * k : 7 * k + 7]), seed))

    write_train_tables(root, train)
    write_eval_tables(root, test, names, order=rng.permutation(len(names)))
    write_readme(root, people=len(train), eval_people=len(test), seed=seed)
    _write_junk(jobs, images, rng)
    _draw_all(jobs, workers)


def train_files(folder: Path, person: Person) -> tuple[Path, ...]:
    """Where the photos of `FILES` go, in that order: two exchange their names where the person is `swapped`."""
    stems = list(FILES)
    if person.swapped:
        stems[-2:] = stems[-1], stems[-2]
    return tuple(folder / f"{stem}.{ext}" for stem, ext in zip(stems, person.extensions, strict=True))


def _write_junk(jobs: list[Job], images: dict[int, Path], rng: np.random.Generator) -> None:
    """Files that look like images by name and are not, where readers must skip them."""
    first = next(job for job in jobs if job.person.split == EVAL)
    places = [images[TRAIN] / "._name.jpg", images[EVAL] / "._name.jpg", first.files[0]]
    places += [job.files[k % 7] for k, job in enumerate(jobs[::JUNK_EVERY])]
    for place in places:
        junk = place if place.name.startswith("._") else place.with_name("._" + place.name)
        junk.write_bytes(b"\x00\x05\x16\x07" + rng.bytes(116))


def _draw_all(jobs: list[Job], workers: int) -> None:
    with _mapped(jobs, workers) as done:
        for _ in tracked(done, "draw people", len(jobs)):
            pass


@contextmanager
def _mapped(jobs: list[Job], workers: int) -> Iterator[Iterator[None]]:
    if workers == 1 or len(jobs) < 8:
        threads = cv2.getNumThreads()
        cv2.setNumThreads(1)
        try:
            yield map(draw_and_write, jobs)
        finally:
            cv2.setNumThreads(threads)
        return
    # Spawned, not forked: a forked copy of a process that used OpenCV's or BLAS's threads can hang.
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(
        min(workers, len(jobs)), mp_context=spawn, initializer=cv2.setNumThreads, initargs=(1,)
    ) as pool:
        try:
            with ours_alone():
                done = pool.map(draw_and_write, jobs, chunksize=max(1, min(16, len(jobs) // (4 * workers))))
            yield done
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise


def draw_and_write(job: Job) -> None:
    """Draw a person's seven photos and write them; runs in a worker."""
    for path, (_, quality, photo, _) in zip(job.files, draw_album(job.person, job.seed), strict=True):
        options = [cv2.IMWRITE_JPEG_QUALITY, quality] if path.suffix != ".png" else [cv2.IMWRITE_PNG_COMPRESSION, 1]
        done, data = cv2.imencode(path.suffix, photo, options)
        assert done, path
        path.write_bytes(data.tobytes())
