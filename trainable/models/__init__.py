"""Networks: how they are built, where their weights come from, what of them is frozen, how they predict."""

from trainable.models.weights import find_weights

__all__ = ["find_weights"]
