"""Benchmarks: ratios within one run, whole processes, alternating. `make bench`."""
