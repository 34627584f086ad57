# callhooks. Bare `make` prints what there is. Every target brings what it needs: Node.js (tools/node/with-node.sh),
# the npm packages, and for the tests a MariaDB.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
# Two recipes at once would install into the same folders.
.NOTPARALLEL:

N := tools/node/with-node.sh
# npm writes this file when an installation is complete; a broken one is repeated.
INSTALLED := node_modules/.package-lock.json
BUILT := dist/.built
# The generator of load with its endpoint, and the service that callhooks is compared with.
CALLBENCH := .cache/bench/callbench
# Folders too: their times change when a file goes.
SOURCES := $(shell find src migrations tsconfig.json tsconfig.build.json 2>/dev/null)
# make hands SIGTERM on to its recipe and waits; where it is killed itself, this ends the server.
TETHERED := $(if $(shell command -v setpriv),setpriv --pdeathsig TERM)
# What `make test` runs: every suite but the ones with a target of their own.
SPECS ?= 'test/**/*.test.ts' --ignore 'test/clients/**' --ignore 'test/faults/**'

# What `make test-faults` runs.
FAULTS ?= 'test/faults/**/*.test.ts'

# Prints the comments behind the targets.
.PHONY: help
help:
	@awk -F ':.*## ' '/^##: / { print substr($$0, 5) ":" } /^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' Makefile

##: To use it

.PHONY: run
run: build ## Serve on 127.0.0.1:50051 with SQLite in ./data (Ctrl-C ends it)
	@exec $(N) $(TETHERED) node dist/src/main.js serve

.PHONY: demo
demo: build ## The whole story on a terminal, against a small CRM of its own
	@exec $(N) $(TETHERED) node examples/demo/demo.ts

.PHONY: build
build: $(BUILT) ## Compile into dist/

.PHONY: install
install: $(INSTALLED) ## Bring Node.js, if needed, and the npm packages

##: To change it

.PHONY: test
test: $(INSTALLED) test-database ## All tests but the clients', on SQLite and on a MariaDB of their own
	@$(N) mocha $(SPECS)

.PHONY: test-unit
test-unit: $(INSTALLED) ## The pure tests: no database, no network
	@$(N) mocha 'test/unit/**/*.test.ts'

.PHONY: test-clients
test-clients: $(BUILT) ## grpcurl, go-httpbin and a Python client against a real server
	@test/tools/test-tools.sh
	@$(N) mocha 'test/clients/**/*.test.ts'

.PHONY: test-faults
test-faults: $(INSTALLED) test-database ## Processes killed, frozen and cut off; LONG=1: a thousand kills instead of twenty
	@test/tools/galera-install.sh
	@LONG=$(LONG) $(N) mocha $(FAULTS)

.PHONY: test-broken
test-broken: $(INSTALLED) test-database ## Breaks the engine on purpose, one rule at a time: the fault suite has to go red
	@$(N) node test/tools/break-engine.ts $(BREAK)

.PHONY: bench
bench: $(BUILT) $(CALLBENCH) test-database ## Calls a second, CPU and memory beside a bare server (an hour; bench/README.md)
	@$(N) node bench/bench.ts --save last $(BENCH)
	@$(N) node bench/report.ts

.PHONY: bench-quick
bench-quick: $(BUILT) $(CALLBENCH) ## The everyday part of it, against the committed result (three minutes)
	@$(N) node bench/bench.ts --quick $(BENCH)

.PHONY: bench-scale
bench-scale: $(INSTALLED) test-database ## What grows with the tables: 5 million executions against 20,000 (ten minutes, 6 GiB of disk)
	@$(N) node bench/scale.ts $(BENCH)

.PHONY: bench-snapshot
bench-snapshot: $(INSTALLED) test-database ## What a long read view on MariaDB costs (three minutes)
	@$(N) node bench/snapshot.ts $(BENCH)

.PHONY: trace-call
trace-call: $(INSTALLED) ## How many files and functions one request enters, by room (docs/architecture.md)
	@$(N) node test/tools/trace-call.ts $(TRACE)

.PHONY: coverage
coverage: $(INSTALLED) test-database ## The tests with their coverage, in coverage/
	@$(N) c8 mocha $(SPECS)

.PHONY: fmt
fmt: $(INSTALLED) ## Format the code
	@$(N) oxfmt .
	@$(N) buf format -w

.PHONY: gen
gen: $(INSTALLED) ## Generate src/gen from proto/
	@$(N) node scripts/gen.ts

.PHONY: check
check: check-types check-lint check-format check-proto check-gen ## The gate before a commit; CI runs the same
	@echo 'make check: all good'

.PHONY: check-types
check-types: $(INSTALLED)
	@$(N) tsc -p tsconfig.json --noEmit

.PHONY: check-lint
check-lint: $(INSTALLED)
	@$(N) oxlint --type-aware --deny-warnings --report-unused-disable-directives

.PHONY: check-format
check-format: $(INSTALLED)
	@$(N) oxfmt --check . || { echo 'make fmt puts it right' >&2; exit 1; }

.PHONY: check-proto
check-proto: $(INSTALLED)
	@$(N) buf format --diff --exit-code
	@$(N) buf lint
	@$(N) buf breaking --against proto/baseline.binpb

.PHONY: check-gen
check-gen: $(INSTALLED)
	@$(N) node scripts/gen.ts --check

.PHONY: test-database
test-database:
	@test/tools/mariadb-install.sh

.PHONY: clean
clean: ## Remove what was built and installed (not ./data)
	rm -rf dist coverage node_modules tools/node/node_modules .cache

$(INSTALLED): package-lock.json
# `exec`: an interrupted make must not leave an npm behind that goes on beside the next one.
# Debian's own npm finds its parts only through NODE_PATH when another Node.js than Debian's runs it.
	@NODE_PATH=/usr/share/nodejs exec $(N) npm ci --ignore-scripts --no-progress --loglevel=error
	@touch $@

$(CALLBENCH): $(wildcard bench/go/*)
	@PATH=$$PATH:/usr/local/go/bin; command -v go >/dev/null || \
	  { echo 'There is no Go on this machine, and the bench needs it: https://go.dev/dl/' >&2; exit 1; }; \
	  cd bench/go && go vet . && go test . && go build -trimpath -o ../../$@ .

$(BUILT): $(INSTALLED) $(SOURCES)
	@rm -rf dist
	@$(N) tsc -p tsconfig.build.json
	@touch $@
