"""How templates print what is stored of containers."""
