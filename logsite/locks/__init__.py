"""A lock that the kernel or the database server frees when its holder dies."""
