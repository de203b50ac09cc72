"""Speaking: text to sound, mouth shapes and word times."""
