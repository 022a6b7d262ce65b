# SPDX-License-Identifier: GPL-3.0-or-later
# How to start, test and check this project. `make help` lists what there is.

SHELL := /bin/bash
.DEFAULT_GOAL := help
.NOTPARALLEL:

# A worker runs whole modules, so that it starts their domain controller once; the slow folders, which come first by
# name, are begun first. For one test under a debugger: .venv/bin/pytest --pdb tests/unit/test_walls.py
PYTEST_WORKERS ?= 2
PYTEST_DISTRIBUTION := --numprocesses $(PYTEST_WORKERS) --dist loadscope --no-loadscope-reorder
PYTEST_FLAGS ?=
# All tests together are also asked how much of the collection they reach; a few of them need not be.
PYTEST_COVERAGE := --cov=ansible_collections.pbxops.yeastar.plugins --cov-branch --cov-report=term

SEEDS ?= 10000
FIRST ?= 0
WORKERS ?= 2

# Modules of _sync, as a shell's patterns; all of them if there is none.
MODULES ?=

# Those of python -m bench.
BENCH_FLAGS ?=

# Those of ansible-playbook.
RELEASE_FLAGS ?=

export LC_ALL := C.UTF-8
export PATH := $(CURDIR)/.venv/bin:$(PATH)
# A copy of the collection below the user's ~/.ansible would be looked at before this one.
export ANSIBLE_COLLECTIONS_PATH := $(CURDIR)/.venv/collections
export ANSIBLE_HOME := $(CURDIR)/.venv/ansible

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-16s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

.PHONY: setup
setup: ## Install what is missing: Debian packages (as root), .venv and all in it; at once when nothing is
	@scripts/setup

.PHONY: demo
demo: setup ## See it work: a domain controller, a PBX, a synchronization and what changes do to it
	@python -m lab.demo

.PHONY: test
test: setup ## Set up, then run all tests: unit, property, integration, playbook
	@python -m pytest $(PYTEST_DISTRIBUTION) $(if $(PYTEST_FLAGS),$(PYTEST_FLAGS),$(PYTEST_COVERAGE))

.PHONY: lint
lint: setup ## Check style, types, shell, YAML, playbooks, documentation and changelog
	@scripts/lint

.PHONY: sanity
sanity: setup ## Run ansible-test sanity on a copy of the working tree
	@scripts/sanity

.PHONY: ansible-test
ansible-test: setup ## Run ansible-test units, and ansible-test integration against a lab, on copies of the working tree
	@scripts/units
	@scripts/integration

.PHONY: soak
soak: setup ## Live SEEDS lives of a simulated site, from seed FIRST on, in WORKERS processes
	@python -m tests.simulator --seeds $(SEEDS) --first $(FIRST) --workers $(WORKERS)

.PHONY: mutants
mutants: setup ## Change _sync (or MODULES of it) in thousands of small ways; tell what no unit test notices
	@set -f; python scripts/mutants.py $(MODULES)

.PHONY: bench
bench: setup ## Measure each figure beside its limit; BENCH_FLAGS=--help tells how to measure single ones
	@python -m bench $(BENCH_FLAGS)

.PHONY: requirements
requirements: setup ## Write requirements/dev.txt and the sign-on gateway's requirements.txt anew
	pip-compile --quiet --upgrade --strip-extras --no-header --no-annotate --no-emit-options --no-emit-index-url \
		--no-emit-find-links --output-file requirements/dev.txt requirements/dev.in
	pip-compile --quiet --upgrade --strip-extras --generate-hashes --no-header --no-annotate --no-emit-options \
		--no-emit-index-url --no-emit-find-links --constraint requirements/dev.txt \
		--output-file roles/pbx_ad_sso_gateway/files/requirements.txt roles/pbx_ad_sso_gateway/files/requirements.in

.PHONY: role-arguments
role-arguments: setup ## Write the role's documentation of its variables anew from that of the modules
	@python scripts/role_arguments.py

.PHONY: docs
docs: setup ## Build the documentation as a site below build/docs, with pictures of what the demo shows
	@python scripts/docs.py

.PHONY: architecture
architecture: setup ## Draw docs/pictures/architecture.svg anew from the imports of the source
	@python scripts/architecture.py

.PHONY: release
release: setup ## Make the changelog and the archive of a release; with RELEASE_FLAGS=--check only see whether it can be
	@ansible-playbook release/release.yml $(RELEASE_FLAGS)

.PHONY: clean
clean: ## Remove all that the other commands made here, .venv too
	rm -rf .venv .ansible .hypothesis .lab .mypy_cache .pytest_cache .ruff_cache build tests/output
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
