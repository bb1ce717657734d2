"""Eyes, nose, mouth, beard and glasses."""

from __future__ import annotations

import numpy as np

from trainable.sample.look import SIDES, Look
from trainable.sample.paint import Colour, curve, fill, mirrored, mix, oval, scaled, stroke

LIP: Colour = (110, 112, 190)


def draw_eye(canvas: np.ndarray, look: Look, side: int, clip: np.ndarray) -> None:
    """White, iris, lids and brow of one eye; `side` -1 or 1, `clip` uint8 [H, W] the face."""
    x, y = look.spot(side * look.eye_gap, 0.0)
    wide, high = 17 * look.eye, 6.2 * look.eye
    white = [(x - wide, y + 1), (x - wide / 2, y - high), (x + wide / 2, y - high), (x + wide, y), (x, y + high * 0.8)]
    fill(canvas, curve(white, closed=True), (212, 218, 224), soft=0.8)
    fill(canvas, oval((x, y - 1), 7.4 * look.eye, 6.6 * look.eye), (26, 28, 36), soft=0.8)
    fill(canvas, oval((x - 2, y - 3), 1.6, 1.6), (235, 235, 235), soft=0.5, opacity=0.9)
    lid = curve([(x - wide - 1, y + 2), (x - wide / 2, y - high), (x + wide / 2, y - high), (x + wide + 1, y + 1)])
    stroke(canvas, lid, (24, 24, 32), width=2 + 1.4 * max(0.0, look.lip_red - 0.4), soft=0.7, opacity=0.95)
    droop = curve([(x - wide, y - high - 3), (x, y - high - 5 + 3 * look.sag), (x + wide + 2, y - high / 2)])
    stroke(canvas, droop, scaled(look.skin, 0.5), width=1.6, soft=0.9, opacity=0.7, clip=clip)
    brow = look.at([(side * (look.eye_gap - 0.24), -0.2), (side * look.eye_gap, -0.25), (side * 0.74, -0.18)])
    stroke(canvas, curve(brow), mix(look.hair, (30, 32, 40), 0.6), width=look.brow, soft=1.3, opacity=0.85, clip=clip)


def draw_nose(canvas: np.ndarray, look: Look, clip: np.ndarray) -> None:
    """Wings, nostrils and the shadow below."""
    dark = mix(scaled(look.skin, 0.5), (40, 44, 90), 0.25)
    base = [(-0.24, 0.46), (-0.2, 0.54), (-0.08, 0.53), (0, 0.56), (0.08, 0.53), (0.2, 0.54), (0.24, 0.46)]
    stroke(canvas, curve(look.at(np.array(base) * (look.nose, 1))), dark, width=2.6, soft=1.4, opacity=0.75, clip=clip)
    for side in SIDES:
        x, y = look.spot(side * 0.1 * look.nose, 0.525)
        fill(canvas, oval((x, y), 4.4 * look.nose, 2.6), scaled(dark, 0.6), soft=1.1, opacity=0.9, clip=clip)
    x, y = look.spot(0, 0.6)
    fill(canvas, oval((x, y), 17, 4), dark, soft=4, opacity=0.4, clip=clip)


def draw_mouth(canvas: np.ndarray, look: Look, clip: np.ndarray) -> None:
    """Lips, the seam between them and the shadow below."""
    lip = mix(scaled(look.skin, 0.76), mix(LIP, (70, 60, 205), look.lip_red), 0.3 + 0.7 * look.lip_red)
    y, full = 0.74, 0.052 * look.lip_full
    corner = y - look.smile
    upper = [
        (-0.36, corner),
        (-0.12, y - full * 1.2),
        (0, y - full * 0.8),
        (0.12, y - full * 1.2),
        (0.36, corner),
        (0, y + 0.01),
    ]
    lower = [(-0.36, corner), (0, y + 0.012), (0.36, corner), (0.18, y + full * 1.5), (-0.18, y + full * 1.5)]
    fill(canvas, curve(look.at(lower), closed=True), scaled(lip, 1.05), soft=1.2, clip=clip)
    fill(canvas, curve(look.at(upper), closed=True), scaled(lip, 0.86), soft=1.2, clip=clip)
    seam = curve(look.at([(-0.37, corner), (-0.15, y + 0.006), (0.15, y + 0.006), (0.37, corner)]))
    stroke(canvas, seam, (36, 34, 70), width=2.4, soft=0.9, opacity=0.85, clip=clip)
    shadow = look.spot(0, 0.855)
    fill(canvas, oval(shadow, 17, 4), scaled(look.skin, 0.6), soft=4, opacity=0.5, clip=clip)


def draw_beard(canvas: np.ndarray, look: Look, clip: np.ndarray) -> None:
    """Stubble or beard, and moustache."""
    hair = mix(look.hair, (70, 70, 74), 0.35)
    if look.stubble > 0.05:
        area = mirrored([(0.0, 0.62), (0.4, 0.63), (look.half(0.45), 0.45), (look.half(0.7) * 1.05, 0.7), (0.3, 1.1)])
        fill(canvas, look.at(area), hair, soft=7, opacity=0.5 * look.stubble, clip=clip)
        if look.stubble > 0.3:  # Lips stay visible in a beard.
            draw_mouth(canvas, look, clip)
    if look.moustache:
        area = [(0, 0.62), (0.26, 0.66), (0.34, 0.73), (0.0, 0.685), (-0.34, 0.73), (-0.26, 0.66)]
        fill(canvas, curve(look.at(area), closed=True), hair, soft=1.6, opacity=0.85, clip=clip)


def draw_glasses(canvas: np.ndarray, look: Look) -> None:
    """Frames: none, thin round, thick square."""
    if not look.glasses:
        return
    colour: Colour = (60, 64, 72) if look.glasses == 1 else (28, 26, 30)
    width = 2.0 if look.glasses == 1 else 3.6
    for side in SIDES:
        x, y = look.spot(side * look.eye_gap, 0.03)
        if look.glasses == 1:
            rim = oval((x, y), 25, 20)
        else:
            rim = curve([(x - 25, y - 15), (x + 25, y - 15), (x + 23, y + 16), (x - 23, y + 16)], closed=True)
        fill(canvas, rim, (240, 236, 232), opacity=0.1)
        stroke(canvas, np.concatenate((rim, rim[:1])), colour, width=width, soft=0.6, opacity=0.9)
        stroke(canvas, np.array([(x + side * 25, y - 5), look.spot(side * 1.0, 0.0)]), colour, width=width, soft=0.6)
    bridge = np.add(look.at([(-look.eye_gap, 0.0), (look.eye_gap, 0.0)]), ((25, 0), (-25, 0)))
    stroke(canvas, bridge, colour, width=width, soft=0.6)
