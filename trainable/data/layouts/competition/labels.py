"""The 18 classes of the mask / gender / age competition: label = mask * 6 + gender * 3 + age band."""

from trainable.data.attributes import Attribute, Attributes, Swap

MASK = Attribute("mask", ("worn", "incorrect", "none"))
GENDER = Attribute("gender", ("male", "female"))
AGE = Attribute("age", ("<30", "30-59", ">=60"), ordered=True, cuts=(30.0, 60.0), limits=(0.0, 120.0))
# The file names of the two photos of a person that were mixed up now and then.
MADE_OF = Attributes((MASK, GENDER, AGE), swaps=(Swap("incorrect_mask normal", "mask", (1, 2)),))
CLASSES = MADE_OF.classes()
