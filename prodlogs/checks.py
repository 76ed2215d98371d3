"""System checks of container logs."""
