"""What varies: data only."""
