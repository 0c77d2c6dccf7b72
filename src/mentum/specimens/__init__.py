"""What do I have? Specimen tables, images, their faults, splits, the pixel cache, drawn specimens."""
