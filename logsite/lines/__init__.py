"""What one line of a log says: control sequences, level, traces, masking. No module here knows Docker or Django."""
