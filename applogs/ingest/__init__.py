"""How entries of applications come in: one module a format, and what all of them share."""
