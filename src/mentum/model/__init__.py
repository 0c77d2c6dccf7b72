"""The released model folder: what it holds, whether it is whole, and its networks at work without torch."""
