"""Frozen values that pass between stages. Standard library only; no I/O, no clock."""
