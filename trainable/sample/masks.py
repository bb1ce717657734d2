"""The five mask kinds and the two ways of wearing one wrongly, drawn over a finished person."""

from __future__ import annotations

import numpy as np

from trainable.sample import difficulty
from trainable.sample.look import SIDES, Look
from trainable.sample.paint import Colour, Points, curve, fill, mirrored, oval, scaled, stroke

BLUE: Colour = (214, 178, 120)
WHITE: Colour = (236, 236, 234)
PINK: Colour = (190, 168, 236)
CLOTHS: tuple[Colour, ...] = ((36, 34, 36), (84, 50, 36), (70, 76, 130), (120, 140, 110), (150, 150, 156))


def draw_mask(canvas: np.ndarray, look: Look, file: str, rng: np.random.Generator) -> None:
    """Paint onto a uint8 canvas what the photo named `file` (`mask1`.. `mask5`, `incorrect_mask`) shows."""
    if file != "incorrect_mask":
        top = float(rng.uniform(*difficulty.MASK_TOP_WORN))
        kind = int(file[-1])
        _draw(canvas, look, kind, _worn(look, kind, top), top, rng)
        return
    kind = int(rng.choice((1, 2, 3, 4, 5), p=(0.3, 0.25, 0.25, 0.15, 0.05)))
    if rng.random() < 0.5:
        top = float(rng.uniform(*difficulty.MASK_TOP_NOSE_OUT))
        _draw(canvas, look, kind, _worn(look, kind, top), top, rng)
    else:
        top = float(rng.uniform(*difficulty.MASK_TOP_CHIN))
        _draw(canvas, look, kind, _under_chin(look, top), top, rng)


def _worn(look: Look, kind: int, top: float) -> Points:
    """Contour in pixels with its upper edge at `top` over the nose."""
    side = top + 0.16
    if kind == 1:  # Beak-shaped: narrow at the cheeks, pointed at the chin.
        right = [
            (0.0, top),
            (0.2, top + 0.03),
            (look.half(side) * 0.9, side),
            (look.half(0.62) * 0.98, 0.66),
            (0.42, 0.98),
            (0.0, 1.1),
        ]
    else:
        right = [
            (0.0, top),
            (0.26, top + 0.04),
            (look.half(side) * 0.95, side - 0.02),
            (look.half(0.7) * 1.02, 0.74),
            (0.5, 1.0),
            (0.0, 1.06),
        ]
    return curve(look.at(mirrored(right)), closed=True)


def _under_chin(look: Look, top: float) -> Points:
    """Contour in pixels of a mask pulled down: it follows the jaw and leaves nose and mouth free."""
    right = [
        (0.0, top),
        (0.4, top - 0.04),
        (look.half(0.62) * 0.97, 0.6),
        (look.half(0.62) * 1.06, 0.7),
        (0.56, 1.1),
        (0.0, 1.24),
    ]
    return curve(look.at(mirrored(right)), closed=True)


def _draw(canvas: np.ndarray, look: Look, kind: int, shape: Points, top: float, rng: np.random.Generator) -> None:
    if kind == 1:
        colour = WHITE if rng.random() < 0.75 else CLOTHS[0]
    else:
        colour = {2: BLUE, 3: WHITE, 4: PINK}.get(kind) or CLOTHS[rng.integers(len(CLOTHS))]
    tint = rng.normal(1, 0.03, 3)
    colour = scaled((colour[0] * tint[0], colour[1] * tint[1], colour[2] * tint[2]), float(rng.uniform(0.88, 1.04)))
    scarf = kind == 5 and rng.random() < 0.35
    if scarf:
        drape = mirrored([(0.5, 0.95), (0.9, 1.0), (1.05, 1.3), (0.7, 1.75)])
        fill(canvas, curve(look.at(drape), closed=True), scaled(colour, 0.85), soft=1.5)
    clip = np.zeros(canvas.shape[1:], np.uint8)
    inside = np.zeros_like(canvas)
    fill(inside, shape, (0, 0, 0), soft=0.6)
    clip = inside[3]
    _loops(canvas, look, colour, shape, top)
    fill(canvas, np.add(shape, (0, 4)), scaled(look.skin, 0.45), soft=4, opacity=0.35)
    fill(canvas, shape, colour, soft=0.6)
    for side in SIDES:
        x, y = look.spot(side * 0.95, 0.75)
        fill(canvas, oval((x, y), 26, 48), scaled(colour, 0.6), soft=12, opacity=0.55, clip=clip)
    if kind == 1:
        _beak(canvas, look, colour, top, clip)
    elif kind == 5:
        _print(canvas, look, colour, clip, rng, scarf=scarf)
    else:
        _pleats(canvas, look, colour, top, clip)
    stroke(canvas, np.concatenate((shape, shape[:1])), scaled(colour, 0.72), width=2, soft=0.8, opacity=0.8)


def _loops(canvas: np.ndarray, look: Look, colour: Colour, shape: Points, top: float) -> None:
    for side in SIDES:
        corner = shape[np.argmax(side * shape[:, 0])]
        for y in (-0.02, 0.36):
            stroke(canvas, np.array([corner, look.spot(side * 1.05, y)]), scaled(colour, 0.95), width=2, soft=0.7)


def _beak(canvas: np.ndarray, look: Look, colour: Colour, top: float, clip: np.ndarray) -> None:
    middle = 0.5 * (top + 1.08)
    for y, lift in ((middle - 0.12, 0.1), (middle + 0.14, -0.08)):
        fold = curve(look.at([(-0.95, y + lift), (-0.3, y), (0.3, y), (0.95, y + lift)]))
        stroke(canvas, fold, scaled(colour, 0.6), width=2.4, soft=1.4, opacity=0.8, clip=clip)
    ridge = look.at([(0.0, top + 0.05), (0.1, middle), (0.0, 1.0), (-0.1, middle)])
    fill(canvas, ridge, (255, 255, 255), soft=5, opacity=0.4, clip=clip)


def _pleats(canvas: np.ndarray, look: Look, colour: Colour, top: float, clip: np.ndarray) -> None:
    for k in range(4):
        y = top + 0.14 + k * (0.96 - top) / 4.5
        pleat = curve(look.at([(-0.95, y + 0.02), (0.0, y + 0.05), (0.95, y + 0.02)]))
        stroke(canvas, pleat, scaled(colour, 0.74), width=2, soft=1.2, opacity=0.8, clip=clip)
    wire = curve(look.at([(-0.3, top + 0.08), (0.0, top + 0.03), (0.3, top + 0.08)]))
    stroke(canvas, wire, scaled(colour, 1.08), width=3, soft=1, opacity=0.8, clip=clip)


def _print(
    canvas: np.ndarray, look: Look, colour: Colour, clip: np.ndarray, rng: np.random.Generator, *, scarf: bool
) -> None:
    if scarf:
        for y in np.linspace(0.3, 1.0, 5) + rng.normal(0, 0.03, 5):
            wave = curve(look.at([(-1.0, y - 0.05), (-0.3, y + 0.08), (0.4, y), (1.0, y + 0.06)]))
            stroke(canvas, wave, scaled(colour, 0.65), width=5, soft=3, opacity=0.7, clip=clip)
    elif rng.random() < 0.6:
        motif: Colour = (float(rng.uniform(90, 250)), float(rng.uniform(90, 250)), float(rng.uniform(90, 250)))
        for x, y in rng.uniform((-0.85, 0.3), (0.85, 1.05), (18, 2)):
            fill(canvas, oval(look.spot(x, y), *rng.uniform(3, 7, 2)), motif, soft=0.8, opacity=0.85, clip=clip)
