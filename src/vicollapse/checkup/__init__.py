"""The self-check of a machine: what it has, how fast it is, and what would go wrong in a study there."""
