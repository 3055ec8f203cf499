# `make help` says what there is. Whatever needs Python first sets up .venv, when it is missing or the lock has changed.

SCALE ?= demo
LAUNCHER ?= local
DATASETS ?=
METHOD ?= meta_t
RUN ?=
TASK ?= digits
ARGS ?=
# CPU=1 sets up .venv without CUDA (requirements-cpu.lock), 3 GB less on Linux; it stays so until .venv is deleted.
CPU ?=
LOCK := requirements$(if $(CPU),-cpu).lock
# PYTHON makes .venv. PY runs everything: set it, or activate the conda environment, and no .venv is made.
PYTHON ?= python3
ifeq ($(CONDA_DEFAULT_ENV),ssl-threshold-bench)
PY ?= python
endif
ifeq ($(origin PY),undefined)
PY := .venv/bin/python
SETUP := .venv/.lock-stamp
endif

# What sweeps/ declares: tables, all of sweeps/own among them, and everything else is a figure; one more needs no runs.
# Tables trained anew for each time are asked for by name: they share hardly a run with the others.
declared = $(filter-out %_anew,$(foreach paper,meta_t meta_semi own,$(patsubst sweeps/%.py,%,$(sort $(wildcard sweeps/$(paper)/[!_]*.py)))))
TABLES := $(foreach name,$(declared),$(if $(findstring /table,$(name)),$(name),$(filter own/%,$(name))))
FIGURES := $(filter-out $(TABLES),$(declared)) meta_t/surrogate

.DEFAULT_GOAL := help
MAKEFLAGS += --no-builtin-rules --no-print-directory
.SUFFIXES:
.NOTPARALLEL:
.PHONY: help FORCE tables figures report confusion audit smoke data text views test test-slurm test-slurm-long \
  test-faults lint format bench bench-scaling bench-together bench-gpu bench-text bench-methods bench-figure bench-reports \
  real freeze profile lock clean
# A pattern cannot be phony: `table%: FORCE` is. `tables` must be, lest it count as Table s.

##@ Tables and figures (SCALE=demo by default, smoke, short or paper)

#: table1 ... table5              Meta-T's Table N: at demo and smoke scale run what is missing, then print it
table%: $(SETUP) FORCE
	@$(call table,meta_t/table$*)

#: semi-table1 ... semi-table5    the same for Meta-Semi; table5_anew, semi-table4_anew: trained anew for each time
semi-table%: $(SETUP) FORCE
	@$(call table,meta_semi/table$*)

#: own-NAME                       the same for your own sweeps/own/NAME.py (docs/own-sweeps.md)
own-%: $(SETUP) FORCE
	@$(call table,own/$(subst -,_,$*))

#: tables                         every table of both papers and of your own, going on when one fails
tables: $(SETUP)
	@$(call table,$(TABLES))

#: fig-NAME                       draw a figure of the Meta-T paper, its missing runs first as for a table
fig-%: $(SETUP) FORCE
	@$(call figure,meta_t/$(subst -,_,$*))

#: semi-fig-NAME                  the same for Meta-Semi
semi-fig-%: $(SETUP) FORCE
	@$(call figure,meta_semi/$(subst -,_,$*))

#: finding-NAME                   what the papers leave open (docs/findings.md), its missing runs first: finding-learning
finding-%: $(SETUP) FORCE
	@$(call figure,findings/$(subst -,_,$*))

#: figures                        every figure of both papers, going on when one fails
figures: $(SETUP)
	@$(call figure,$(FIGURES))

#: report                         one page with all tables and figures
report: $(SETUP)
	@$(PY) -m reports.page scale=$(SCALE) $(ARGS)

#: confusion                      which classes of the test set a run takes for which: make confusion RUN=8d28457d9686
confusion: $(SETUP)
	@$(PY) -m reports.confusion $(RUN)

#: audit                          check the published numbers and what the run store holds
audit: $(SETUP)
	@$(PY) -m reports.audit $(ARGS)

##@ Runs (LAUNCHER=local by default, slurm or debug)

#: sweep-table1 ...               launch the missing runs of Meta-T's Table N, at SCALE=paper unless you say otherwise
sweep-table%: $(SETUP) FORCE
	@$(call sweep,meta_t/table$*)

#: sweep-semi-table1 ...          the same for Meta-Semi
sweep-semi-table%: $(SETUP) FORCE
	@$(call sweep,meta_semi/table$*)

#: sweep-fig-NAME                 the same for a figure of Meta-T
sweep-fig-%: $(SETUP) FORCE
	@$(call sweep,meta_t/$(subst -,_,$*))

#: sweep-semi-fig-NAME            the same for a figure of Meta-Semi
sweep-semi-fig-%: $(SETUP) FORCE
	@$(call sweep,meta_semi/$(subst -,_,$*))

#: sweep-finding-NAME             the same for a question that the papers leave open
sweep-finding-%: $(SETUP) FORCE
	@$(call sweep,findings/$(subst -,_,$*))

#: sweep-own-NAME                 the same for your own sweeps/own/NAME.py
sweep-own-%: $(SETUP) FORCE
	@$(call sweep,own/$(subst -,_,$*))

#: status-table1 ...              how far Table N's runs are, what is left, and why some failed
status-table%: $(SETUP) FORCE
	@$(call status,meta_t/table$*)

#: status-semi-table1 ...         the same for Meta-Semi
status-semi-table%: $(SETUP) FORCE
	@$(call status,meta_semi/table$*)

#: status-own-NAME                the same for your own sweeps/own/NAME.py
status-own-%: $(SETUP) FORCE
	@$(call status,own/$(subst -,_,$*))

#: cancel-table1 ...              take Table N's runs out of SLURM's queue
cancel-table%: $(SETUP) FORCE
	@$(call cancel,meta_t/table$*)

#: cancel-semi-table1 ...         the same for Meta-Semi
cancel-semi-table%: $(SETUP) FORCE
	@$(call cancel,meta_semi/table$*)

#: cancel-own-NAME                the same for your own sweeps/own/NAME.py
cancel-own-%: $(SETUP) FORCE
	@$(call cancel,own/$(subst -,_,$*))

#: smoke                          Table 1 at SCALE=smoke in a temporary run folder: does everything work together?
smoke: $(SETUP)
	@runs=$$(mktemp -d) && trap 'rm -rf "$$runs"' EXIT INT TERM && \
	SSL_RUNS=$$runs $(MAKE) table1 SCALE=smoke

#: data                           download data sets: make data DATASETS="cifar10 svhn imdb"
data: $(SETUP)
	@$(PY) -m benchmarks.data.download $(DATASETS)

#: views                          a picture of a task's weak and strong views: make views TASK=digits
views: $(SETUP)
	@$(PY) -m benchmarks.views task=$(TASK) $(ARGS)

#: text                           install what texts need besides: transformers, a small pre-trained encoder
text: $(SETUP)
	@$(PY) -m uv pip install --quiet --python $(PY) --no-deps -r requirements-text.txt || \
	  $(PY) -m pip --disable-pip-version-check install --quiet --no-deps -r requirements-text.txt

##@ Development (ARGS=... is handed on to the command)

#: test                           the tests, one process a core
test: $(SETUP)
	OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 $(PY) -m pytest -n logical --maxprocesses 8 --dist worksteal $(ARGS)

#: test-slurm                     sweeps on a real SLURM, started for the purpose (as root; .ci/run names the packages)
test-slurm: $(SETUP)
	OMP_NUM_THREADS=1 $(PY) -m pytest -m slurm tests/slurm $(ARGS)

#: test-slurm-long                30 runs under 20 preemptions and 10 time-outs (a quarter of an hour)
test-slurm-long: $(SETUP)
	@$(PY) -m tests.slurm.long

#: test-faults                    runs of all methods, killed at random moments, must end in the same bits
test-faults: $(SETUP)
	@$(PY) -m tests.faults $(ARGS)

#: lint                           ruff and mypy
lint: $(SETUP)
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy

#: format                         let ruff repair what it can
format: $(SETUP)
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .

#: bench                          time a training step of each kind, and write reports/out/bench.json
bench: $(SETUP)
	@$(PY) -m benchmarks.speed $(ARGS)

#: bench-scaling                  how a step's time and memory grow with batch, width and classes
bench-scaling: $(SETUP)
	@$(PY) -m benchmarks.speed.scaling $(ARGS)

#: bench-together                 steps a second of 1, 2, 4 and 8 runs that share this machine
bench-together: $(SETUP)
	@$(PY) -m benchmarks.speed.together $(ARGS)

#: bench-gpu                      everything that is said of a GPU, in ten minutes
bench-gpu: $(SETUP)
	@$(PY) -m benchmarks.speed.gpu $(ARGS)

#: bench-methods                  what a step of every method costs over FixMatch's
bench-methods: $(SETUP)
	@$(PY) -m benchmarks.speed.methods $(ARGS)

#: bench-text                     what texts cost: padding, tokens a second, Meta-T over FixMatch
bench-text: $(SETUP)
	@$(PY) -m benchmarks.speed.texts $(ARGS)

#: real                           FixMatch and Meta-T on CIFAR-10 for ten minutes each, kept in reports/measured
real: $(SETUP)
	@$(PY) -m benchmarks.speed.real $(ARGS) && $(PY) -m reports.freeze $$(cat $${SSL_REPORTS:-reports/out}/real.txt)

#: freeze                         keep finished runs' small files in reports/measured: make freeze RUNS="8d28457d9686"
freeze: $(SETUP)
	@$(PY) -m reports.freeze $(RUNS)

#: bench-figure                   draw what bench and bench-scaling have written
bench-figure: $(SETUP)
	@$(PY) -m reports.speed

#: profile                        where the time of a step goes: make profile METHOD=meta_t
profile: $(SETUP)
	@$(PY) -m benchmarks.speed.phases method=$(METHOD) $(ARGS)

#: bench-reports                  time the collection of 5,000 finished runs (ARGS=N: of N)
bench-reports: $(SETUP)
	@$(PY) -m tests.speed $(ARGS)

#: lock                           resolve requirements.in into both requirements locks and environment.yml
lock: $(SETUP)
	$(PY) -m uv pip compile --quiet --universal --python-version 3.11 --no-annotate --no-header $(ARGS) \
	  --output-file requirements.lock requirements.in
	@{ echo "# Everything, exactly; for Python 3.11 and later. Made from requirements.in by 'make lock' (ARGS=--upgrade"; \
	  echo "# for newer versions). Nothing here names an index: pip's and uv's own settings say where packages come from."; \
	  cat requirements.lock; } > requirements.lock.new && mv requirements.lock.new requirements.lock
	@{ echo "# requirements.lock without CUDA, for machines without a GPU (CPU=1). Made by 'make lock'."; \
	  grep -vE '^(#|nvidia-|cuda-|triton==)' requirements.lock; } > requirements-cpu.lock
	@awk -F '==' 'NR == FNR { split($$2, version, " "); pin[$$1] = version[1]; next } \
	  { name = $$1; sub(/^ *- /, "", name); if (NF == 2 && name in pin) $$0 = $$1 "==" pin[name]; print }' \
	  requirements.lock environment.yml > environment.yml.new && mv environment.yml.new environment.yml

#: clean                          remove caches and rendered reports; runs, data and .venv stay
clean:
	rm -rf reports/out .pytest_cache .ruff_cache .mypy_cache
	find benchmarks methods reports sweeps tests -name __pycache__ -prune -exec rm -rf {} +

help:
	@awk '/^##@ /{ print "\n" substr($$0, 5) } /^#: /{ print "  " substr($$0, 4) }' Makefile
	@echo

# A failed launch still has its table or figure shown, and then fails. Several are launched in turn and shown together.
table = $(call show,table,$(1))
figure = $(call show,figure,$(1))
show = status=0; \
  $(if $(filter demo smoke,$(SCALE)),$(foreach name,$(2),$(if $(wildcard sweeps/$(name).py), \
    $(PY) -m sweeps.launch $(name) scale=$(SCALE) $(ARGS) || status=$$?;))) \
  $(PY) -m reports.$(1) $(2) scale=$(SCALE) $(if $(filter demo smoke,$(SCALE)),,$(ARGS)) || status=$$?; \
  exit $$status

grid = $(1) scale=$(if $(filter file,$(origin SCALE)),paper,$(SCALE))
sweep = $(PY) -m sweeps.launch $(call grid,$(1)) launcher=$(LAUNCHER) $(ARGS)
status = $(PY) -m sweeps.status $(call grid,$(1)) $(ARGS)
cancel = $(PY) -m sweeps.cancel $(call grid,$(1)) $(ARGS)

# uv is many times faster than pip, but knows nothing of pip's settings: where it fails, pip has a try.
.venv/.lock-stamp: $(LOCK)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { echo >&2 \
	  "setup: '$(PYTHON)' is not Python 3.11 or later: install one, then e.g. 'make PYTHON=python3.12 $(MAKECMDGOALS)'"; exit 1; }
	@.venv/bin/python -c 'import pip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	  || $(PYTHON) -m venv --clear .venv >/dev/null || { rm -rf .venv; echo >&2 \
	  "setup: '$(PYTHON)' cannot make .venv (on Debian and Ubuntu: apt install python3-venv)"; exit 1; }
	@echo "setup: installing $(LOCK) into .venv$(if $(CPU),, (about 3 GB to download when nothing is cached; CPU=1: without CUDA))"
	@log=.venv/setup.log; in=".venv/bin/python -m"; pip="$$in pip --disable-pip-version-check install"; \
	{ $$pip --retries 1 $$(grep '^uv==' $(LOCK)) >$$log 2>&1 && \
	  { $$in uv pip install --compile-bytecode $$([ -t 2 ] || echo --quiet) --python .venv/bin/python $(if $(CPU),--torch-backend cpu) -r $(LOCK) || \
	    { echo "setup: trying again with pip, which takes longer$(if $(CPU), and may bring CUDA)"; false; }; }; } || \
	$$pip -r $(LOCK) >>$$log 2>&1 || { echo >&2 \
	  "setup: no package index in reach? Check the network or pip's index settings and try again (details: $$log)"; exit 1; }
	@touch $@
