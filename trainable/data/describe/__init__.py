"""What is in a data folder, before anything is trained.

facts    a look at every image once      show    what was found, as text and as a page

The command is trainable.describe.
"""
