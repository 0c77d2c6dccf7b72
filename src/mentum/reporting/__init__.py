"""Tell people: figures, report, methods text, model card."""
