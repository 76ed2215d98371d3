"""Text for terminals and command lines: printable characters, times. The bottom floor: it imports no other room."""
