"""Layout 1: the mask / gender / age competition, the one place where its three words stand."""

from trainable.data.layouts.competition.core import CORE, CoreLine
from trainable.data.layouts.competition.labels import CLASSES, MADE_OF
from trainable.data.layouts.competition.read import FORM, is_there, read_test, read_train

__all__ = ["CLASSES", "CORE", "FORM", "MADE_OF", "CoreLine", "is_there", "read_test", "read_train"]
