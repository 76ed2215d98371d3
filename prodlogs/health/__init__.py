"""How hosts and containers are, asked now or as stored."""
