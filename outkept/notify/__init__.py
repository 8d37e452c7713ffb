"""Telling people: which incidents, to whom, in which words, and how a notice gets there."""
