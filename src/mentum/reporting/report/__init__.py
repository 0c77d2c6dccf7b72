"""The report: one HTML file, a section per module."""
