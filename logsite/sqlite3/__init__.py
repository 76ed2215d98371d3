"""Django's SQLite, whose files are their owner's alone."""
