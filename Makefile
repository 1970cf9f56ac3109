# The menu. Logic lives in scripts/.

.DEFAULT_GOAL := help
.PHONY: help run build test dev check bench image
# Scripts look for everything in target/.
unexport CARGO_TARGET_DIR

help: ## this menu
	@sed -n 's/^\([a-z]*\):.*## /make \1\t/p' $(MAKEFILE_LIST) | expand -t 14

run: build ## set up, build and serve http://127.0.0.1:3000; ARGS="--listen … --data … --models …"
	target/release/plumbline serve $(ARGS)

build: ## target/release/plumbline with its pages inside, from nothing
	scripts/setup
	scripts/site release
	scripts/with-libtorch cargo build --release -p server

test: ## everything, from nothing: Rust tests, then browser tests against the release build
	scripts/setup browser
	$(MAKE) --no-print-directory build
	scripts/with-libtorch cargo test --workspace
	scripts/browser-tests

dev: ## rebuild on change and serve; ARGS as for run
	scripts/setup
	scripts/dev $(ARGS)

check: ## format, clippy, wasm, documentation, licences, colours
	scripts/setup
	scripts/check

bench: build ## measure this program and its peers, and write BENCHMARKS.md; ARGS="--quick" takes a quarter of an hour
	scripts/bench $(ARGS)

image: ## a container image named plumbline
	docker build --tag plumbline .
