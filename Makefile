.DEFAULT_GOAL := help
SHELL := /bin/bash
NODE := node_modules/node/bin/node
export PATH := $(CURDIR)/node_modules/node/bin:$(PATH)
export NODE_NO_WARNINGS := 1
# What Node compiled once is kept: whatever is started here starts in half the time.
export NODE_COMPILE_CACHE := $(CURDIR)/node_modules/.cache/compiled

help: ## What there is to do
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 22

$(NODE): package.json package-lock.json
	@command -v npm >/dev/null || { echo 'npm is missing: install Node 20 or newer, it brings npm along'; exit 3; }
	@echo 'Installing packages'
	@npm install --no-save --no-progress --loglevel=error
	@npm rebuild node --ignore-scripts=false --loglevel=error >/dev/null
	@touch $(NODE)

install: $(NODE) ## Install the packages and Node 24 into node_modules

tools:
	@sh deploy/local/missing-tools.sh

run: tools $(NODE) ## Everything from a fresh checkout: engines, API, consumers, the demo; serves until Ctrl-C
	@$(NODE) deploy/main.ts run

up: tools $(NODE) ## The same in the background, without the demo
	@$(NODE) deploy/main.ts up

down: $(NODE) ## Stop what make up or make run started; data is kept
	@$(NODE) deploy/main.ts down

clean: $(NODE) ## Stop and remove the data
	@$(NODE) deploy/main.ts clean

test: tools $(NODE) ## Types, lint, unit tests and those that share a system, on real engines; ends with N passed, N failed
	@$(NODE) test/run.ts

test-long: tools $(NODE) ## All other tests: systems of their own, crashes, a cluster, a browser; ends with N passed, N failed
	@$(NODE) test/run.ts long

MINUTES ?= 10
EVENTS ?= 1000000
CHAOS_SEEDS ?= 5
soak: $(NODE) ## Long runs: simulator and its mutants, steady load, a million events under faults, crashes by five seeds, engines set back, copies, a large import, holds, overload, restarts: make soak MINUTES=30
	@$(NODE) test/simulator/soak.ts $(MINUTES)
	@$(NODE) test/chaos/soak.ts $(MINUTES)
	@$(NODE) test/chaos/long-run.ts $(EVENTS)
	@CHAOS_SEEDS=$(CHAOS_SEEDS) $(NODE) test/chaos/seeds.ts
	@$(NODE) test/chaos/restores.ts
	@G5_TEARS=60 npx vitest run --project chaos chaos-redis -t torn
	@G13_SECONDS=60 npx vitest run --project chaos chaos-processes -t G13
	@G3_IDS=100000 npx vitest run duplicates
	@IMPORT_WORKSPACES=100000 npx vitest run --project systems import.test
	@G10_STEPS=100000 G11_REQUESTS=10000 npx vitest run holds.conformance use-guarantees
	@G22_REQUESTS=100000 G22_EXAMPLES=200 npx vitest run http-fuzz contract-fuzz
	@G20_BURST=100000 G20_SECONDS=30 npx vitest run chaos-hot-workspace
	@G23_SECONDS=60 G24_SECONDS=60 STOP_RESTARTS=20 npx vitest run overload graceful-stop
	@G19_WORKSPACES=20000 G19_PER_SECOND=400 npx vitest run chaos-boundary

mutants: $(NODE) ## Break one line after another and see that simulator and tests notice: make mutants ONLY="G3 G5"
	@$(NODE) test/mutation/main.ts $(ONLY)

BENCHES ?=
bench: $(NODE) ## Measure each path against its limit; prints a table: make bench BENCHES=benchCheck
	@$(NODE) test/bench/main.ts $(BENCHES)

bench-check: $(NODE) ## The same, compared with test/bench/baseline.json; fails where something got worse
	@$(NODE) test/bench/main.ts --check $(BENCHES)

bench-baseline: $(NODE) ## The same, kept as the baseline, and docs/performance.md written anew from it
	@$(NODE) test/bench/main.ts --write-baseline $(BENCHES)
	@$(NODE) test/bench/write-performance.ts

performance: $(NODE) ## Write docs/performance.md and its pictures anew from test/bench/baseline.json
	@$(NODE) test/bench/write-performance.ts

format: $(NODE) ## Format the code
	@npx biome check --write .

validate: $(NODE) ## Say what is wrong with deploy/catalogue.json, or CATALOGUE=file, and with the settings
	@$(NODE) deploy/main.ts setup --validate $(CATALOGUE)

openapi: $(NODE) ## Write docs/openapi.json anew from the route schemas
	@$(NODE) api/write-openapi.ts

screenshots: $(NODE) ## Play the stage on real engines and write docs/screenshots anew; needs Chromium
	@$(NODE) test/browser/screenshots.ts

records: $(NODE) ## Write client/events/records.gen.ts anew from the schemas
	@$(NODE) schemas/write-client-records.ts

wasm: $(NODE) ## Write drivers/redis/sip-hash.wasm anew from sip-hash.wat
	@npx wat2wasm drivers/redis/sip-hash.wat -o drivers/redis/sip-hash.wasm

sdk: $(NODE) ## Compile the SDK and pack it: client/tallygate-client-<version>.tgz
	@cd client && rm -rf dist && npx tsc -p tsconfig.json && npm pack --ignore-scripts --loglevel=error

release: $(NODE) ## Give what stands under Unreleased a version: make release VERSION=1.2.3; refused where nothing does
	@$(NODE) deploy/release.ts $(VERSION)

.PHONY: help install tools run up down clean test test-long soak mutants bench bench-check bench-baseline performance format validate openapi screenshots records wasm sdk release
