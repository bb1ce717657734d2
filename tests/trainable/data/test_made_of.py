"""What classes are made of: the competition's 18 classes, other products, products without a photo."""

import json

import numpy as np
import pytest

from trainable.data.attributes import PLAIN, Attribute, Attributes
from trainable.data.grid import Grid
from trainable.data.layouts.competition import CLASSES, MADE_OF
from trainable.errors import InputError

FRUIT = Attributes(
    (Attribute("sort", ("apple", "pear")), Attribute("size", ("small", "medium", "large"), ordered=True)),
    cells=(0, 1, 3, 5),  # no large apple, no medium pear
)


def test_label_is_mask_times_6_plus_gender_times_3_plus_age() -> None:
    values = [np.array([0, 1, 2]), np.array([0, 1, 1]), np.array([2, 0, 2])]
    assert MADE_OF.grid.encode(values).tolist() == [2, 9, 17]
    assert (CLASSES[0], CLASSES[9], CLASSES[17]) == ("worn male <30", "incorrect female <30", "none female >=60")


@pytest.mark.parametrize("made_of", [MADE_OF, FRUIT])
def test_decode_is_the_inverse_of_encode(made_of: Attributes) -> None:
    labels = np.arange(made_of.grid.classes)
    parts = made_of.decode(labels)
    assert tuple(parts) == made_of.names
    assert made_of.grid.encode(list(parts.values())).tolist() == labels.tolist()
    assert [int(parts[a].max()) + 1 for a in parts] == list(made_of.grid.sizes)


@pytest.mark.parametrize(("age", "band"), [(0, 0), (29, 0), (29.9, 0), (30, 1), (59, 1), (60, 2), (120, 2)])
def test_numbers_are_cut_where_a_border_begins(age: float, band: int) -> None:
    assert MADE_OF["age"].codes(np.array([age])).tolist() == [band]


def test_products_that_no_photo_shows_are_no_classes() -> None:
    assert FRUIT.classes() == ("apple small", "apple medium", "pear small", "pear large")
    assert FRUIT.grid.encode([np.array([0, 1]), np.array([2, 2])]).tolist() == [-1, 3]
    p = np.random.default_rng(0).dirichlet(np.ones(4), 7)
    assert FRUIT.grid.spread(p).shape == (7, 2, 3) and (FRUIT.grid.spread(p)[:, 0, 2] == 0).all()
    assert (FRUIT.grid.gathered(FRUIT.grid.spread(p)) == p).all()
    assert FRUIT.grid.marginal(p, 0) == pytest.approx(np.stack([p[:, 0] + p[:, 1], p[:, 2] + p[:, 3]], 1))
    assert FRUIT.grid.marginal(p, 1) == pytest.approx(np.stack([p[:, 0] + p[:, 2], p[:, 1], p[:, 3]], 1))


def test_names_of_classes_stay_apart() -> None:
    made_of = Attributes((Attribute("a", ("x", "x y")), Attribute("b", ("z", "y z"))))
    assert made_of.classes() == ("x / z", "x / y z", "x y / z", "x y / y z")


@pytest.mark.parametrize("made_of", [PLAIN, MADE_OF, FRUIT])
def test_json_gives_it_back(made_of: Attributes) -> None:
    assert Attributes.from_dict(json.loads(json.dumps(made_of.to_dict()))) == made_of


def test_plain_labels_have_no_attributes() -> None:
    assert not PLAIN and PLAIN.names == () and PLAIN.decode(np.arange(3)) == {} and not Grid()
    with pytest.raises(InputError, match="received attribute sort; allowed: none, labels are plain"):
        PLAIN["sort"]
    with pytest.raises(InputError, match="received attribute colour; allowed: sort, size"):
        FRUIT["colour"]
