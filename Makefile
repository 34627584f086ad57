# callhooks. `make` alone lists the targets. Every target installs what it needs: Node.js (tools/node/with-node.sh), the npm
# packages, and for the tests a MariaDB.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
# Two recipes at once would install into the same folders, so they run one after the other.
.NOTPARALLEL:

N := tools/node/with-node.sh
# npm writes this file when an installation is complete. Without it make repeats the installation.
INSTALLED := node_modules/.package-lock.json
BUILT := dist/.built
# One program holds the load generator, its endpoint, and the Go service that callhooks is compared with.
CALLBENCH := .cache/bench/callbench
# A chart can't read files outside of its folder, and npm packs no links.
CHART_COPIES := $(wildcard deploy/prometheus/*.rules.yml deploy/grafana/*.json)
# This lists folders too, because the time of a folder changes when a file in it is deleted.
SOURCES := $(shell find src migrations deploy/service-config.json tsconfig.json tsconfig.build.json tsconfig.client.json 2>/dev/null)
# make passes SIGTERM on to its recipe and waits for it. If make itself is killed, this ends the server.
TETHERED := $(if $(shell command -v setpriv),setpriv --pdeathsig TERM)
# `make test` runs these: every suite but the five that have a target of their own.
SPECS ?= 'test/**/*.test.ts' --ignore 'test/clients/**' --ignore 'test/console/**' --ignore 'test/deploy/**' \
  --ignore 'test/faults/**' --ignore 'test/hostile/**'

# `make test-faults` runs these.
FAULTS ?= 'test/faults/**/*.test.ts'

# `make test-mysql` runs these: every suite of stores, and the others that run on each engine, with the faults of a database.
MYSQL ?= $(shell grep -lrE 'describeEachEngine|serverEngine' test/store test/grpc --include='*.test.ts') \
  test/main/database-tls.test.ts test/main/migrate.test.ts test/main/migrate-command.test.ts test/main/release-fixtures.test.ts \
  test/faults/database-away.test.ts test/faults/database-restarts.test.ts test/faults/takeover.test.ts \
  test/faults/random-kills.test.ts test/faults/random-cuts.test.ts test/faults/two-versions.test.ts \
  test/faults/group-replication.test.ts

# `make test-hostile` runs these.
HOSTILE ?= 'test/hostile/**/*.test.ts'

# `make test-console` runs these.
CONSOLE ?= 'test/console/**/*.test.ts'

# `make test-deploy` runs these.
DEPLOY ?= 'test/deploy/**/*.test.ts'

# Prints the headings (`##:`) and the text after `##` of each target.
.PHONY: help
help:
	@awk -F ':.*## ' '/^##: / { print substr($$0, 5) ":" } /^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' Makefile

##: Use callhooks

.PHONY: run
run: build ## Serve on 127.0.0.1:50051 with SQLite in ./data (Ctrl-C ends it)
	@exec $(N) $(TETHERED) node dist/src/main.js serve

.PHONY: demo
demo: build ## Show two calls on the terminal, against a small CRM of its own
	@exec $(N) $(TETHERED) node examples/demo/demo.ts

.PHONY: build
build: $(BUILT) ## Compile into dist/

.PHONY: package
package: $(BUILT) ## Make the package that operators install, with its bill of materials, in build/
	@$(N) node scripts/package.ts

.PHONY: install
install: $(INSTALLED) ## Install the npm packages, and Node.js where it is missing or too old

##: Change callhooks

.PHONY: test
test: $(INSTALLED) test-database ## Run all tests but those of clients, console, deployment, faults and attacks, on SQLite and on a private MariaDB
	@$(N) mocha $(SPECS)

.PHONY: test-unit
test-unit: $(INSTALLED) ## Run the unit tests, which need no database and no network
	@$(N) mocha 'test/unit/**/*.test.ts'

.PHONY: test-clients
test-clients: $(BUILT) ## Test a real server with programs and libraries of other projects
	@test/tools/test-tools.sh
	@test/tools/proxies-install.sh
	@test/tools/stub-tools.sh
	@test/tools/example-tools.sh
	@test/tools/mermaid-install.sh
	@$(N) mocha 'test/clients/**/*.test.ts'

.PHONY: test-console
test-console: $(INSTALLED) test-database ## Look at the console in a real browser, with calls of every kind
	@test/tools/chromium-install.sh
	@$(N) mocha $(CONSOLE)

.PHONY: test-deploy
test-deploy: package test-database ## Test the files of deploy/ with the real tools that they are made for
	@test/tools/deploy-tools.sh
	@$(N) mocha $(DEPLOY)

.PHONY: test-faults
test-faults: $(INSTALLED) test-database ## Kill, freeze and cut off processes (LONG=1: a thousand kills; QUIET=1: times decide too)
	@test/tools/galera-install.sh
	@LONG=$(LONG) QUIET=$(QUIET) $(N) mocha $(FAULTS)

.PHONY: test-hostile
test-hostile: $(INSTALLED) test-database ## Attack a server as endpoints and callers could, and print how long it stalled
	@test/tools/test-tools.sh
	@$(N) mocha $(HOSTILE)

.PHONY: test-mysql
test-mysql: $(INSTALLED) ## Run the tests of the database on a real MySQL of Oracle's, and on a cluster of it
	@test/tools/mysql-install.sh
	@TEST_ENGINE=mysql QUIET=$(QUIET) $(N) mocha $(MYSQL)

.PHONY: test-broken
test-broken: $(INSTALLED) test-database ## Break the engine on purpose, one rule at a time, and expect the fault suite to fail
	@$(N) node test/tools/break-engine.ts $(BREAK)

.PHONY: bench
bench: $(BUILT) $(CALLBENCH) test-database ## Measure calls a second, CPU and memory beside a bare server (an hour; bench/README.md)
	@$(N) node bench/bench.ts --save last $(BENCH)
	@$(N) node bench/report.ts

.PHONY: bench-quick
bench-quick: $(BUILT) $(CALLBENCH) ## Measure the cost of a call, against the committed result (three minutes)
	@$(N) node bench/bench.ts --quick $(BENCH)

.PHONY: bench-scale
bench-scale: $(INSTALLED) test-database ## Measure 5 million executions against 20,000 (ten minutes, 6 GiB of disk)
	@$(N) node bench/scale.ts $(BENCH)

.PHONY: bench-snapshot
bench-snapshot: $(INSTALLED) test-database ## Measure what a long read view on MariaDB costs (three minutes)
	@$(N) node bench/snapshot.ts $(BENCH)

.PHONY: trace-call
trace-call: $(INSTALLED) ## Count the files and functions that one request enters (docs/architecture.md)
	@$(N) node test/tools/trace-call.ts $(TRACE)

.PHONY: screenshots
screenshots: $(INSTALLED) ## Take the pictures of the console in docs/images/ again
	@test/tools/chromium-install.sh
	@$(N) node test/tools/screenshots.ts

.PHONY: release-fixture
release-fixture: $(INSTALLED) test-database ## Make the database of this release that upgrade tests migrate (docs/releasing.md; three minutes)
	@$(N) node test/tools/release-fixture.ts

.PHONY: release-prepare
release-prepare: $(INSTALLED) ## Renew what this release freezes: the baseline of the API, and checksums (docs/releasing.md)
	@$(N) node scripts/release.ts --prepare

.PHONY: release
release: $(INSTALLED) $(BUILT) ## Check everything, make the package and tag the release (DRY=1 only checks)
	@$(N) node scripts/release.ts $(if $(DRY),--check)

.PHONY: coverage
coverage: $(INSTALLED) test-database ## Run the tests and write their coverage into coverage/
	@$(N) c8 mocha $(SPECS)

.PHONY: fmt
fmt: $(INSTALLED) ## Format code and proto files
	@$(N) oxfmt .
	@$(N) buf format -w

.PHONY: gen
gen: $(INSTALLED) ## Generate src/gen/ and docs/api.md from proto/, and copy alerts and dashboards into the Helm chart
	@$(N) node scripts/gen.ts
	@cp $(CHART_COPIES) deploy/helm/callhooks/files/

# The folder stubs/ is for platforms that have no generator. Git ignores it.
.PHONY: stubs
stubs: $(INSTALLED) ## Generate the clients in gen/go/ and clients/python/, and stubs for Java and TypeScript in stubs/
	@test/tools/stub-tools.sh
	@$(N) node scripts/stubs.ts $(STUBS)

.PHONY: check
check: check-types check-lint check-unused check-format check-proto check-gen ## Check types, lint, unused code, format, proto files and generated code, as CI does
	@echo 'make check: all good'

.PHONY: check-types
check-types: $(INSTALLED)
	@$(N) tsc -p tsconfig.json --noEmit

.PHONY: check-lint
check-lint: $(INSTALLED)
	@$(N) oxlint --type-aware --deny-warnings --report-unused-disable-directives

# knip.jsonc says what counts as used. The second run looks at production alone, where a test uses nothing.
.PHONY: check-unused
check-unused: $(INSTALLED)
	@$(N) knip --no-progress
	@$(N) knip --no-progress --production --include files,dependencies

.PHONY: check-format
check-format: $(INSTALLED)
	@$(N) oxfmt --check . || { echo 'Run make fmt.' >&2; exit 1; }

.PHONY: check-proto
check-proto: $(INSTALLED)
	@$(N) buf format --diff --exit-code
	@$(N) buf lint
	@$(N) buf breaking --against proto/baseline.binpb

.PHONY: check-gen
check-gen: $(INSTALLED)
	@$(N) node scripts/gen.ts --check
	@for file in $(CHART_COPIES); do \
	  cmp "$$file" "deploy/helm/callhooks/files/$${file##*/}" || { echo 'Run make gen.' >&2; exit 1; }; \
	done

.PHONY: audit
audit: $(INSTALLED) ## Ask the npm registry for known vulnerabilities of the packages (not a part of make check)
	@$(N) scripts/audit.sh

.PHONY: test-database
test-database:
	@test/tools/mariadb-install.sh

.PHONY: clean
clean: ## Remove what was built and installed, but not ./data
	rm -rf build dist coverage stubs node_modules tools/node/node_modules .cache

$(INSTALLED): package-lock.json
# `exec` makes sure that an interrupted make leaves no npm behind, which would go on beside the next one.
# NODE_PATH is for Debian's npm: it finds its parts only there when another Node.js than Debian's runs it.
	@NODE_PATH=/usr/share/nodejs exec $(N) npm ci --ignore-scripts --no-progress --loglevel=error
	@touch $@

$(CALLBENCH): $(wildcard bench/go/*)
	@PATH=$$PATH:/usr/local/go/bin; command -v go >/dev/null || \
	  { echo 'The bench needs Go, and there is none on this machine: https://go.dev/dl/' >&2; exit 1; }; \
	  cd bench/go && go vet . && go test . && go build -trimpath -o ../../$@ .

$(BUILT): $(INSTALLED) $(SOURCES)
	@rm -rf dist
	@$(N) tsc -p tsconfig.build.json
	@$(N) tsc -p tsconfig.client.json
	@cp -r src/console/assets dist/src/console/
	@touch $@
