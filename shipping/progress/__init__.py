"""How far shipping has got: what must be kept for it, and what waits."""
