"""Understand: what a resident asks, and whether it is urgent."""
