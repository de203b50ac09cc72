"""Jiamenkou: a digital human for community services."""
