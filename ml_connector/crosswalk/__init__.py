"""Mapping tables: what a value of the source is in the target."""
