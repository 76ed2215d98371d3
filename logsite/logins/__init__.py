"""Who gets in by password: counted log-ins, known browsers, sessions that end when nobody uses them."""
