"""The unmasked head: outline, shading and signs of age.

The shading is what OpenCV's frontal cascade looks for: eye sockets darker than cheeks and nose bridge, brows and mouth
as dark bands, all blended softly.
"""

from __future__ import annotations

import numpy as np

from trainable.sample.features import draw_beard, draw_eye, draw_mouth, draw_nose
from trainable.sample.look import SIDES, Look
from trainable.sample.paint import curve, fill, mirrored, mix, oval, scaled, stroke

OUTLINE = (-0.95, -0.7, -0.35, 0.05, 0.4, 0.7, 0.88, 1.0)


def head_outline(look: Look) -> np.ndarray:
    """Face contour in pixels, float64 [n, 2]."""
    right = [(0.0, -1.02), *((look.half(y), y) for y in OUTLINE), (0.0, 1.03)]
    return curve(look.at(mirrored(right)), closed=True)


def draw_head(canvas: np.ndarray, look: Look) -> None:
    """Ears, skin, shading, signs of age, then the features over them."""
    skin = look.skin
    for side in SIDES:
        ear = look.spot(side * 1.02, 0.14)
        fill(canvas, oval(ear, 11, 27, tilt=side * 0.12), scaled(skin, 0.9), soft=1)
        fill(canvas, oval((ear[0] + side, ear[1]), 5, 16), scaled(skin, 0.74), soft=3, opacity=0.7)
    clip = np.zeros(canvas.shape[1:], np.uint8)
    coverage = np.zeros_like(canvas)
    fill(coverage, head_outline(look), (0, 0, 0), soft=0.8)
    np.copyto(clip, coverage[3].astype(np.uint8))
    fill(canvas, head_outline(look), skin, soft=0.8)
    _shade(canvas, look, clip)
    _age(canvas, look, clip)
    for side in SIDES:
        draw_eye(canvas, look, side, clip)
    draw_nose(canvas, look, clip)
    draw_mouth(canvas, look, clip)
    draw_beard(canvas, look, clip)


def _shade(canvas: np.ndarray, look: Look, clip: np.ndarray) -> None:
    dark, light = mix(scaled(look.skin, 0.55), (40, 50, 90), 0.2), mix(look.skin, (235, 245, 255), 0.55)
    for side in SIDES:
        edge = [(side * 1.1, -0.8), (side * 1.15, 0.5), (side * 0.6, 1.1), (side * 0.76, 0.7), (side * 0.9, 0.1)]
        fill(canvas, curve(look.at(edge), closed=True), dark, soft=9, opacity=0.5, clip=clip)
        x, y = look.spot(side * look.eye_gap, -0.04)
        fill(canvas, oval((x, y), 25, 13), dark, soft=6, opacity=0.62, clip=clip)
        x, y = look.spot(side * 0.52, 0.36)
        fill(canvas, oval((x, y), 19, 15), light, soft=9, opacity=0.6, clip=clip)
        fill(
            canvas,
            curve(look.at([(side * 0.13, 0.0), (side * 0.22, 0.42), (side * 0.12, 0.3)]), closed=True),
            dark,
            soft=4,
            opacity=0.3,
            clip=clip,
        )
    fill(canvas, look.at(mirrored([(0.06, -0.2), (0.08, 0.4), (0.0, 0.5)])), light, soft=4, opacity=0.6, clip=clip)
    x, y = look.spot(0.0, -0.48)
    fill(canvas, oval((x, y), 44, 18), light, soft=11, opacity=0.5, clip=clip)
    x, y = look.spot(0.0, 0.9)
    fill(canvas, oval((x, y), 17, 9), light, soft=6, opacity=0.4, clip=clip)
    fill(canvas, look.at([(-0.7, 0.98), (0.7, 0.98), (0.5, 1.1), (-0.5, 1.1)]), dark, soft=6, opacity=0.5, clip=clip)


def _age(canvas: np.ndarray, look: Look, clip: np.ndarray) -> None:
    line = mix(scaled(look.skin, 0.52), (50, 60, 100), 0.15)
    for k in range(3):
        y = -0.36 - 0.11 * k
        bend = curve(look.at([(-0.5, y + 0.03), (-0.2, y), (0.2, y + 0.01), (0.5, y + 0.04)]))
        stroke(canvas, bend, line, width=2, soft=1.2, opacity=0.75 * look.furrows, clip=clip)
    for side in SIDES:
        fold = curve(look.at([(side * 0.24, 0.46), (side * 0.4, 0.6), (side * 0.46, 0.76), (side * 0.42, 0.88)]))
        stroke(canvas, fold, line, width=3, soft=1.6, opacity=0.95 * look.wrinkles, clip=clip)
        hollow = look.spot(side * 0.5, 0.62)
        fill(canvas, oval(hollow, 11, 22, tilt=side * 0.2), line, soft=8, opacity=0.45 * look.sag, clip=clip)
        jowl = curve(look.at([(side * 0.42, 0.9), (side * 0.56, 0.97), (side * 0.7, 0.78)]))
        stroke(canvas, jowl, line, width=4, soft=3, opacity=0.7 * look.sag, clip=clip)
        bag = look.spot(side * look.eye_gap, 0.15)
        fill(canvas, oval(bag, 18, 5), line, soft=2.5, opacity=0.6 * look.bags, clip=clip)
        stroke(
            canvas,
            curve(
                look.at(
                    [
                        (side * (look.eye_gap - 0.2), 0.14),
                        (side * look.eye_gap, 0.22),
                        (side * (look.eye_gap + 0.22), 0.15),
                    ]
                )
            ),
            line,
            width=2,
            soft=1.0,
            opacity=0.7 * look.bags,
            clip=clip,
        )
        for tilt in (-0.06, 0.02, 0.1):
            foot = look.at([(side * (look.eye_gap + 0.28), 0.02 + tilt / 3), (side * 0.92, 0.02 + 1.6 * tilt)])
            stroke(canvas, foot, line, width=1.6, soft=0.9, opacity=0.7 * look.wrinkles, clip=clip)
    rng = np.random.Generator(np.random.Philox(look.seed))
    for x, y in rng.uniform((-0.5, -0.5), (0.5, 0.7), (int(12 * look.spots), 2)):
        spot = look.spot(x + np.copysign(0.35, x), y)  # Temples and cheeks.
        fill(canvas, oval(spot, *rng.uniform(2, 4.5, 2)), line, soft=1.4, opacity=0.5, clip=clip)
