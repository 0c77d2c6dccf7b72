"""What could a model cheat by, what leaks between subsets, which labels look wrong?"""
