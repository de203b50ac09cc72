"""The full-screen page for touch screens."""
