"""The commands of the command line: `add_arguments` says what each takes, `run` does it; heavy imports are in `run`."""
