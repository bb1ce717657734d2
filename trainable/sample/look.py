"""How a person looks: traits that stay the same over the seven photos, drawn from true gender and true age.

Two hidden values carry what can be seen: a gender look (about -1 male .. +1 female) and an apparent age in years. Every
cue is one of them plus noise of its own, so that no single cue decides and all together nearly do.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from trainable.sample import difficulty
from trainable.sample.paint import BORDER, Colour, Points, mix, scaled

CENTRE = (BORDER + 192.0, BORDER + 236.0)  # Between the eyes, in pixels of the canvas.
SIDES = (-1, 1)
LIGHT_SKIN: Colour = (178, 200, 234)
TAN_SKIN: Colour = (118, 154, 198)
HAIR_COLOURS: tuple[Colour, ...] = ((24, 22, 22), (28, 30, 36), (34, 44, 60), (44, 66, 98))
GREY_HAIR: Colour = (204, 204, 208)
QUIET_SHIRTS: tuple[Colour, ...] = ((40, 36, 34), (92, 60, 38), (112, 108, 106), (60, 72, 62), (122, 98, 76))
MUTED_SHIRTS: tuple[Colour, ...] = ((52, 44, 104), (66, 92, 98), (120, 150, 172), (70, 84, 110))
BRIGHT_SHIRTS: tuple[Colour, ...] = ((236, 236, 238), (176, 150, 226), (80, 70, 190), (190, 206, 232), (206, 184, 160))


@dataclass(frozen=True, kw_only=True)
class Look:
    """Traits. Lengths in pixels, or in face units (see `at`); shares 0..1; colours blue, green, red."""

    half_width: float
    eye_to_chin: float
    jaw: float
    skin: Colour
    hair: Colour
    hair_length: float
    hair_volume: float
    fringe: float
    recession: float
    parting: float
    brow: float
    eye: float
    eye_gap: float
    nose: float
    lip_full: float
    lip_red: float
    smile: float
    stubble: float
    moustache: bool
    glasses: int
    earrings: bool
    wrinkles: float
    furrows: float
    bags: float
    sag: float
    spots: float
    shirt: Colour
    neckline: int
    seed: int

    def at(self, points: Points | list[tuple[float, float]]) -> Points:
        """Face units to pixels: x in half widths of the face, y in eye-to-chin lengths below the eyes."""
        return CENTRE + np.asarray(points, np.float64) * (self.half_width, self.eye_to_chin)

    def spot(self, x: float, y: float) -> tuple[float, float]:
        """One point in face units, in pixels."""
        return CENTRE[0] + x * self.half_width, CENTRE[1] + y * self.eye_to_chin

    def half(self, y: float) -> float:
        """Half width of the face at height y, in face units."""
        heights = (-0.95, -0.7, -0.35, 0.05, 0.4, 0.7, 0.88, 1.0)
        widths = (0.3, 0.78, 0.96, 1.0, 0.96, self.jaw, self.jaw * 0.68, self.jaw * 0.3)
        return float(np.interp(y, heights, widths))


def draw_look(*, gender: int, age: int, rng: np.random.Generator) -> Look:
    """Traits of a person; `gender` 0 male, 1 female."""
    gap = difficulty.GENDER_GAP
    look = float((2 * gender - 1) + rng.normal(0, 1 / gap))
    seen = age + rng.normal(0, difficulty.AGE_LOOK_NOISE)
    if age >= 60:
        seen += rng.gamma(2.0, difficulty.BEYOND_60 / 2.0)

    def fem(weight: float = 1.0) -> float:
        """A gender cue: about -1 .. +1."""
        return float(np.clip(look + rng.normal(0, difficulty.GENDER_CUE_NOISE / weight), -1.8, 1.8))

    def aged(start: float, end: float, power: float = 1.0) -> float:
        """An age cue: 0 up to `start` years, 1 from `end` years on."""
        years = seen + rng.normal(0, difficulty.AGE_CUE_NOISE)
        return float(np.clip((years - start) / (end - start), 0, 1) ** power)

    grey = aged(42, 68, 1.4)
    if grey > 0.25 and rng.random() < difficulty.DYED_HAIR:
        grey *= 0.25
    natural = HAIR_COLOURS[rng.choice(4, p=(0.4, 0.3, 0.2, 0.1) if seen > 30 else (0.3, 0.25, 0.2, 0.25))]
    tone = np.clip(rng.normal(0.26, 0.13) - 0.14 * fem() + 0.5 * aged(24, 54), 0, 1)
    sag = aged(38, 66)
    length = np.clip(0.5 + 0.36 * fem(1.4) - (0.14 * aged(40, 60) if look > 0 else 0) + rng.normal(0, 0.06), 0, 1)
    shirts = QUIET_SHIRTS
    if rng.random() < 0.75 * aged(52, 66):
        shirts = MUTED_SHIRTS
    elif rng.random() < 0.6 + 0.26 * fem() - 0.3 * aged(25, 58):
        shirts = BRIGHT_SHIRTS
    return Look(
        half_width=float(rng.normal(76, 3.2) - 1.8 * fem()),
        eye_to_chin=float(rng.normal(104, 3.5) - 2.0 * fem() + 2 * sag),
        jaw=float(np.clip(rng.normal(0.74, 0.025) - 0.05 * fem() + 0.05 * sag, 0.6, 0.9)),
        skin=scaled(mix(LIGHT_SKIN, TAN_SKIN, float(tone)), float(rng.normal(1, 0.02))),
        hair=mix(scaled(natural, float(rng.uniform(0.8, 1.25))), GREY_HAIR, grey),
        hair_length=float(length),
        hair_volume=float(np.clip(rng.normal(0.17, 0.03) + 0.02 * fem() - 0.06 * aged(45, 70), 0.06, 0.26)),
        fringe=float(np.clip(rng.normal(0.45, 0.3) + 0.1 * fem() - 0.5 * aged(24, 46), 0, 1)),
        recession=float(np.clip((0.75 - 0.45 * fem()) * aged(38, 68), 0, 1)),
        parting=float(rng.uniform(-0.6, 0.6)),
        brow=float(np.clip(rng.normal(6.2, 0.9) - 1.7 * fem() - 0.8 * sag, 2.5, 10)),
        eye=float(np.clip(rng.normal(1.0, 0.08) + 0.06 * fem() - 0.16 * aged(35, 68), 0.65, 1.3)),
        eye_gap=float(rng.normal(0.44, 0.02)),
        nose=float(rng.normal(1.0, 0.08) - 0.05 * fem()),
        lip_full=float(np.clip(rng.normal(1.0, 0.12) + 0.12 * fem() - 0.25 * aged(40, 70), 0.5, 1.4)),
        lip_red=float(np.clip(rng.normal(0.42, 0.15) + 0.3 * fem() - 0.1 * aged(40, 70), 0, 1)),
        smile=max(-0.004, float(rng.normal(0.028, 0.012) - 0.02 * sag)),
        stubble=float(np.clip(rng.normal(0.15, 0.25) - 0.3 * fem(), 0, 0.8)),
        moustache=bool(rng.random() < (0.16 if fem() < -0.4 and seen > 22 else 0.0)),
        glasses=int(rng.choice(3, p=(0.64, 0.2, 0.16))),
        earrings=bool(rng.random() < 0.15 + 0.15 * fem()),
        wrinkles=aged(28, 64),
        furrows=aged(30, 66),
        bags=aged(34, 68),
        sag=sag,
        spots=aged(50, 70),
        shirt=scaled(shirts[rng.integers(len(shirts))], float(rng.uniform(0.85, 1.1))),
        neckline=int(rng.integers(3)),
        seed=int(rng.integers(2**31)),
    )
