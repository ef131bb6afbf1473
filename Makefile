# Two commands are all that a newcomer needs: `make run` and `make test`. Each sets up .venv first, from hash-pinned locks.
PYTHON ?= python3
CONFIG ?= config/config.yaml
CORES ?= all
ARGS ?=
export PYTHON UV

BIN := $(CURDIR)/.venv/bin
SNAKEMAKE = "$(BIN)/snakemake" --cores $(CORES) --configfile "$(CONFIG)"
LOCK = "$(BIN)/uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
       --custom-compile-command "make lock"

.PHONY: help run figures report test generated lock setup setup-slurm setup-dev clean
.DEFAULT_GOAL := help

help: ## show this list
	@echo "make [CONFIG=config/config.yaml] [CORES=all] [PYTHON=python3] [ARGS='further arguments of snakemake'] <target>"
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-10s %s\n", $$1, $$2 }' Makefile

run: setup ## set up, then simulate, aggregate and draw all that CONFIG asks for (what is there already is kept)
	"$(BIN)/vicollapse" plan --config "$(CONFIG)"
	$(SNAKEMAKE) $(ARGS)

figures: setup ## redraw every figure of CONFIG from the stored phase diagrams alone
	"$(BIN)/vicollapse" figure --config "$(CONFIG)" --all

report: setup ## write report.html: every figure with its caption, and how long each step took
	$(SNAKEMAKE) --report report.html $(ARGS)

test: setup-dev ## set up, then run all checks: ruff, mypy, snakefmt, pytest
	"$(BIN)/ruff" check .
	"$(BIN)/ruff" format --check .
	"$(BIN)/mypy"
	"$(BIN)/snakefmt" --check Snakefile workflow
	"$(BIN)/python" -m pytest -n 2

generated: setup-dev ## rewrite the files that are generated (schema, table of config keys, values of `vicollapse check`)
	"$(BIN)/python" -m pytest -q tests/test_generated.py tests/checkup/test_check_science.py --fix

lock: setup-dev ## choose the newest versions that pyproject.toml allows and pin them with their hashes in locks/
	$(LOCK) --upgrade pyproject.toml --extra mpi -o locks/run.txt
	$(LOCK) --upgrade locks/build.in --constraint locks/run.txt -o locks/build.txt
	echo uv | $(LOCK) --upgrade - -o locks/uv.txt
	$(LOCK) --upgrade pyproject.toml --extra mpi --extra slurm --constraint locks/run.txt -o locks/slurm.txt
	$(LOCK) --upgrade pyproject.toml --extra mpi --extra slurm --extra dev --constraint locks/slurm.txt -o locks/dev.txt

setup: ## make or update .venv for runs
	@sh envs/install.sh run

setup-slurm: ## make or update .venv for runs on a SLURM cluster (docs/hpc.md)
	@sh envs/install.sh slurm

setup-dev: ## make or update .venv for runs and checks
	@sh envs/install.sh dev

clean: ## remove caches, logs and figures; results and .venv stay
	rm -rf figures logs report.html build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find src tests -name __pycache__ -type d -prune -exec rm -rf {} +
