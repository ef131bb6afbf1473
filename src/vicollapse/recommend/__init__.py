"""Which annealing schedule is the cheapest that keeps the probability of collapse below a target."""
