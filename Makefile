# Vedette. `make` says what can be done here and what is missing.
# CI runs .ci/run, which calls `make test`: there is no other truth.

SHELL       := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

GO        ?= go
FUZZTIME  ?= 1s
BENCHTIME ?= 1s
KILLS     ?= 1000

# Pinned tools, built from source into bin/tools on first use.
TOOLS       := $(CURDIR)/bin/tools
GOLANGCI    := v2.15.0
GOFUMPT     := v0.12.0
GOVULNCHECK := v1.9.0

# The one package that needs cgo, and what imports it, are left out of builds with cgo off.
DRIVER   := github.com/duckdb/duckdb-go/v2
VERSION  ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
LDFLAGS  := -s -w -X main.version=$(VERSION)
# libstdc++ goes into the binary, so that it runs where no compiler was ever installed. The driver asks for -lstdc++ by
# name, which overrides -static-libstdc++; so the linker first looks into a folder that has only the static one.
STATIC   := $(CURDIR)/bin/static
EDGES    := linux/arm64 linux/arm/7 linux/mips/softfloat linux/amd64

.PHONY: help
help: ## say what can be done and what is missing
	@echo "Vedette: the security analyst of an IoT/OT fleet"
	@echo
	@grep -hE '^[a-z-]+:.*## ' Makefile | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 18
	@echo
	@$(MAKE) --no-print-directory needs && echo "  all that is needed is here" || true

.PHONY: needs
needs:
	@missing=0; \
	need() { echo "  missing: $$1"; echo "           $$2"; missing=1; }; \
	if ! command -v $(GO) >/dev/null; then need "Go" "get $$(sed -n 's/^go //p' go.mod) or newer from https://go.dev/dl/"; \
	else have=$$(GOTOOLCHAIN=local $(GO) env GOVERSION | sed 's/^go//'); want=$$(sed -n 's/^go //p' go.mod); \
	  if [ "$$(printf '%s\n%s\n' "$$want" "$$have" | sort -V | head -1)" != "$$want" ] && [ "$$($(GO) env GOTOOLCHAIN)" = local ]; then \
	    need "Go $$want (here is $$have)" "get it from https://go.dev/dl/"; fi; fi; \
	cxx=$${CXX:-c++}; if ! command -v $${cxx%% *} >/dev/null; then \
	  need "a C++ compiler ($$cxx), for the event store" "Debian, Ubuntu: apt-get install g++   Fedora: dnf install gcc-c++   macOS: xcode-select --install"; fi; \
	if ! command -v git >/dev/null; then need "git" "from your system's packages"; fi; \
	exit $$missing

.PHONY: build
build: needs web ## build bin/vedette and bin/vedette-edge
	@mkdir -p bin $(STATIC)
	@ext=""; if [ "$$($(GO) env GOOS)" = linux ]; then \
	  lib=$$($${CXX:-c++} -print-file-name=libstdc++.a); \
	  if [ -f "$$lib" ]; then ln -sf "$$lib" $(STATIC)/libstdc++.a; ext="-extldflags '-L$(STATIC) -static-libgcc'"; \
	  else echo "warning: no static libstdc++ here, the binary will need libstdc++.so"; fi; fi; \
	echo "building bin/vedette"; CGO_ENABLED=1 $(GO) build -trimpath -ldflags "$(LDFLAGS) $$ext" -o bin/vedette ./cmd/vedette; \
	if [ -n "$$ext" ] && ldd bin/vedette 2>/dev/null | grep -q 'libstdc++'; then echo "bin/vedette needs libstdc++.so: it was not linked statically"; exit 1; fi
	@echo "building bin/vedette-edge"; CGO_ENABLED=0 $(GO) build -trimpath -ldflags "$(LDFLAGS)" -o bin/vedette-edge ./cmd/vedette-edge
	@ls -lh bin/vedette bin/vedette-edge | awk '{print $$9, $$5}'

# The console is bundled by a Go program of its own module; web/vendor holds what it is made of, so that nothing but
# Go is needed. Without it the server has a page that says so.
DIST := internal/console/dist/index.html

.PHONY: web
web: $(DIST) ## bundle the console

$(DIST): $(shell find web -type f 2>/dev/null)
	@mkdir -p $(TOOLS)
	@cd web/build && $(GO) build -o $(TOOLS)/webbuild .
	@$(TOOLS)/webbuild web internal/console/dist && echo "bundled the console: $$(cat internal/console/dist/main-*.js | gzip -9 | wc -c) bytes of script, gzipped"

.PHONY: web-types
web-types: ## check the types of the console's source (needs npx and the npm registry)
	npx --yes --package typescript@5.9.3 tsc --noEmit -p web

.PHONY: demo
demo: build ## build, and start the living demo on loopback
	./bin/vedette demo

.PHONY: test
test: needs web check-format vet lint test-race test-plain build-nocgo fuzz edge vuln ## every check: format, vet, lint, tests (race), kills, builds without cgo, short fuzz, edge
	@echo "make test: all passed"

.PHONY: check-format
check-format: $(TOOLS)/gofumpt-$(GOFUMPT)
	@bad=$$(git ls-files -z --cached --others --exclude-standard -- '*.go' | xargs -0 -r ls -d 2>/dev/null | grep -v '_gen\.go$$' | xargs -r $(TOOLS)/gofumpt-$(GOFUMPT) -l); \
	if [ -n "$$bad" ]; then echo "not formatted (run make format):"; echo "$$bad"; exit 1; fi

.PHONY: format
format: $(TOOLS)/gofumpt-$(GOFUMPT) ## format all Go files
	@git ls-files -z --cached --others --exclude-standard -- '*.go' | xargs -0 -r ls -d 2>/dev/null | grep -v '_gen\.go$$' | xargs -r $(TOOLS)/gofumpt-$(GOFUMPT) -w

.PHONY: vet
vet:
	$(GO) vet ./...

.PHONY: lint
lint: $(TOOLS)/golangci-lint-$(GOLANGCI) ## run the linters
	$(TOOLS)/golangci-lint-$(GOLANGCI) run ./...

# What the race detector would only make slow runs without it: the scored runs over recorded data, which have one thread, the
# console in a browser (its routes run with it in the tests of the API), and
# the tests that kill the product or fill its disk, whose child processes would carry it too.
PLAIN := ^Test(Torture|TasksSurviveKills|AttacksFail|KnownQuestions|RetentionBySize|DamagedHotDatabase|.*InABrowser|Console(IsForAll|Casework|SetAside|TrialAndZones)|NetworkByKeys)$$
.PHONY: test-race
test-race:
	$(GO) test -race -shuffle=on -timeout 30m -skip '$(PLAIN)' $$($(GO) list ./... | grep -v /internal/eval/)

.PHONY: test-plain
test-plain:
	$(GO) test -shuffle=on ./internal/eval/...
	$(GO) test -count=1 -run '$(PLAIN)' ./internal/app ./internal/cli ./internal/api/account

# Not a part of `test`: it needs Debian's packages of llama.cpp, which it gets into a cache directory, or VEDETTE_LLAMA_SERVER.
.PHONY: test-llm
test-llm: ## run the tests against a real model server, where one can be had
	@GO=$(GO) scripts/test-llm.sh

# Everything that does not link the database driver must build in pure Go.
.PHONY: build-nocgo
build-nocgo:
	@pkgs=$$($(GO) list -f '{{$$p := .ImportPath}}{{$$cgo := false}}{{range .Deps}}{{if eq . "$(DRIVER)"}}{{$$cgo = true}}{{end}}{{end}}{{if not $$cgo}}{{$$p}}{{end}}' ./...); \
	echo "CGO_ENABLED=0 go build ($$(echo "$$pkgs" | wc -l) packages)"; CGO_ENABLED=0 $(GO) build $$pkgs

.PHONY: fuzz
fuzz: ## fuzz every target for FUZZTIME (1s; before a release: FUZZTIME=30s)
	@GO=$(GO) .ci/fuzz $(FUZZTIME)

.PHONY: bench
bench: ## run the benchmarks
	$(GO) test -run '^$$' -bench . -benchmem -benchtime $(BENCHTIME) ./...

.PHONY: bench-fleet
bench-fleet: ## measure the embedded broker with CLIENTS (10000) that publish RATE (20000) messages a second
	VEDETTE_FLEET=$(or $(CLIENTS),10000) VEDETTE_FLEET_RATE=$(or $(RATE),20000) VEDETTE_FLEET_SECONDS=$(or $(SECONDS),20) $(GO) test -count=1 -timeout 30m -v -run 'TestFleet$$' ./internal/app

.PHONY: bench-plan
bench-plan: ## measure lists, counts and plans of vulnerabilities for 100 000 and 1 000 000 devices, COUNT (6) times for benchstat
	VEDETTE_BENCH_SLOW=1 $(GO) test -run '^$$' -bench 'Page|PlanWhole|Fleet|Platforms|Million|Groups|Advisory' -benchtime 3x -count $(or $(COUNT),6) -timeout 60m ./internal/vuln/remedy ./internal/vuln/exposure

.PHONY: bench-console
bench-console: needs web ## measure the console in a real browser: a list of DEVICES (1000000), a graph of NODES (2000) and LINKS (4000), first paints
	BENCH_CONSOLE=1 BENCH_DEVICES=$(DEVICES) BENCH_NODES=$(NODES) BENCH_LINKS=$(LINKS) $(GO) test -count=1 -timeout 20m -v -run 'TestBenchConsole$$' ./internal/cli

# One run of the tests of a package may take ten minutes unless told otherwise; a thousand kills take some twenty.
.PHONY: torture
torture: needs ## kill the product KILLS (1000) times at random moments and look that nothing is lost
	@mkdir -p bin
	VEDETTE_TORTURE=$(KILLS) VEDETTE_TORTURE_LOG=$(CURDIR)/bin/torture.txt $(GO) test -count=1 -timeout 3h -v -run Torture ./internal/app
	@cat bin/torture.txt

.PHONY: edge
edge: ## cross-build the edge agent for small machines, in pure Go
	@if [ ! -d cmd/vedette-edge ]; then echo "edge: there is no cmd/vedette-edge in this tree"; exit 1; fi
	@mkdir -p bin/edge
	@for t in $(EDGES); do IFS=/ read -r os arch sub <<<"$$t"; \
	  out=bin/edge/vedette-edge-$$os-$$arch$${sub:+-$$sub}; \
	  GOARM=$$sub; GOMIPS=; if [ "$$arch" = mips ]; then GOMIPS=$$sub; GOARM=; fi; \
	  env CGO_ENABLED=0 GOOS=$$os GOARCH=$$arch $${GOARM:+GOARM=$$GOARM} $${GOMIPS:+GOMIPS=$$GOMIPS} \
	    $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o $$out ./cmd/vedette-edge; \
	  size=$$(wc -c <$$out); echo "$$out $$((size / 1048576)) MiB"; \
	  if [ $$size -gt $$((15 * 1048576)) ]; then echo "the edge agent may have at most 15 MiB"; exit 1; fi; done

.PHONY: vuln
vuln: $(TOOLS)/govulncheck-$(GOVULNCHECK) ## look for known vulnerabilities in what is linked, where the database can be reached
	@if out=$$($(TOOLS)/govulncheck-$(GOVULNCHECK) ./... 2>&1); then echo "govulncheck: $$(echo "$$out" | tail -1)"; \
	elif echo "$$out" | grep -qiE 'vuln\.go\.dev|no such host|dial tcp|connection refused|timeout|proxyconnect|HTTP GET|status: 4|status 4|status: 5|fetching vulnerabilities'; then \
	  echo "govulncheck: NOT RUN, its database cannot be reached from here:"; echo "$$out" | tail -2 | sed 's/^/  /'; \
	else echo "$$out"; exit 1; fi

.PHONY: clean
clean: ## remove what was built (the pinned tools stay)
	rm -rf bin/vedette bin/vedette-edge bin/edge dist

# Tools. The name carries the version, so that a changed pin builds anew. An
# installed golangci-lint of the same version is taken: building it takes minutes.
$(TOOLS)/gofumpt-%:
	@mkdir -p $(TOOLS)
	@echo "building gofumpt $* (once)"
	@tmp=$$(mktemp -d); GOBIN=$$tmp $(GO) install mvdan.cc/gofumpt@$* && mv $$tmp/gofumpt $@; rm -rf $$tmp

$(TOOLS)/govulncheck-%:
	@mkdir -p $(TOOLS)
	@echo "building govulncheck $* (once)"
	@tmp=$$(mktemp -d); GOBIN=$$tmp $(GO) install golang.org/x/vuln/cmd/govulncheck@$* && mv $$tmp/govulncheck $@; rm -rf $$tmp

$(TOOLS)/golangci-lint-%:
	@mkdir -p $(TOOLS)
	@for have in "$$(command -v golangci-lint || true)" "$$($(GO) env GOPATH)/bin/golangci-lint"; do \
	  if [ -x "$$have" ] && "$$have" version 2>/dev/null | grep -qF "version $(patsubst v%,%,$*) "; then cp "$$have" $@; fi; done
	@if [ ! -x $@ ]; then echo "building golangci-lint $* from source (once; some minutes)"; \
	  tmp=$$(mktemp -d); GOBIN=$$tmp $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$* && mv $$tmp/golangci-lint $@; rm -rf $$tmp; fi
