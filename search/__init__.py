"""How a space is walked. Ray and Optuna live here and nowhere else."""
