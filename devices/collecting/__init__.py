"""Collecting interfaces: claims, one device, many devices, and what is kept of the answers."""
