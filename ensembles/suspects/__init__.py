"""Label errors: people whose given gender, age band or mask state a vote contradicts on their photos."""
