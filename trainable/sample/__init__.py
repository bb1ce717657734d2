"""A generated data set in the competition's layout: drawn people, published distributions, known truth.

`python -m trainable.sample OUT --people 200`, or `trainable.sample.write.generate(...)` from Python.
"""
