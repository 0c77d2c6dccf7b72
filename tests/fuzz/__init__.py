"""Hostile inputs, made by generators from a seed: what commands do with them, and whether a person is helped by it."""
