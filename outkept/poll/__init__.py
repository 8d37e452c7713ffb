"""Reading sensors: what falls due when, what came back, and the connection it came on."""
