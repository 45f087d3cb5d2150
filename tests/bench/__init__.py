"""The benchmark: ratios measured in one run, against what else one would use. `make bench`."""
