# Everything is installed inside this folder: Python tools in .venv, Rust tools in target/tools.
# A stamp file stands for each installation, so that a second run starts at once.

PYTHON ?= python3
CARGO ?= cargo
# For `make rehearsal`: how long the window lasts, and whether to leave all up afterwards.
WINDOW ?= 90s
KEEP ?=
export WINDOW KEEP

CARGO_DENY_VERSION := 0.20.2
UV_VERSION := 0.13.9

# Two environments, because sam-cli and ministack pin different versions of the same package.
LOCAL := .venv/local
LINT := .venv/lint
CARGO_DENY := target/tools/bin/cargo-deny
# What the tests in Rust start for themselves.
export MOTO_SERVER := $(CURDIR)/$(LOCAL)/bin/moto_server

.DEFAULT_GOAL := help
.PHONY: help rehearsal test night lint deny bench requirements clean

help: ## Show this list
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | while IFS="$$(printf '\t')" read -r name text; do \
		printf '  make %-13s %s\n' "$$name" "$$text"; done

rehearsal: $(LOCAL)/.installed ## Watch a whole window on a local AWS (WINDOW=90s, KEEP=1 to play on)
	$(CARGO) build --locked --release --bin bootstrap
	@exec $(LOCAL)/bin/python -m rehearsal

test: $(LOCAL)/.installed ## Run every test, and one whole night on the local AWS
	$(CARGO) test --locked
	$(LOCAL)/bin/python -m unittest discover -s rehearsal -t .
	@$(MAKE) --no-print-directory night

# The development build, which `cargo test` has made already: a release build takes minutes.
night: $(LOCAL)/.installed
	$(CARGO) build --locked --bin bootstrap
	@exec $(LOCAL)/bin/python -m rehearsal --bootstrap target/debug/bootstrap --window 60s --quiet

lint: $(LOCAL)/.installed $(LINT)/.installed ## Check format, lints, docs, template, Python and shell
	$(CARGO) fmt --check
	$(CARGO) clippy --locked --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --locked --no-deps --document-private-items
	$(LOCAL)/bin/cfn-lint template.yaml
	SAM_CLI_TELEMETRY=0 $(LINT)/bin/sam validate --lint
	$(LINT)/bin/ruff check rehearsal
	$(LINT)/bin/ruff format --check rehearsal
	$(LINT)/bin/shellcheck .ci/run

deny: $(CARGO_DENY)-$(CARGO_DENY_VERSION) ## Check the dependencies' licences, sources and duplicates
	$(CARGO_DENY) --locked check bans licenses sources

bench: $(LOCAL)/.installed ## Print the release build's size, memory and AWS calls beside their budgets
	$(CARGO) build --locked --release --bin bootstrap
	@exec $(LOCAL)/bin/python -m rehearsal --window 60s --quiet --bench

requirements: ## Pin the Python tools anew from requirements/*.in
	$(PYTHON) -m venv .venv/uv
	.venv/uv/bin/pip install --quiet uv==$(UV_VERSION)
	for name in local lint; do \
		.venv/uv/bin/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
			--no-annotate --custom-compile-command "make requirements" \
			requirements/$$name.in --output-file requirements/$$name.txt || exit; \
	done

clean: ## Delete all that was built and installed
	rm -rf target .venv .rehearsal .aws-sam

# The lists are complete, so nothing is resolved: only what is listed, and only with its hash.
.venv/%/.installed: requirements/%.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; set PYTHON")'
	$(PYTHON) -m venv --clear .venv/$*
	.venv/$*/bin/pip install --quiet --disable-pip-version-check --no-deps --require-hashes --requirement $<
	@touch $@

# Unoptimised: it builds in a minute instead of many, and takes a second to run either way.
$(CARGO_DENY)-$(CARGO_DENY_VERSION):
	CARGO_PROFILE_DEV_DEBUG=0 $(CARGO) install --quiet --debug --locked --force \
		--root target/tools --version $(CARGO_DENY_VERSION) cargo-deny
	@touch $@
