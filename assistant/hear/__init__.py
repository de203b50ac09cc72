"""Hearing: sound to text, and when a turn ends."""
