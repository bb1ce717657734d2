"""How hard the drawn people are to read: every constant that moves the scores is here and nowhere else.

Aimed at two scales. With 200 people and tiny networks from random weights the pooled out-of-fold macro-F1 should lie
between .55 and .9. With 2,700 people and a good network the aim is what was published for the competition's photos:
97.7 % on mask, 95-96.5 % on gender, 90 % on age band; that one has not been measured.
"""

from __future__ import annotations

GENDER_GAP = 2.0
"""Distance of either gender's mean look from the middle, in standard deviations of the look that all cues share.
The share of people who look like their own gender is the normal distribution function at this value: 2.0 -> 97.7 %."""

GENDER_CUE_NOISE = 0.25
"""Standard deviation that every single gender cue (hair length, jaw, brows, lips, shirt) adds, in units of the gap."""

AGE_LOOK_NOISE = 2.0
"""Years, standard deviation: how much older or younger than their age people look, in all cues together."""

AGE_CUE_NOISE = 2.5
"""Years, standard deviation: what every single age cue (greying, wrinkles, hairline, sag, bags) adds of its own."""

BEYOND_60 = 12.0
"""Years, mean of a gamma of shape 2: ages are clipped to 60, so who is given as 60 is that much older, and
looks it."""

DYED_HAIR = 0.12
"""Share of grey-haired people whose hair is dyed, so that their age must be read off the face."""

MASK_TOP_WORN = (0.12, 0.37)
"""Height of the upper edge of a mask worn rightly, in eye-to-chin units below the eyes (the nose tip is at .50)."""

MASK_TOP_NOSE_OUT = (0.48, 0.64)
"""The same for a mask that leaves the nose out. The closer to `MASK_TOP_WORN`, the harder the mask states."""

MASK_TOP_CHIN = (0.84, 0.97)
"""The same for a mask pulled under the chin (the lower lip ends at about .82)."""
