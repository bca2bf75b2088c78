"""What the demo, the tests and the benchmarks need around them: generated data and loopback services."""
