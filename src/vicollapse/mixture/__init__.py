"""The physics of Gaussian mixtures: integrals, targets, initial laws, the flow's equations, fates and theory."""
