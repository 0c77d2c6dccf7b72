"""Characters proposed where nobody outlined any: clusters of the peaks of maps, for an expert to name."""
