# `make` alone lists what there is. The work is in the small scripts in .make/.
.DEFAULT_GOAL := help
.PHONY: help run test build lint firefox bench bench-tms release packages packages-test clean toolchain browser mail sshd

# What `npm ci` writes last.
node_modules := end2end/node_modules/.package-lock.json

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' Makefile

run: build ## install what is missing, build, start the portal on http://127.0.0.1:3000
	@echo '==> starting the portal; `tms` is target/debug/tms here'
	@exec target/debug/tms-portal serve --config Leptos.toml --test-tenant

test: build browser mail sshd ## install what is missing, run every test: Rust's, then the browser's
	@.make/test

build: toolchain $(node_modules) ## the server, the command line `tms` and the site, for development
	@.make/build debug

lint: toolchain ## formatting, clippy for both halves, dependencies, shellcheck; warnings are errors
	@.make/lint

firefox: build ## the main paths once more in Debian's Firefox ESR
	@.make/firefox

bench: release ## measure the release build
	@.make/bench

bench-tms: release ## measure the TMS API of the release build with a database full of keys; DATABASE=URL: with PostgreSQL
	@.make/bench-tms $(if $(DATABASE),--database $(DATABASE))

release: toolchain $(node_modules) ## the same as build, optimised, in target/release
	@.make/build release

packages: release ## .deb, .rpm and .tar.gz packages, an OCI image and bills of materials, in target/packages
	@.make/portable
	@.make/packages

packages-test: ## install the packages in containers and try them; needs root
	@.make/packages-test

clean: ## remove all that was built and the tests' npm packages
	rm -rf target end2end/node_modules end2end/results end2end/test-results

toolchain:
	@.make/toolchain

browser:
	@.make/browser

mail:
	@.make/mail

sshd: build
	@.make/sshd

$(node_modules): end2end/package.json end2end/package-lock.json
	@.make/node
	@touch $@
