"""Which Docker hosts there are, and whose keys are accepted."""
