"""A built ensemble as a folder that stands alone."""
