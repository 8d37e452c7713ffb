"""Configuration and sensor library: YAML with file and line, every problem at once."""
