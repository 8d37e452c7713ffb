"""From a range to servers: sweep, log in, identify, tell machines apart, verify sensors."""
