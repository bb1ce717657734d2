"""What is in a data folder, before anything is trained.

python -m trainable.data.describe DATA [--out DIR]
"""
