"""A photo: pose, light, focus and noise change from one to the next, the room stays the person's own."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np

from trainable.sample.paint import BORDER, HEIGHT, WIDTH

MARGIN = 16  # Pixels of background beyond the frame, so that it can shift a little from photo to photo.


@dataclass(frozen=True, kw_only=True)
class Session:
    """What a person's seven photos share: background uint8 [H+2M, W+2M, 3], mean pose and light."""

    background: np.ndarray
    scale: float
    shift: tuple[float, float]
    exposure: float
    warmth: float
    softness: float
    quality: int


def draw_session(rng: np.random.Generator) -> Session:
    """Room, camera and pose of a person."""
    return Session(
        background=_room(rng),
        scale=float(np.clip(rng.normal(1.0, 0.06), 0.86, 1.14)),
        shift=(float(rng.normal(0, 8)), float(rng.normal(0, 10))),
        exposure=float(rng.normal(0, 0.07)),
        warmth=float(rng.normal(0, 0.04)),
        softness=float(rng.uniform(0.5, 1.2)),
        quality=int(rng.integers(82, 95)),
    )


def _room(rng: np.random.Generator) -> np.ndarray:
    """Wall with a gradient and some furniture-like shapes, out of focus."""
    height, width = HEIGHT + 2 * MARGIN, WIDTH + 2 * MARGIN
    wall = rng.uniform(95, 200) + rng.normal(0, 9, 3)
    corners = (wall + rng.normal(0, 18, (2, 2, 1))).astype(np.float32)
    small = cv2.resize(corners, (width // 4, height // 4), interpolation=cv2.INTER_LINEAR)
    for _ in range(int(rng.integers(1, 6))):
        x, y = rng.uniform(-20, width / 4), rng.uniform(-20, height / 4)
        w, h = rng.uniform(8, 50), rng.uniform(10, 90)
        colour = tuple(float(v) for v in np.clip(wall * rng.uniform(0.35, 1.15) + rng.normal(0, 16, 3), 0, 255))
        box = cv2.boxPoints(((x, y), (w, h), float(rng.choice((0, 0, 0, rng.uniform(-20, 20))))))
        cv2.fillPoly(small, [np.round(box).astype(np.int32)], colour, cv2.LINE_AA)
    if rng.random() < 0.25:  # Curtain or blinds.
        stripes = 10 * np.sin(np.arange(width // 4) / rng.uniform(1.2, 4) + rng.uniform(0, 6))
        small += stripes[None, :, None].astype(np.float32)
    small = cv2.GaussianBlur(small, (0, 0), float(rng.uniform(0.6, 2.2)))
    return np.clip(cv2.resize(small, (width, height)), 0, 255).astype(np.uint8)


@lru_cache(maxsize=1)
def _grain() -> np.ndarray:
    """Sensor noise to cut tiles from, uint8 [768, 640, 3] about 128: drawing fresh noise would double the cost."""
    rng = np.random.Generator(np.random.Philox(20))
    return np.clip(rng.normal(128, 32, (HEIGHT + 256, WIDTH + 256, 3)), 0, 255).astype(np.uint8)


def pose(session: Session, rng: np.random.Generator) -> np.ndarray:
    """Where this photo's camera puts the drawn person: affine map, float64 [2, 3], drawing to photo."""
    matrix = cv2.getRotationMatrix2D(
        (BORDER + 192.0, BORDER + 300.0), float(rng.normal(0, 2.5)), session.scale * float(rng.normal(1, 0.025))
    )
    matrix[0, 1] += rng.normal(0, 0.02)
    matrix[:, 2] += np.add(session.shift, rng.normal(0, (5, 6))) - BORDER
    return matrix


def photograph(canvas: np.ndarray, session: Session, matrix: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Photo uint8 [512, 384, 3] (blue, green, red) of a uint8 canvas [4, H, W] under the pose `matrix`."""
    person = cv2.warpAffine(cv2.merge(list(canvas)), matrix, (WIDTH, HEIGHT), flags=cv2.INTER_LINEAR)
    dx, dy = (int(v) for v in rng.integers(MARGIN - 4, MARGIN + 5, 2))
    background = session.background[dy : dy + HEIGHT, dx : dx + WIDTH]
    alpha = cv2.bitwise_not(cv2.extractChannel(person, 3))
    image = cv2.multiply(background, cv2.merge([alpha] * 3), scale=1 / 255)
    image = cv2.add(image, cv2.cvtColor(person, cv2.COLOR_BGRA2BGR))

    light = 128 * (1 + rng.normal(0, 0.05, (2, 2)))
    field = cv2.resize(np.clip(light, 64, 192).astype(np.uint8), (WIDTH, HEIGHT), interpolation=cv2.INTER_LINEAR)
    image = cv2.multiply(image, cv2.merge([field] * 3), scale=1 / 128)

    gain = np.exp(session.exposure + rng.normal(0, 0.05)) * np.exp(
        np.array((-1, 0, 1)) * (session.warmth + rng.normal(0, 0.012))
    )
    gamma = np.exp(rng.normal(0, 0.05))
    levels = 255 * (np.arange(256) / 255)[:, None] ** gamma * gain
    image = cv2.LUT(image, np.clip(levels, 0, 255).astype(np.uint8)[None])

    image = cv2.GaussianBlur(image, (5, 5), session.softness * float(rng.uniform(0.7, 1.5)))
    y, x = rng.integers(0, 256, 2)
    amount = float(rng.uniform(0.06, 0.2))
    return cv2.addWeighted(image, 1.0, _grain()[y : y + HEIGHT, x : x + WIDTH], amount, -128 * amount)
