"""Each source to an in-memory StableHLO module whose arguments and results are marked."""
