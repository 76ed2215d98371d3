"""A container's log from the last line that was read to the next, stored."""
