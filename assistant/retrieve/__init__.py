"""Retrieve: find the evidence and decide whether it is enough."""
