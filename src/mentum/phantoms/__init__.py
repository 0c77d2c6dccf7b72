"""Drawn micrographs of chironomid taxa, with known answers, for tests, demonstrations and training from nothing."""
