"""A generated data set in the competition's layout: drawn people, published distributions, known truth.

`python -m trainable.data.sample OUT --people 200`, or `generate(...)` from Python.
"""

from trainable.data.sample.write import generate

__all__ = ["generate"]
