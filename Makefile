# make demo   build portproof, replay the demo recording, leave a report in reports/backup-run/
# make test   run every test
# make help   everything else

CARGO   ?= cargo
# Features to build with; empty (make demo FEATURES=) builds without libpcap and so without `record`.
FEATURES ?= live
PROFILE ?= dev
INSTALL ?= yes

# A shell opened before rustup ran does not know its directory yet. What PATH names comes first.
export PATH := $(PATH):$(HOME)/.cargo/bin

ifeq ($(FEATURES),live)
feature_flags =
else
feature_flags = --no-default-features --features "program $(FEATURES)"
endif
bootstrap_flags = $(if $(filter live,$(subst $(comma), ,$(FEATURES))),,--without-libpcap)
comma = ,
again = make $(or $(MAKECMDGOALS),demo)$(if $(feature_flags), FEATURES=$(FEATURES))

target_dir = $(or $(CARGO_TARGET_DIR),target)
portproof = $(target_dir)/$(if $(filter dev,$(PROFILE)),debug,$(PROFILE))/portproof

.DEFAULT_GOAL = help
.NOTPARALLEL:
.PHONY: help demo sample test build fetch bootstrap fmt lint doc calibrate lab bench instructions budgets peers dist clean-reports clean

help: ## this list
	@echo "make TARGET [FEATURES=live|] [PROFILE=dev|dist] [INSTALL=yes|no]"
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  \1|\2/p' $(MAKEFILE_LIST) | while IFS='|' read -r target text; do \
		printf '%-16s %s\n' "$$target" "$$text"; done

demo: build ## install what is missing, build, replay captures/backup-run.pcapng into reports/backup-run/
	@echo "$(portproof) report captures/backup-run.pcapng --site captures/backup-run.site.toml -o reports/backup-run"
	@$(portproof) report captures/backup-run.pcapng --site captures/backup-run.site.toml -o reports/backup-run

sample: build ## make the tracked sample report anew (reports/sample/, its page and CSV tables)
	@$(portproof) -q report captures/backup-run.pcapng --site captures/backup-run.site.toml -o reports/sample
	@rm -f reports/sample/*.json reports/sample/*.parquet reports/sample/flows.csv

test: fetch ## install what is missing, run every test (TEST_FLAGS='--test NAME' for some)
	@$(CARGO) test --locked $(feature_flags) $(TEST_FLAGS) -- --quiet

build: fetch ## build the program (target/debug/portproof)
	@[ -d $(target_dir) ] || echo "First build: about 250 crates, some minutes. Later builds take seconds."
	@$(CARGO) build --locked --profile $(PROFILE) $(feature_flags) --bin portproof

# Apart from building, so that a machine without a network is told what is wrong in plain words.
fetch: bootstrap
	@$(CARGO) fetch --locked --target "$$(rustc -vV | sed -n 's/^host: //p')" || { \
		echo "The dependencies could not be fetched, see above. The first build needs the network (or cargo told about a" >&2; \
		echo "mirror or a vendored copy); later builds do not." >&2; exit 2; }

bootstrap: ## check for cargo, a C compiler and libpcap; install what is missing by apt, or say what to run
	@CARGO='$(CARGO)' INSTALL='$(INSTALL)' scripts/bootstrap.sh $(bootstrap_flags) --again '$(again)'

fmt: ## format the code
	@$(CARGO) fmt

lint: fetch ## check the format, and clippy with warnings denied
	@$(CARGO) fmt --check
	@$(CARGO) clippy --locked $(feature_flags) --all-targets -- -D warnings

calibrate: fetch ## run the estimators over recordings whose truth is known (prints the tables of docs/estimators.md)
	@$(CARGO) run --locked $(feature_flags) --example calibrate -- 1000

doc: fetch ## build the documentation with warnings denied (target/doc/portproof/index.html)
	@RUSTDOCFLAGS="-D warnings" $(CARGO) doc --locked $(feature_flags) --no-deps

lab: fetch ## record real programs in network namespaces and compare (root; installs packages, see tests/lab/README.md)
	@.ci/run lab

bench: fetch ## run the benchmarks (builds every dependency again, optimised)
	@$(CARGO) bench --locked $(feature_flags)

instructions: fetch ## count the instructions per frame of each stage (valgrind), fail above benches/instructions.toml
	@$(count_instructions)

budgets: fetch ## make the instructions that are counted now the budgets (benches/instructions.toml)
	@$(count_instructions) -- --write

count_instructions = $(CARGO) bench --locked --no-default-features --bench instructions

peers: ## compare with other meters (make peers DIR=where/the/captures/are PEERS_FLAGS='--write'; target/dist/portproof)
	@scripts/peers.py $(PEERS_FLAGS) $(or $(DIR),$(error DIR= names the folder with the captures, see scripts/peers.py --help))

dist: fetch ## build the program for shipping (target/dist/portproof; slow)
	@$(CARGO) build --locked --profile dist $(feature_flags) --bin portproof

clean-reports: ## delete all reports but the sample
	@if [ -d reports ]; then find reports -mindepth 1 -maxdepth 1 ! -name sample -exec rm -rf {} +; fi

clean: clean-reports ## delete all reports but the sample, and everything built
	@$(CARGO) clean
