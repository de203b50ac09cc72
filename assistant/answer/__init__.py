"""Answer: pick, compose, cite, verify, refuse."""
