"""Weights: where model files come from and whether they are whole."""
