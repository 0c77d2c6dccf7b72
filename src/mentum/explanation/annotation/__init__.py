"""Characters that people outlined: COCO files, their faults, and masks in the network's square."""
