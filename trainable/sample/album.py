"""All seven photos of a person, from the person's own random stream: the same in whichever process."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from trainable.sample.body import draw_person
from trainable.sample.camera import draw_session, photograph, pose
from trainable.sample.face import head_outline
from trainable.sample.look import draw_look
from trainable.sample.masks import draw_mask
from trainable.sample.people import FILES, Person


def person_rng(person: Person, seed: int) -> np.random.Generator:
    """Random stream that depends on the seed and the person only."""
    return np.random.Generator(
        np.random.Philox(np.random.SeedSequence(seed, spawn_key=(1, person.split, person.index)))
    )


def draw_album(person: Person, seed: int) -> Iterator[tuple[str, int, np.ndarray, np.ndarray]]:
    """Seven times: what the photo shows (of `FILES`), its JPEG quality, the photo and the drawn face in it.

    The photo is uint8 [512, 384, 3] (blue, green, red), the face box float64 [4]: x, y, width, height.
    """
    rng = person_rng(person, seed)
    look = draw_look(gender=person.gender, age=person.age, rng=rng)
    session = draw_session(rng)
    bare = draw_person(look)
    outline = head_outline(look)
    for file in FILES:
        canvas = bare.copy()
        if file != "normal":
            draw_mask(canvas, look, file, rng)
        matrix = pose(session, rng)
        photo = photograph(canvas, session, matrix, rng)
        placed = outline @ matrix[:, :2].T + matrix[:, 2]
        low, high = placed.min(axis=0), placed.max(axis=0)
        quality = int(np.clip(session.quality + rng.integers(-4, 5), 70, 96))
        yield file, quality, photo, np.concatenate((low, high - low))
