"""Dialogue: who speaks when, between one resident and one turn after the other."""
