"""How templates print application log entries."""
