"""What each method of voting scores on groups that neither its weights nor its choice have seen."""

from ensembles.nested.bootstrap import CALLS, Bootstrap, evidence
from ensembles.nested.evaluate import Evaluation, Progress, evaluate_methods
from ensembles.nested.rows import AUTO, PREFERENCE, Row, taken

__all__ = [
    "AUTO",
    "CALLS",
    "PREFERENCE",
    "Bootstrap",
    "Evaluation",
    "Progress",
    "Row",
    "evaluate_methods",
    "evidence",
    "taken",
]
