"""What is kept on disk to spare work: whole, unchanged, and no more than allowed."""
