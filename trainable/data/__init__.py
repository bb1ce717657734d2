"""From a data folder to batches of uint8 images."""
