"""Files that appear whole or not at all, folders that belong to one task, images that must be the very same."""
