# make demo    vocals, drums and bass out of the demo mix, or out of yours: make demo MIX=song.wav PROMPT="bass"
# make check   lint, types and the quick tests, a few minutes
# make test    lint, types and every test; make test WORKERS=4 on a machine with more than two cores
# make golden  record anew what the program answers, where a change of it is meant: make golden PARTS="help osc"
# make bench   speed and memory beside another separator
# make quality how well bundles separate, beside baselines: make quality BUNDLE=small
# make app     the window as a folder that runs without Python, in dist/fluxstem, and a trial of it
# make shots   pictures of the window into resources/docs/img
# make laion-clap, make open-clip   an environment with that package, for python -m export encoders --clap-model NAME
# make setup   everything a developer needs, in .venv; the targets above do what they need themselves
# make format  lay out the code
# make clean   remove what make made

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
PY := .venv/bin/python
SETUP_FILES := Makefile pyproject.toml constraints.txt .ci/setup
export MIX PROMPT
TEST_EXTRAS := cpu,cluster,tags,notes,desktop,osc,plugins,mcp,training,export,demo,bench,clap,dev
DEMO_EXTRAS := cpu,demo
APP_EXTRAS := cpu,desktop,osc,app

help:
	@sed -n '/^#/!q; s/^# //p' Makefile

.PHONY: help setup check test lint types golden demo bench quality app laion-clap open-clip shots format clean

.venv/.ready-test: $(SETUP_FILES)
	@bash .ci/setup $(TEST_EXTRAS)
	@touch .venv/.ready-demo .venv/.ready-test

.venv/.ready-demo: $(SETUP_FILES)
	@bash .ci/setup $(DEMO_EXTRAS)
	@touch .venv/.ready-demo

setup: .venv/.ready-test

# Most tests keep one core busy, so there is a worker for each; the tests of one file share what they set up. The order
# of the files is tests/conftest.py's.
WORKERS ?= 2
PYTEST = OMP_NUM_THREADS=1 $(PY) -m pytest --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder

lint: .venv/.ready-test
	$(PY) -m ruff check .
	$(PY) -m ruff format --check --quiet .

types: .venv/.ready-test
	$(PY) -m mypy

check: lint
	@$(PY) -m mypy & types=$$!; tested=0; $(PYTEST) -m "not slow" || tested=$$?; wait $$types; exit $$tested

# The run that many tests begin with is trained while mypy keeps the other core busy.
test: lint .packages/.ready
	@$(PY) tests/tinycache.py & trained=$$!; $(PY) -m mypy && wait $$trained
	$(PYTEST)

golden: .venv/.ready-test
	@$(PY) tests/golden/record.py $(PARTS)

demo: .venv/.ready-demo
	@$(PY) -m engine.cli.demo $${MIX:+--mix "$$MIX"} $${PROMPT:+--prompt "$$PROMPT"} --out demo-out

quality: .venv/.ready-test
	@$(PY) -m training bench $${BUNDLE:-small} $(BENCH_ARGS)

bench: .venv/.ready-test .bench-venv/.ready
	@$(PY) tests/benchmarks/run.py --peer-python .bench-venv/bin/python $(BENCH_ARGS)

# HTDemucs needs only these to be built and run; its file reading and training extras stay away.
.bench-venv/.ready: constraints.txt tests/benchmarks/requirements.txt | .venv/.ready-test
	@$(PY) -m venv .bench-venv
	@.bench-venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps 'demucs>=4.1,<4.2'
	@.bench-venv/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -r tests/benchmarks/requirements.txt
	@touch $@

# An environment of its own: a program frozen with pedalboard inside would be GPL.
.app-venv/.ready: $(SETUP_FILES)
	@python3 -m venv .app-venv
	@.app-venv/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt --editable '.[$(APP_EXTRAS)]'
	@touch $@

app: .app-venv/.ready
	@.app-venv/bin/python -m PyInstaller --noconfirm --log-level WARN --distpath dist --workpath build desktop/fluxstem.spec
	@FLUXSTEM_SMOKE=1 FLUXSTEM_DESKTOP_DATA=build/trial QT_QPA_PLATFORM=offscreen dist/fluxstem/fluxstem desktop

# laion-clap wants NumPy 1, and both a torchvision that fits their torch: .venv's, which reads what they made.
.laion-clap-venv/.ready .open-clip-venv/.ready: .%-venv/.ready: pyproject.toml constraints.txt | .venv/.ready-test
	@$(PY) -m venv .$*-venv
	@.$*-venv/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt --editable '.[$*]'
	@touch $@

laion-clap open-clip: %: .%-venv/.ready

# Code of packages that tests compare with; where it cannot be fetched those tests are skipped.
.packages/.ready: tests/packages.txt | .venv/.ready-test
	@if $(PY) -m pip install --quiet --disable-pip-version-check --no-deps --upgrade --target .packages -r $<; \
	  then touch $@; else echo "setup: no code of laion-clap, open-clip, demucs and openunmix; tests that compare with it will be skipped"; fi

shots: .venv/.ready-test
	@$(PY) tests/desktop/shots.py

format:
	$(PY) -m ruff check --fix --select I .
	$(PY) -m ruff format .

clean:
	rm -rf .venv .bench-venv .app-venv .laion-clap-venv .open-clip-venv .packages demo-out bench-out build dist *.egg-info
