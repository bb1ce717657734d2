"""The 18 classes."""

import numpy as np
import pytest

from trainable.data.labels import ATTRIBUTES, CLASSES, SIZES, age_band, decode, encode


def test_label_is_mask_times_6_plus_gender_times_3_plus_age() -> None:
    assert encode(np.array([0, 1, 2]), np.array([0, 1, 1]), np.array([2, 0, 2])).tolist() == [2, 9, 17]
    assert CLASSES[0] == "worn male <30"
    assert CLASSES[9] == "incorrect female <30"
    assert CLASSES[17] == "none female >=60"


def test_decode_is_the_inverse_of_encode() -> None:
    labels = np.arange(18)
    parts = decode(labels)
    assert list(parts) == list(ATTRIBUTES)
    assert (
        encode(**{"mask": parts["mask"], "gender": parts["gender"], "band": parts["age"]}).tolist() == labels.tolist()
    )
    assert [int(parts[a].max()) + 1 for a in ATTRIBUTES] == list(SIZES)


@pytest.mark.parametrize(("age", "band"), [(0, 0), (29, 0), (29.9, 0), (30, 1), (59, 1), (60, 2), (120, 2)])
def test_bands_begin_at_30_and_60(age: float, band: int) -> None:
    assert age_band(np.array([age])).tolist() == [band]
