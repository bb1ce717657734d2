"""How a trial trains: trial, fold, epochs, step, and what each of them needs."""
