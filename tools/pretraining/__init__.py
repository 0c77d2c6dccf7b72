"""Pre-training of the built-in backbone on pictures drawn from formulas."""
