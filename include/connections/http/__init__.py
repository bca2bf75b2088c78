"""HTTP over one pool of kept-alive connections: bounded, and silent about values."""
