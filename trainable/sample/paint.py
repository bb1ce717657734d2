"""Soft shapes on a canvas: the two brushes everything is drawn with.

A canvas is planar, float32 or uint8 [4, H, W] in 0..255: blue, green, red, and opacity, the colours already multiplied
by the opacity. Planar because NumPy blends whole planes several times faster than interleaved pixels.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

Colour = tuple[float, float, float]
"""Blue, green, red in 0..255."""

Points = np.ndarray
"""float64 [n, 2]: x to the right, y downwards."""

WIDTH, HEIGHT = 384, 512  # Of a photo.
BORDER = 64  # A canvas goes this far beyond the photo on all sides: what a shifted camera may see.
SHIFT = 4  # Sub-pixel bits of OpenCV's polygon coordinates.


def new_canvas() -> np.ndarray:
    """Empty canvas, float32 [4, H, W]: a photo with its border."""
    return np.zeros((4, HEIGHT + 2 * BORDER, WIDTH + 2 * BORDER), np.float32)


def fill(
    canvas: np.ndarray,
    points: Points,
    colour: Colour,
    *,
    opacity: float = 1.0,
    soft: float = 0.0,
    clip: np.ndarray | None = None,
) -> None:
    """Fill a polygon; `soft` blurs its edge (standard deviation in pixels), `clip` uint8 [H, W] confines it."""
    _blend(canvas, points, colour, opacity=opacity, soft=soft, clip=clip, width=0.0)


def stroke(
    canvas: np.ndarray,
    points: Points,
    colour: Colour,
    *,
    width: float,
    opacity: float = 1.0,
    soft: float = 0.0,
    clip: np.ndarray | None = None,
) -> None:
    """Draw an open line through the points, `width` pixels wide."""
    _blend(canvas, points, colour, opacity=opacity, soft=soft, clip=clip, width=width)


def _blend(
    canvas: np.ndarray,
    points: Points,
    colour: Colour,
    *,
    opacity: float,
    soft: float,
    clip: np.ndarray | None,
    width: float,
) -> None:
    if opacity <= 0:
        return
    margin = 2 + width / 2 + 2.5 * soft
    height, breadth = canvas.shape[1:]
    left, top = np.maximum(np.floor(points.min(axis=0) - margin), 0).astype(int)
    right, bottom = np.minimum(np.ceil(points.max(axis=0) + margin), (breadth, height)).astype(int)
    if right <= left or bottom <= top:
        return
    cover = np.zeros((bottom - top, right - left), np.uint8)
    fixed = np.round((points - (left, top)) * (1 << SHIFT)).astype(np.int32)
    if width:
        cv2.polylines(cover, [fixed], False, 255, max(1, round(width)), cv2.LINE_AA, SHIFT)
    else:
        cv2.fillPoly(cover, [fixed], 255, cv2.LINE_AA, SHIFT)
    if soft >= 0.8:  # Less than that the camera's own blur hides.
        cover = _blurred(cover, soft)
    if clip is not None:
        cover = cv2.multiply(cover, clip[top:bottom, left:right], scale=1 / 255)
    amount = cover.astype(np.float32) * np.float32(min(opacity, 1.0) / 255)
    for plane, value in zip(canvas, (*colour, 255.0), strict=True):
        region = plane[top:bottom, left:right]
        region[...] = region + amount * (np.float32(value) - region)


def _blurred(cover: np.ndarray, sigma: float) -> np.ndarray:
    """Nearly Gaussian blur: two box filters with together the same variance, several times faster."""
    side = 2 * round((np.sqrt(6 * sigma * sigma + 1) - 1) / 2) + 1
    return cv2.blur(cv2.blur(cover, (side, side)), (side, side))


def curve(points: Sequence[tuple[float, float]] | Points, *, closed: bool = False, steps: int = 8) -> Points:
    """Smooth line through the points (Catmull-Rom), float64 [n, 2]."""
    knots = np.asarray(points, np.float64)
    ends = (knots[-1:], knots[:2]) if closed else (knots[:1], knots[-1:])
    padded = np.concatenate((ends[0], knots, ends[1]))
    a, b, c, d = (padded[k : len(padded) - 3 + k, None] for k in range(4))
    t = np.linspace(0, 1, steps, endpoint=False)[:, None]
    line = b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)))
    line = line.reshape(-1, 2)
    return line if closed else np.concatenate((line, knots[-1:]))


def mirrored(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """A right half given from top to bottom, closed with its mirror image about x = 0."""
    return [*points, *[(-x, y) for x, y in reversed(points) if x != 0]]


def oval(centre: tuple[float, float], rx: float, ry: float, *, tilt: float = 0.0) -> Points:
    """Ellipse as 24 points; `tilt` in radians."""
    angle = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    px, py = rx * np.cos(angle), ry * np.sin(angle)
    x, y = centre
    return np.stack((x + px * np.cos(tilt) - py * np.sin(tilt), y + px * np.sin(tilt) + py * np.cos(tilt)), axis=1)


def mix(first: Colour, second: Colour, share: float) -> Colour:
    """`first` with `share` 0..1 of `second` mixed in."""
    share = min(max(share, 0.0), 1.0)
    b, g, r = (x + (y - x) * share for x, y in zip(first, second, strict=True))
    return b, g, r


def scaled(colour: Colour, factor: float) -> Colour:
    """The colour, brighter or darker."""
    b, g, r = (min(255.0, max(0.0, x * factor)) for x in colour)
    return b, g, r
