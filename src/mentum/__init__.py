"""Mentum: from labelled photographs of specimens to an identifier that a taxonomist can trust."""

__version__ = "0.1.0"
