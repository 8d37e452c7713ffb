"""Reacting: whether a reaction may run, its intent on disk, its run, its outcome."""
