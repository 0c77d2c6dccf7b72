"""From a run to a model folder that others can identify with."""
