"""A ring of shared memory that worker processes fill with batches in place. Knows numpy, neither photos nor torch."""
