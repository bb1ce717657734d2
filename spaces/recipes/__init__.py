"""One published recipe a file: its fixed choices, with the learning rate drawn around the published one.

Several trials of a recipe are what its authors' ensembles of hand-run experiments were. The first trial is the recipe
as published.
"""
