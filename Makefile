# What a newcomer types. Everything lives in $(VENV) and build/.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
CORE := $(shell find CMakeLists.txt lib include python/Bindings.cpp python/CMakeLists.txt tools -type f)

.DEFAULT_GOAL := help
.PHONY: help setup demo test lit pytest wheel lint format corpus exporters fuzz mutants bench soak clean

# How many programs, modules and packages `make fuzz` tries, from which seed on.
FUZZ_PROGRAMS ?= 100000
FUZZ_MODULES ?= 50000
FUZZ_PACKAGES ?= 50000
FUZZ_FIRST ?= 0
# Options of `make bench`, such as --quick.
BENCH ?=

# They are about what the compilers make now.
corpus exporters fuzz mutants: export KVLIFT_CACHE_LIMIT = 0

help: ## List the targets.
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 10

setup: $(VENV)/.tools ## Make the virtual environment, build the core, add the developers' tools.

# torch comes first and alone: a range would bring gigabytes of CUDA packages.
$(VENV)/.dependencies: constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade pip
	$(BIN)/pip install --quiet --constraint constraints.txt torch
	touch $@

$(VENV)/.ready: $(VENV)/.dependencies pyproject.toml $(CORE)
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[all]'
	touch $@

$(VENV)/.tools: $(VENV)/.ready
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[all,dev]'
	touch $@

demo: $(VENV)/.ready ## Export a small Llama, lift it, generate on PJRT and IREE.
	$(BIN)/kvlift demo

test: lit pytest ## Run all tests.

lit: setup
	$(BIN)/lit --verbose test

pytest: setup
	$(BIN)/pytest --numprocesses 2

# Far from the checkout, so that nothing of it can be found by chance. The second demo finds all in the cache.
wheel: ## Build the wheel, install it into a fresh environment, run doctor and demo there.
	rm -rf build/wheel
	$(PYTHON) -m venv build/wheel/venv
	build/wheel/venv/bin/pip wheel --quiet --no-deps --wheel-dir build/wheel \
	  --config-settings=build-dir=build/wheel/core .
	build/wheel/venv/bin/pip install --quiet --constraint constraints.txt torch
	build/wheel/venv/bin/pip install --quiet --constraint constraints.txt "$$(ls build/wheel/kvlift-*.whl)[all]"
	cd / && unset PYTHONPATH KVLIFT_MLIR_LIBRARY KVLIFT_CACHE_LIMIT \
	  && export KVLIFT_CACHE_DIR=$(CURDIR)/build/wheel/cache PATH=$(CURDIR)/build/wheel/venv/bin:/usr/bin:/bin \
	  && kvlift doctor && kvlift demo \
	  && kvlift demo --steps 8 | grep 'compiled nothing: all 8 executables came from the cache'

lint: setup ## Check format, style and types.
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/clang-format --dry-run --Werror $$(git ls-files '*.cpp' '*.h')
	$(BIN)/python test/check_lint.py

format: setup ## Put all files into the project's format.
	$(BIN)/ruff format
	$(BIN)/ruff check --fix
	$(BIN)/clang-format -i $$(git ls-files '*.cpp' '*.h')

corpus: setup ## Run all programs of the corpus and rewrite docs/agreement.md.
	$(BIN)/python test/corpus/run.py --table docs/agreement.md

exporters: setup ## Run all exporters' programs and rewrite docs/exporters.md.
	$(BIN)/python test/exporters/run_exporters.py --table docs/exporters.md

fuzz: setup ## Compare random programs with the interpreter, and feed odd modules; see docs/fuzz.md.
	$(BIN)/python test/fuzz/equivalence.py --count $(FUZZ_PROGRAMS) --first $(FUZZ_FIRST) --save build/fuzz
	$(BIN)/python test/fuzz/adversarial.py --count $(FUZZ_MODULES) --first $(FUZZ_FIRST) --save build/fuzz \
	  --tool $(BIN)/kvlift-opt
	$(BIN)/python test/fuzz/packages.py --count $(FUZZ_PACKAGES) --first $(FUZZ_FIRST)

mutants: setup ## Break the passes line by line and see whether the tests notice.
	$(BIN)/python test/fuzz/mutants.py --folder build/mutants

$(VENV)/.bench: $(VENV)/.tools
	$(BIN)/pip install --quiet --constraint constraints.txt --editable '.[all,dev,bench]'
	touch $@

bench: $(VENV)/.bench ## Measure everything, an hour; BENCH=--quick takes minutes. See docs/benchmarks.md.
	$(BIN)/python bench/decoder.py $(BENCH)
	$(BIN)/python bench/op_times.py $(BENCH)
	$(BIN)/python bench/peak_memory.py $(BENCH)
	$(BIN)/python bench/session_cost.py $(BENCH)
	$(BIN)/python bench/lift_time.py $(BENCH)
	$(BIN)/python bench/step_cost.py $(BENCH)
	$(BIN)/python bench/report.py

soak: setup ## Make ten thousand decode steps and compare each with eager.
	$(BIN)/python bench/soak.py

clean: ## Remove everything that was built.
	rm -rf $(VENV) build
