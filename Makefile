# Thin on purpose: what is behind a target is a script that runs without make, too. `make` alone lists the targets.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
# The targets are commands, and a stack cannot be started and stopped at once.
.NOTPARALLEL:
.PHONY: help run stop clean status logs nodes provision build demo test test-fast conformance bench proof fuzz fmt lint proto-lock

export CARGO_TARGET_DIR ?= $(CURDIR)/target
LOCAL := deploy/local
# The flavour that .ci/test builds, too: with failpoints, which do nothing unless FAILPOINTS asks.
FLAVOUR := --workspace --bins --locked --features system-tests/failpoints

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /|/' | awk -F'|' '{ printf "  make %-11s %s\n", $$1, $$2 }'

run: provision build nodes ## install what is missing, build, start servers and services, wait until ready
	@$(LOCAL)/services.sh start

stop: ## stop services and servers; data stays
	@$(LOCAL)/services.sh stop
	@$(LOCAL)/nodes.sh stop

clean: ## stop everything and delete this checkout's databases, queues, ports and passwords
	@$(LOCAL)/services.sh stop
	@$(LOCAL)/nodes.sh clean

status: ## what runs, and where it listens
	@$(LOCAL)/nodes.sh status
	@$(LOCAL)/services.sh status

logs: ## follow the logs of all services
	@$(LOCAL)/services.sh logs

demo: run ## play the guide against the running stack: a click and five postbacks become money
	@$(LOCAL)/services.sh demo

test: provision nodes ## everything: format, lints, documentation, all tests
	@.ci/test full

test-fast: ## format, lints and the rules that need no server
	@.ci/test fast

conformance: build nodes ## call everything that the live services document (CONFORMANCE_SEED=7 tries other calls)
	@.ci/test conformance

bench: provision nodes ## measure throughput and delay beside honest baselines (BENCH_SCALE=0.1 is quick; BENCH_ONLY=ingest,tracker)
	@echo "==> building with optimisation"
	@cargo build --release --workspace --bins --locked
	@GOKART_NODES="$${GOKART_NODES:-$(CURDIR)/.local/nodes.env}" "$$CARGO_TARGET_DIR/release/bench"

proof: ## the decisions against their second implementations and in every order, on PROOF_CASES (100000) random histories
	@PROOF_CASES="$${PROOF_CASES:-100000}" cargo test --locked -p attribution -p payout --lib \
		--config profile.dev.package.attribution.opt-level=2 \
		--config profile.dev.package.attribution-oracle.opt-level=2 \
		--config profile.dev.package.payout.opt-level=2 \
		--config profile.dev.package.payout-oracle.opt-level=2 -- domain::proof

fuzz: ## look for inputs that break the parser of postbacks, for FUZZ_SECONDS (60)
	@crates/postback-parser/fuzz/run.sh

nodes: provision ## start only the private PostgreSQL and RabbitMQ
	@$(LOCAL)/nodes.sh start

fmt: ## format the code
	@cargo fmt --all

lint: ## format and lints, as `make test` checks them
	@cargo fmt --all --check
	@cargo clippy --workspace --all-targets --locked -- -D warnings

proto-lock: ## take new fields of proto-schemas/ into the lock and write missing golden bytes
	@GOKART_WRITE_LOCK=1 cargo test --locked -p contracts --test lock --test golden

provision:
	@$(LOCAL)/install.sh

build: provision
	@echo "==> building (the first time takes some minutes)"
	@cargo build $(FLAVOUR)
