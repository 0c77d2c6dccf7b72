"""What several test files use: data and networks made by hand, the command line in this process."""
