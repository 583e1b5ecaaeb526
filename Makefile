# Everything here needs Rust, a C compiler and make, and nothing else unless a target says so.

CARGO ?= cargo
TARGET_DIR := $(or $(CARGO_TARGET_DIR),target)
DRYDOCK := $(TARGET_DIR)/release/drydock
TALLY := tests/tally

# A program of the package drydock-tests. It is built with --workspace, and then run, because `cargo
# run -p drydock-tests` would build half of the registry once more, with fewer features.
tool = $(CARGO) build --quiet --workspace --bin $(1) && $(TARGET_DIR)/debug/$(1)

# `make run`: how many schedules of each scenario, and the seed whose run is drawn.
SEEDS ?= 10000
AGENT_SEEDS ?= 5000
SEED ?= 17
OUT ?= drydock-out

# `make mutants MUTANTS="NAME..."`: only these.
MUTANTS ?=

.DEFAULT_GOAL := help
# Recipes share one target directory, and cargo uses all cores by itself.
.NOTPARALLEL:
.PHONY: help run release test test-docker bench mutants mutants-quick doc porting lint test-interop

help: ## This list
	@echo "Drydock: the Mesos agent's Docker containerizer in Rust, live and simulated."
	@echo
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1|\2/p' $(firstword $(MAKEFILE_LIST)) | \
	    while IFS='|' read -r name says; do printf '  make %-14s %s\n' "$$name" "$$says"; done
	@echo
	@echo "Start with 'make run'. It needs no Docker."

release:
	$(CARGO) build --release -p drydock

run: release ## Build, hunt races in the simulator, show what was covered; no Docker needed
	@status=0; \
	scenario() { \
	    echo; echo "\$$ $(DRYDOCK) sim run $$*"; \
	    $(DRYDOCK) sim run "$$@" || status=1; \
	}; \
	scenario destroy-during-pull --seeds 0..$(SEEDS) --record $(SEED) \
	    --out $(OUT)/destroy-during-pull; \
	scenario destroy-during-pull-agent --seeds 0..$(AGENT_SEEDS) --record $(SEED) \
	    --out $(OUT)/destroy-during-pull-agent; \
	run=$(OUT)/destroy-during-pull/seed-$(SEED); \
	echo; \
	echo "What to try next:"; \
	echo "  $$run/timeline.html"; \
	echo "      open it in a browser: the run of seed $(SEED), step by step"; \
	echo "  $(DRYDOCK) sim replay $$run/trace.json"; \
	echo "      the same run again, event for event"; \
	echo "  $(DRYDOCK) sim run destroy-during-pull --for 60s --faults 3"; \
	echo "      more schedules, more faults; 'sim list' shows which there are"; \
	echo "  make mutants"; \
	echo "      bugs that Mesos once had, put back one by one: are they found?"; \
	echo "  $(DRYDOCK) run --docker_image IMAGE --command 'echo hello'"; \
	echo "      the same containerizer on this machine's Docker Engine"; \
	exit $$status

test: ## All tests; what needs a Docker Engine is skipped, and listed, when none answers
	@status=0; \
	$(TALLY) tests $(CARGO) test --workspace --no-fail-fast --tests || status=1; \
	$(TALLY) doctests $(CARGO) test --workspace --no-fail-fast --doc || status=1; \
	exit $$status

# --workspace, not -p drydock-tests: with the same features as `make test` nothing is rebuilt.
test-docker: ## The Docker suites; fails without an Engine (tests/docker-setup, as root, gets one)
	@DRYDOCK_REQUIRE_DOCKER=1 $(TALLY) docker \
	    $(CARGO) test --workspace --no-fail-fast --test 'docker_*'

test-interop: ## Foreign programs against ours; fails where they cannot be installed (from PyPI)
	@DRYDOCK_REQUIRE_INTEROP=1 $(TALLY) interop \
	    $(CARGO) test --workspace --no-fail-fast --test 'interop_*'

bench: ## The design's budgets beside what this machine measures: one table, about a minute
	$(CARGO) bench -p drydock-tests --bench budgets

mutants: ## Put historical Mesos bugs back, one by one; fails if a campaign misses one
	$(call tool,mutants) $(MUTANTS)

mutants-quick: ## The same with at most ten of them, and without the control run
	$(call tool,mutants) --quick $(MUTANTS)

doc: ## The API documentation, without a warning
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --no-deps --workspace

porting: ## Write docs/porting.md, the map from Mesos to Drydock, anew from the marks in the code
	$(call tool,porting)

lint: doc ## Formatting, clippy and documentation without a warning; licences; docs/porting.md
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings
	$(call tool,porting) --check
	@if $(CARGO) deny --version >/dev/null 2>&1; then \
	    $(CARGO) deny --log-level error check bans licenses sources; \
	else \
	    echo "skipped: cargo deny (licences, sources); install it with: cargo install cargo-deny"; \
	fi
