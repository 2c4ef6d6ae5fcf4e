# Gatehouse. `make` alone prints this help.
.DEFAULT_GOAL := help
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
MAKEFLAGS += --no-print-directory

GO_SOURCES := $(shell git ls-files '*.go' '*.sql' 'web/*' 2>/dev/null)
NPM := npm --no-fund --no-audit --loglevel=error

## run: build, and show the main job working at http://127.0.0.1:8484
run: build
	bin/gatehouse demo

## build: write bin/gatehouse, with the CMS bundles inside
build: bin/gatehouse

bin/gatehouse: $(GO_SOURCES) go.mod go.sum web/bundles.txt
	@tools/setup.sh build
	@node web/bundles.mjs
	@echo "Compiling …"
	@go build -trimpath -o $@ ./cmd/gatehouse
	@echo "Built $@"

test/node_modules: test/package-lock.json
	@echo "Installing the test tools …"
	@$(NPM) --prefix test ci >/dev/null
	@touch $@

## test: every package, and one whole story per door in a real browser
test: build
	@tools/setup.sh test
	@$(MAKE) test/node_modules
	go test ./...
	cd test && node --test --test-concurrency=1 admin/*.test.mjs broker/*.test.mjs browser/*.test.mjs

## test-matrix: the race detector, every client, faults and concurrency, Postgres
test-matrix: build
	@tools/setup.sh matrix
	@$(MAKE) test/node_modules
	go test -race ./...
	tools/postgres.sh go test -race $$(go list -f '{{.ImportPath}} {{.TestImports}} {{.XTestImports}}' ./... | grep -E ' \[.*/store/(store|pg)test' | cut -d ' ' -f 1)
	go -C test/peers test ./...
	cd test && node --test --test-concurrency=1 matrix/*.test.mjs

## check: format, vet, lint, layers, generated files fresh
check:
	@tools/setup.sh build
	@mkdir -p bin
	@echo "Building the linters (minutes the first time, then seconds) …"
	@go -C tools build -o ../bin/gofumpt mvdan.cc/gofumpt
	@go -C tools build -o ../bin/golangci-lint github.com/golangci/golangci-lint/v2/cmd/golangci-lint
	@test -z "$$(bin/gofumpt -l cmd internal web test | tee /dev/stderr)" || { echo "Format these files: make format" >&2; exit 1; }
	go vet ./...
	go -C test/peers vet ./...
	bin/golangci-lint run ./...
	cd test/peers && ../../bin/golangci-lint run -c ../../.golangci.yml ./...
	go mod verify
	go test ./internal -run Layers
	@$(MAKE) docs-fresh

## format: gofumpt over the tree
format:
	@mkdir -p bin
	@go -C tools build -o ../bin/gofumpt mvdan.cc/gofumpt
	bin/gofumpt -l -w cmd internal web test

## docs: write the generated reference pages
docs:
	go run ./cmd/gatehouse docs docs/reference

docs-fresh:
	@d=$$(mktemp -d); trap 'rm -rf "$$d"' EXIT; go run ./cmd/gatehouse docs "$$d"; \
	diff -ru docs/reference "$$d" || { echo "The reference is stale: make docs" >&2; exit 1; }

## bench: Gatehouse beside npm's decap-server and raw git, over the same repositories
bench: build
	@$(MAKE) test/node_modules
	go test -run '^$$' -bench . -benchtime 3x ./internal/git
	node test/bench/bench.mjs

## clean: remove what was built
clean:
	rm -rf bin test/out test/node_modules
	find web/cms -mindepth 1 ! -name .gitkeep -delete

help:
	@echo "Gatehouse: editors sign in and write to a static site's Git repository."; echo
	@sed -n 's/^## \([a-z-]*\): \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | column -t -s '|'

.PHONY: run build test test-matrix check format docs docs-fresh bench clean help
