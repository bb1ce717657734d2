"""What the tests of training share."""

import pytest
from techniques import noisy_people

from trainable.run import Experiment


@pytest.fixture(scope="module")
def experiment(tmp_path_factory: pytest.TempPathFactory) -> Experiment:
    return noisy_people(tmp_path_factory.mktemp("techniques"))
