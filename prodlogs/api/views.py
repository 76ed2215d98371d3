"""/api/v2/prodlogs/."""
