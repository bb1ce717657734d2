"""A generated data set in the competition's layout: drawn people, published distributions, known truth.

`python -m trainable.sample OUT --people 200`, or `generate(...)` from Python.
"""

from trainable.sample.write import generate

__all__ = ["generate"]
