# `make demo` and `make test` set themselves up on a bare machine with python3 (3.11 to 3.13) and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
TOOLS := .tools
LOCK := uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header --python-version 3.11

.PHONY: demo test bench check format docs screenshots lock policy audit sbom image clean

demo: $(INSTALLED)  ## the main job, start to end, with a cartoon that it draws itself
	$(BIN)/screen-time demo

# A worker that dies ends the run: xdist would wait for its tests for ever (with loadfile, once they are lost).
# Files keep their order, in which the slow ones come first; xdist would begin with those of the most tests, mostly quick.
test: $(INSTALLED)  ## every test, the slow ones too
	$(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder --max-worker-restart 0

check: $(INSTALLED)  ## lint, format, types, the state machine's definition
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/statelint statemachine/long-video.asl.json

bench: $(INSTALLED)  ## the classic pipeline, plain Keras and ours side by side; BENCH="--long" and more: BENCH=--help
	$(BIN)/python -m benchmarks $(BENCH)

format: $(INSTALLED)
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

docs: $(INSTALLED)  ## the documentation site, in build/site
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict

screenshots: $(INSTALLED)  ## needs Debian's chromium; makes the documentation's pictures anew from the running parts
	$(BIN)/python -m documentation.screenshots

lock:  ## needs uv; writes requirements/ anew from pyproject.toml
	for group in function runtime local development; do $(LOCK) --group $$group -o requirements/$$group.txt || exit 1; done
	for tool in policy audit; do $(LOCK) requirements/$$tool.in -o requirements/$$tool.txt || exit 1; done

policy: $(TOOLS)/.policy  ## checkov on both templates and images; .checkov.yaml explains each exception
	$(TOOLS)/policy/bin/checkov --config-file .checkov.yaml

audit: $(TOOLS)/.audit  ## known vulnerabilities of everything that is locked; asks PyPI, and fails for what it cannot ask
	for group in function local development; do \
		$(TOOLS)/audit/bin/pip-audit --strict --require-hashes --disable-pip -r requirements/$$group.txt || exit 1; done

sbom: $(TOOLS)/.audit  ## build/sbom.json: what the function's image holds, in CycloneDX
	mkdir -p build
	$(TOOLS)/audit/bin/cyclonedx-py requirements requirements/function.txt --pyproject pyproject.toml \
		--mc-type application --output-reproducible --of JSON -o build/sbom.json

image:  ## needs Docker
	docker build --platform linux/amd64 --provenance=false -f functions/screen_time/Dockerfile -t screen-time .

clean:
	rm -rf $(VENV) $(TOOLS) .function-environment .demo .mypy_cache .ruff_cache .pytest_cache

$(INSTALLED): requirements/development.txt requirements/function.txt requirements/runtime.txt pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements/development.txt
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	touch $(INSTALLED)

# Tools that pin what the project pins otherwise: each in an environment of its own.
$(TOOLS)/.%: requirements/%.txt
	$(PYTHON) -m venv $(TOOLS)/$*
	$(TOOLS)/$*/bin/python -m pip install --quiet --require-hashes -r requirements/$*.txt
	touch $@
