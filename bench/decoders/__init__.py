"""One decoder, the same weights, in every way of running it that the benchmark compares."""
