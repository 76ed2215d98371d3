"""The server's half of read-only: a wrapper, and the proof that nothing gets past it."""
