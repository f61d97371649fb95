# Everything runs with the Node that package-lock.json pins (the npm package `node`), whichever Node the machine has.
SHELL := /bin/bash
export PATH := $(CURDIR)/node_modules/.bin:$(PATH)

# by path: two versions of TypeScript are installed (scripts/classicTypescript.ts says why)
TSC := node node_modules/typescript/bin/tsc
DEPCRUISE := node_modules/dependency-cruiser/bin/dependency-cruiser.mjs
ROOMS := core certs kube sources webhook operator proxy cli

.DEFAULT_GOAL := help

help: ## show this list
	@grep -hE '^[a-zA-Z0-9_-]+:.*?## ' $(MAKEFILE_LIST) | sort | awk -F':.*?## ' '{printf "  %-14s %s\n", $$1, $$2}'

node_modules/.install: package.json package-lock.json
	npm ci --no-fund --no-audit --loglevel=error
	@touch $@

install: node_modules/.install ## install the pinned dependencies

build: install ## bundle every binary into dist/
	node scripts/build.ts

generate: install ## write validators and CRDs from the schemas, and manifests from the chart
	node scripts/generate.ts

check: install ## generated files must match their sources
	node scripts/generate.ts --check

typecheck: install
	$(TSC) -p tsconfig.json

lint: install typecheck check ## types, oxlint, prettier, room rules, generated files
	oxlint --deny-warnings
	prettier --check . --log-level warn
	node --import ./scripts/classicTypescript.ts $(DEPCRUISE) --config .dependency-cruiser.cjs --output-type err $(ROOMS)

format: install ## let prettier rewrite what it can
	prettier --write . --log-level warn

test: lint build ## all tests that need no cluster
	vitest run

demo: build ## run the shop in the mesh as local processes; KEEP=1 stays up
	node dist/weft.mjs demo $(if $(KEEP),--keep)

image: ## build the container image with docker (IMAGE=weft:dev)
	docker build -t $(or $(IMAGE),weft:dev) .

e2e: build ## tests on a cluster: KUBECONFIG and IMAGE_LOADER (docs/testing.md)
	vitest run --config e2e/vitest.config.ts

e2e-chaos: build ## the long ones: rotation and control-plane absence
	vitest run --config e2e/vitest.chaos.config.ts

e2e-peers: install ## the proxy beside nginx, HAProxy and h2spec, without a cluster
	vitest run --config e2e/vitest.config.ts --project peers

fuzz: install ## search every parser for bad inputs, SECONDS=600 each, JOBS=2 at a time (TARGETS=…)
	node fuzz/main.ts --seconds $(or $(SECONDS),600) --jobs $(or $(JOBS),2) $(TARGETS)

bench: build ## the proxy beside HAProxy and nginx (BENCH='--only mtls --rounds 9'; docs/performance.md)
	node bench/main.ts $(BENCH)

bench-control: build ## the configuration stream at size, on a cluster: KUBECONFIG (CONTROL='growth'; docs/performance.md)
	node bench/control/main.ts $(or $(CONTROL),run)

clean: ## remove what was built
	rm -rf dist .demo

.PHONY: help install build generate check typecheck lint format test demo image e2e e2e-chaos e2e-peers fuzz bench bench-control clean
