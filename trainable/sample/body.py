"""Everything of a person that is not the face: torso, neck and hair, behind and in front of the head."""

from __future__ import annotations

import numpy as np

from trainable.sample.face import draw_head
from trainable.sample.features import draw_glasses
from trainable.sample.look import SIDES, Look
from trainable.sample.paint import curve, fill, mirrored, mix, new_canvas, oval, scaled, stroke


def draw_person(look: Look) -> np.ndarray:
    """The person without a mask, uint8 canvas [4, H, W], colours multiplied by opacity."""
    canvas = new_canvas()
    _hair_behind(canvas, look)
    _torso(canvas, look)
    draw_head(canvas, look)
    _hair_in_front(canvas, look)
    draw_glasses(canvas, look)
    return np.clip(canvas, 0, 255).astype(np.uint8)


def _torso(canvas: np.ndarray, look: Look) -> None:
    neck = 0.5 + 0.35 * (look.jaw - 0.6)
    fill(canvas, look.at([(-neck, 0.5), (neck, 0.5), (neck + 0.12, 1.7), (-neck - 0.12, 1.7)]), scaled(look.skin, 0.88))
    fill(
        canvas,
        look.at([(-neck, 0.8), (neck, 0.8), (neck, 1.12), (0, 1.24), (-neck, 1.12)]),
        scaled(look.skin, 0.5),
        soft=7,
        opacity=0.75,
    )
    broad = 1.75 + 1.6 * (look.jaw - 0.7)
    shoulders = [(neck + 0.08, 1.32), (1.2, 1.5), (broad, 1.7), (broad + 0.3, 3.4)]
    depth = (1.42, 1.62, 1.5)[look.neckline]
    outline = [(0.0, depth), (0.3, depth - 0.08), *shoulders]
    fill(canvas, look.at(mirrored(outline)), look.shirt, soft=1)
    shade = scaled(look.shirt, 0.62)
    for side in SIDES:
        sleeve = look.at([(side * (broad - 0.3), 1.9), (side * (broad - 0.42), 3.2)])
        stroke(canvas, sleeve, shade, width=6, soft=5, opacity=0.7)
        if look.neckline == 1:
            lapel = look.at([(side * (neck + 0.08), 1.3), (side * 0.1, 1.66), (side * 0.42, 1.72)])
            fill(canvas, lapel, scaled(look.shirt, 1.16), soft=1)
            stroke(canvas, lapel, shade, width=2, soft=1)
    if look.neckline != 1:
        collar = curve(look.at([(-neck - 0.06, 1.32), (-0.3, depth - 0.04), (0.3, depth - 0.04), (neck + 0.06, 1.32)]))
        stroke(canvas, collar, shade, width=6 if look.neckline == 2 else 3, soft=1)


def _hair_behind(canvas: np.ndarray, look: Look) -> None:
    volume = look.hair_volume
    low = -0.1 + 2.0 * max(0.0, look.hair_length - 0.25)
    wide = 1.02 + volume * 1.3 + 0.1 * look.hair_length
    right = [(0.0, -0.92 - volume), (0.7, -0.78 - volume), (wide, -0.2), (wide + 0.04, low * 0.5), (wide * 0.96, low)]
    if low > 0.2:
        right += [(0.7, low + 0.08), (0.0, low)]
    else:
        right += [(0.0, 0.3)]
    fill(canvas, curve(look.at(mirrored(right)), closed=True), scaled(look.hair, 0.8), soft=1.6)


def _hair_in_front(canvas: np.ndarray, look: Look) -> None:
    volume, gone = look.hair_volume, look.recession
    line = -0.62 - 0.3 * gone + 0.3 * max(0.0, look.fringe - 0.35)
    temple = -0.42 - 0.34 * gone + 0.1 * look.fringe
    side_end = 0.02 + 0.2 * min(1.0, look.hair_length * 1.5)
    outer = 1.0 + volume * 0.9
    right_outer = [(0.5, -0.99 - volume), (0.84, -0.8 - volume * 0.7), (outer, -0.4), (outer + 0.01, side_end)]
    right_inner = [(0.95, side_end), (0.93, -0.2), (0.8, temple), (0.45, line + 0.02)]
    crown = [(0.0, -1.03 - volume)]
    part = [(look.parting * 0.5, line - 0.05)]
    left_inner = [(-x, y) for x, y in reversed(right_inner)]
    left_outer = [(-x, y) for x, y in reversed(right_outer)]
    cap = crown + right_outer + right_inner + part + left_inner + left_outer
    thin = 1.0 - 0.35 * max(0.0, gone - 0.5)
    fill(canvas, curve(look.at(cap), closed=True, steps=5), look.hair, soft=1.8, opacity=thin)
    long = max(0.0, look.hair_length - 0.42)
    if long > 0:
        low = 0.1 + 1.9 * long
        for side in SIDES:
            lock = [
                (side * 0.86, -0.5),
                (side * 0.92, 0.1),
                (side * (0.96 - 0.12 * look.fringe), low),
                (side * (outer + 0.06), low + 0.1),
                (side * (outer + 0.04), 0.1),
                (side * outer, -0.5),
            ]
            fill(canvas, curve(look.at(lock), closed=True), look.hair, soft=1.6)
    _strands(canvas, look, line)
    if look.earrings:
        for side in SIDES:
            fill(canvas, oval(look.spot(side * 1.04, 0.44), 3, 4), (170, 215, 235), soft=0.6)


def _strands(canvas: np.ndarray, look: Look, line: float) -> None:
    rng = np.random.Generator(np.random.Philox(look.seed + 1))
    top = -1.0 - look.hair_volume
    shine = mix(scaled(look.hair, 1.5), (130, 130, 135), 0.25)
    for k, x in enumerate(np.linspace(-0.8, 0.8, 12) + rng.normal(0, 0.04, 12)):
        start = (look.parting * 0.4 + 0.3 * x, top + 0.03 + 0.08 * abs(x))
        end = (1.08 * x, line - 0.06 + 0.22 * x * x)
        middle = (0.5 * (start[0] + end[0]) * 1.2, 0.5 * (start[1] + end[1]) - 0.03)
        strand = curve(look.at([start, middle, end]), steps=5)
        stroke(canvas, strand, shine if k % 2 else scaled(look.hair, 0.65), width=2, soft=1.2, opacity=0.5)
