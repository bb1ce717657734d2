"""What one trial is. Runs with neither Ray nor Optuna installed."""
