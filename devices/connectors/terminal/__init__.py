"""What goes over the line to a device's command line: its bytes as text, where an answer ends, how much may come."""
