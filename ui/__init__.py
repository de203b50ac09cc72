"""Faces: the pages that residents and staff see."""
