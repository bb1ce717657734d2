"""A built ensemble as a folder that stands alone."""

from ensembles.export.command import main

__all__ = ["main"]
