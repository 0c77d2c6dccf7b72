"""How good is it, honestly? Accuracies with intervals over specimens, confusions, every wrong identification."""
