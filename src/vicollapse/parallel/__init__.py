"""Many processes and devices at once: ranks that share work through MPI, the cores and GPUs that each of them takes."""
