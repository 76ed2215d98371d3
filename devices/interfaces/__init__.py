"""From answers to interfaces in one shape, whatever the vendor."""
