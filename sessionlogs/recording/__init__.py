"""Recording: what happens in a session becomes events, redacted and stored by one thread."""
