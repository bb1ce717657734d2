"""Label errors: groups and photos whose given values a vote contradicts."""
