"""Messages <-> events, one file for each protocol, and nothing else."""
