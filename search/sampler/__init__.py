"""What is suggested next: the sampler, and the view of the ledger that it is shown."""
