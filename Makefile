# Makefile - builds, tests and installs Godwit. `make help` lists the targets.
# SPDX-License-Identifier: MIT

# ---------------------------------------------------------------- settings --

VERSION   = 0.1.0
PREFIX    ?= /usr/local
DESTDIR   ?=
PYTHON    ?= /usr/bin/python3
NODE      ?= node
NPM       ?= npm
EMCC      ?= emcc
CLANG     ?= clang
# Value of -fsanitize for the test build; empty turns sanitizers off.
SANITIZER ?= address,undefined
# Seeds of the simulation: release-speed build, and the sanitized one.
SEEDS     ?= 2000
SAN_SEEDS ?= 200
# How large they are: empty, small, crowd, or few.
SIZE      ?=
# Seconds for each fuzz target of `make fuzz`, how many run at once, names (empty: all).
T         ?= 60
J         ?= 1
TARGETS   ?=
# Hours of `make soak`, generated messages of `make differential`.
H         ?= 1
N         ?= 100000
# `make bench QUICK=1` and `make bench-scale QUICK=1` are glances; `make bench-guard UPDATE=1` keeps the counts.
QUICK     ?=
UPDATE    ?=
# Names of mutants or bug classes for `make test-mutants`; empty: all.
MUTANTS   ?=
V         ?=

ifeq ($(origin CC),default)
CC = gcc
endif

# ------------------------------------------------------------------- lists --

APP_DIRS    := net edge middleware hooks broker store auth observe admin cli cli/replay config load

PROTO_SRC   := $(sort $(wildcard proto/*.c))
CLIENT_SRC  := $(sort $(wildcard client/*.c))
SERVER_SRC  := $(sort $(wildcard server/core/*.c server/json/*.c))
APP_SRC     := $(sort $(wildcard $(APP_DIRS:%=server/%/*.c)) \
                      $(wildcard client/ports/lws*.c))
MAIN_SRC    := $(wildcard server/main.c)
SUPPORT_SRC := $(sort $(wildcard client/ports/test*.c) \
                      $(wildcard tests/unit/support/*.c) \
                      $(wildcard tests/fuzz/support/*.c))
SIM_SRC     := $(sort $(wildcard tests/sim/*.c))
SCALE_SRC   := $(sort $(wildcard tests/bench/scale*.c))
BENCH_SRC   := $(sort $(wildcard tests/bench/load*.c))
PLUGIN_SRC  := $(sort $(wildcard examples/plugin/*.c))
BLASTER_SRC := $(sort $(wildcard tests/bench/client/*.c))
UNIT_SRC    := $(sort $(wildcard tests/unit/*_test.c))
FUZZ_SRC    := $(sort $(wildcard tests/fuzz/*_fuzz.c))

LIBS        := libgodwit-server.a libgodwit-client.a libgodwit-proto.a
PKGS        := libwebsockets libuv libprotobuf-c jansson yaml-0.1 libsodium \
               libutf8proc openssl libcurl liblz4 libpcre2-8

GEN         := build/gen
SCHEMA      := proto/godwit.proto
API_SCHEMA  := proto/api.proto proto/hooks.proto
# nanopb's reading of the schema, which tests hold the codec to.
GEN_NANOPB  := $(GEN)/nanopb/godwit.pb.c $(GEN)/nanopb/godwit.pb.h
GEN_PROTOC  := $(foreach n,godwit api hooks,$(GEN)/$n.pb-c.c $(GEN)/$n.pb-c.h)
GEN_CODES   := $(GEN)/include/godwit/codes.h $(GEN)/codes_table.inc \
               $(GEN)/codes.ts
GEN_CODEC   := $(GEN)/codec_table.inc
GEN_OPENAPI := $(GEN)/openapi.yaml $(GEN)/openapi.inc
GEN_PAGE    := $(GEN)/admin_page.inc
GENERATED   := $(GEN_PROTOC) $(GEN_CODES) $(GEN_CODEC) $(GEN_OPENAPI) \
               $(GEN_PAGE)

# Every C file that people write, for format and lint.
C_FILES      = $(sort $(shell find proto client server tests wasm examples \
                 -name node_modules -prune -o -name dist -prune \
                 -o -name '*.[ch]' -print 2>/dev/null))
PUBLIC_H     = $(wildcard proto/include/godwit/*.h client/include/godwit/*.h \
                 server/include/godwit/*.h) $(GEN)/include/godwit/codes.h

# ------------------------------------------------------------------- flags --

INCLUDES := -Iproto/include -Iclient/include -Iserver/include \
            -I$(GEN)/include -I. -isystem $(GEN)
WARNINGS := -Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes \
            -Wmissing-prototypes -Werror
PKG_CFLAGS := $(shell pkg-config --cflags $(PKGS) 2>/dev/null)
PKG_LIBS   := $(shell pkg-config --libs $(PKGS) 2>/dev/null)
CMOCKA_LIBS := $(shell pkg-config --libs cmocka 2>/dev/null)
BASE_CFLAGS := -std=c11 -g -pthread -fno-omit-frame-pointer $(INCLUDES) \
               $(PKG_CFLAGS) -DGW_VERSION='"$(VERSION)"'
# What programs that load plugins show them: the public functions.
EXPORTS    := -Wl,--export-dynamic-symbol='gw_*'
SYS_LIBS   := $(EXPORTS) -Wl,--as-needed $(PKG_LIBS) -pthread -lm -ldl

# The cores are sans-I/O and see no more than POSIX's string functions; files
# at the edge of the program may use the system as it is.
CORE_FILES := proto/% server/core/% server/json/% $(CLIENT_SRC)
defines = $(if $(filter $(CORE_FILES),$(1)),-D_POSIX_C_SOURCE=200809L,-D_GNU_SOURCE)

comma  := ,
ifeq ($(SANITIZER),address$(comma)undefined)
SAN    := build/san
else
SAN    := build/san-$(if $(SANITIZER),$(subst $(comma),-,$(SANITIZER)),none)
endif
# The test builds of `make test-threads` and `make test-valgrind`.
TSAN   := build/san-thread
PLAIN  := build/san-none
REL    := build/rel
GODWIT := build/godwit
FUZZ   := build/fuzz
MUT    := build/mut

REL_CC      = $(CC)
REL_CFLAGS  = -O2 $(WARNINGS)
REL_LDFLAGS =
SAN_CC      = $(CC)
SAN_FLAGS   = $(if $(SANITIZER),-fsanitize=$(SANITIZER) -fno-sanitize-recover=all)
SAN_CFLAGS  = -O1 $(WARNINGS) $(SAN_FLAGS)
SAN_LDFLAGS = $(SAN_FLAGS)
# Defences can be switched off one at a time: see proto/guard.h.
MUT_CC      = $(CC)
MUT_CFLAGS  = -O2 $(WARNINGS) -DGW_MUTANTS
MUT_LDFLAGS =
FUZZ_CC      = $(CLANG)
FUZZ_FLAGS   = -fsanitize=address,undefined -fno-sanitize-recover=all
FUZZ_CFLAGS  = -O1 -w $(FUZZ_FLAGS) -fsanitize=fuzzer-no-link
FUZZ_LDFLAGS = $(FUZZ_FLAGS) -fsanitize=fuzzer

# Emscripten needs Debian's node modules when node itself is not Debian's.
export NODE_PATH ?= /usr/share/nodejs
export PYTHON NODE NPM

# V=1 shows the commands; otherwise one word and the file.
Q   := $(if $(filter 1,$(V)),,@)
say  = $(if $(filter 1,$(V)),,@printf '  %-7s %s\n' $(1) $@)
JOBS = $(if $(filter -j%,$(MAKEFLAGS)),,-j$(shell nproc) --output-sync)
# Runs setup, then the target, so that what setup installed is seen.
after_setup = $(Q)scripts/setup && $(MAKE) --no-print-directory $(JOBS)

# ----------------------------------------------------------------- targets --

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SECONDARY:
.SUFFIXES:
.PHONY: all setup proto server client wasm test test-unit test-sim \
        test-integration test-e2e test-e2e-long test-wasm test-webkit \
        test-mutants test-threads test-valgrind bench fuzz lint format tidy \
        coverage install clean distclean help run build-tests docs docs-check \
        sim mutants

all: server client wasm ## build everything
setup: ## install what is missing: Debian packages, npm packages
	$(Q)scripts/setup
proto: $(GENERATED) $(REL)/libgodwit-proto.a ## generate code from the schema, build the protocol layer
client: $(REL)/libgodwit-client.a ## build the client core
server: build/godwit $(PLUGIN_SRC:examples/plugin/%.c=$(REL)/plugins/%.so) ## build the server and its commands: build/godwit
	@:

run: ## set up, build, and serve the demo on http://localhost:8000
	$(after_setup) server wasm
	@echo 'Godwit is about to listen on http://localhost:8000 (Ctrl-C stops it)'
	$(Q)exec build/godwit serve --dev

SUITES := unit fuzz-replay vectors docs sim guard wasm integration e2e
run_suites = $(Q)$(PYTHON) tests/run.py --san $(SAN) --seeds $(SEEDS) \
             --san-seeds $(SAN_SEEDS)

test: ## set up, build, and run every test that needs no long time
	$(after_setup) build-tests
	$(run_suites) $(SUITES)
test-unit: build-unit ## unit tests, fuzz corpora, golden vectors
	$(run_suites) unit fuzz-replay vectors
test-sim: build-sim ## simulated clusters; SEEDS=n SAN_SEEDS=n
	$(run_suites) sim
test-integration: build-integration wasm ## the real binary: kills, slow readers, garbage
	$(run_suites) integration
test-wasm: wasm ## the JavaScript SDK, both builds
	$(run_suites) wasm
test-mutants: wasm build-unit ## take defences away, and demand that a test notices (minutes); MUTANTS="name ..."
	$(Q)$(PYTHON) tests/mutants.py $(MUTANTS)
test-threads: wasm ## unit tests, and servers of several workers, with the thread sanitizer (8 minutes)
	$(Q)$(MAKE) --no-print-directory $(JOBS) SANITIZER=thread \
	  build-unit build-integration
	$(Q)$(PYTHON) tests/run.py --san $(TSAN) unit threads
test-valgrind: | build/.checked-proto ## unit tests under valgrind's memcheck (minutes)
	$(Q)$(MAKE) --no-print-directory $(JOBS) SANITIZER= build-unit
	$(Q)$(PYTHON) tests/run.py --san $(PLAIN) valgrind
test-e2e: build-integration wasm ## the demo in real browsers, by Playwright
	$(run_suites) e2e
test-e2e-long: server wasm ## pages under 1,000 messages a second for a minute (3 minutes)
	$(run_suites) e2e-long
test-webkit: build-integration wasm ## the SDK and the demo in WebKitGTK; installs it (7 minutes)
	$(Q)scripts/setup --with test-webkit
	$(run_suites) webkit

# -------------------------------------------------------------------- docs --

# What the reference is made of, besides sources.
DOCS_NEEDS := $(GENERATED) $(GEN)/hooks.desc build/godwit \
              wasm/dist/types/index.d.ts

.PHONY: build-docs
build-docs: $(DOCS_NEEDS) | build/.checked-docs
docs: build-docs ## the guides and a reference of all that is public, in build/docs
	$(Q)$(PYTHON) scripts/docs/site.py --node $(NODE) --version $(VERSION)
docs-check: build-docs ## name what is public and has no words, and broken links
	$(Q)$(PYTHON) scripts/docs/check.py --node $(NODE)

# ------------------------------------------------------------------ checks --

# A missing tool is named before a compiler stumbles over its absence.
build/.checked-%: scripts/setup
	@mkdir -p $(@D)
	$(Q)scripts/setup --check $*
	@touch $@

# ----------------------------------------------------------- generated code --

PROTOC = protoc -Iproto

$(SCHEMA):
	@echo 'proto: $(SCHEMA) is not there yet' >&2; exit 1

# Debian's plugin scripts start /usr/bin/python3 themselves, whatever python3
# comes first in PATH.
$(GEN_NANOPB) &: $(SCHEMA) tests/vectors/nanopb.options | build/.checked-test
	$(call say,NANOPB)
	@mkdir -p $(GEN)/nanopb
	$(Q)$(PROTOC) --plugin=protoc-gen-nanopb=/usr/bin/protoc-gen-nanopb \
	  --nanopb_out=-ftests/vectors/nanopb.options:$(GEN)/nanopb $(SCHEMA)
	@touch $(GEN_NANOPB)

$(GEN_PROTOC) &: $(SCHEMA) $(API_SCHEMA) | build/.checked-proto
	$(call say,PROTOC)
	@mkdir -p $(GEN)
	$(Q)$(PROTOC) --c_out=$(GEN) $(SCHEMA) $(API_SCHEMA)
	@touch $(GEN_PROTOC)

$(GEN)/%.desc: proto/%.proto | build/.checked-proto
	$(call say,PROTOC)
	@mkdir -p $(GEN)
	$(Q)$(PROTOC) --include_source_info --include_imports \
	  --descriptor_set_out=$@ $<

$(GEN_CODES) &: $(GEN)/godwit.desc proto/gen_codes.py
	$(call say,CODES)
	@mkdir -p $(GEN)/include/godwit
	$(Q)$(PYTHON) proto/gen_codes.py --descriptor $(GEN)/godwit.desc \
	  --c-header $(GEN)/include/godwit/codes.h \
	  --c-table $(GEN)/codes_table.inc --ts $(GEN)/codes.ts
	@touch $(GEN_CODES)

# A Pong has the field of a Ping and is handled as one.
$(GEN_CODEC): $(GEN)/godwit.desc proto/gen_codec.py
	$(call say,CODEC)
	$(Q)$(PYTHON) proto/gen_codec.py --descriptor $(GEN)/godwit.desc \
	  --alias Pong --table $@

$(GEN_OPENAPI) &: $(GEN)/api.desc proto/gen_openapi.py
	$(call say,OPENAPI)
	$(Q)$(PYTHON) proto/gen_openapi.py --descriptor $(GEN)/api.desc \
	  --version $(VERSION) --yaml $(GEN)/openapi.yaml \
	  --c-bytes $(GEN)/openapi.inc
	@touch $(GEN_OPENAPI)

ADMIN_PAGE := $(sort $(wildcard server/admin/page/*))
$(GEN_PAGE): $(ADMIN_PAGE) server/admin/gen_page.py
	$(call say,PAGE)
	@mkdir -p $(GEN)
	$(Q)$(PYTHON) server/admin/gen_page.py --table $@ $(ADMIN_PAGE)

# ---------------------------------------------------------------- flavours --

# objects,DIR,SOURCES: where a flavour keeps the objects of its sources.
objects = $(patsubst %.c,$(1)/obj/%.o,$(2))

# flavour,NAME,DIR,CHECKS: compile rules and archives of one flavour.
define flavour
$(2)/obj/%.o: %.c | $(3:%=build/.checked-%) $$(GENERATED)
	$$(call say,CC)
	@mkdir -p $$(@D)
	$$(Q)$$($(1)_CC) $$(BASE_CFLAGS) $$(call defines,$$<) $$($(1)_CFLAGS) \
	  $$(CFLAGS) -MD -MP -MF $$(@:.o=.d) -c $$< -o $$@

$(2)/obj/gen/%.o: $$(GEN)/%.c | $(3:%=build/.checked-%) $$(GENERATED)
	$$(call say,CC)
	@mkdir -p $$(@D)
	$$(Q)$$($(1)_CC) $$(BASE_CFLAGS) $$($(1)_CFLAGS) -w $$(CFLAGS) \
	  -MD -MP -MF $$(@:.o=.d) -c $$< -o $$@

$(2)/libgodwit-proto.a: $$(call objects,$(2),$$(PROTO_SRC))
$(2)/libgodwit-client.a: $$(call objects,$(2),$$(CLIENT_SRC))
$(2)/libgodwit-server.a: $$(call objects,$(2),$$(SERVER_SRC)) \
  $(2)/obj/gen/godwit.pb-c.o $(2)/obj/gen/api.pb-c.o \
  $(2)/obj/gen/hooks.pb-c.o
$(2)/libgodwit-app.a: $$(call objects,$(2),$$(APP_SRC))
$(2)/libgodwit-support.a: $$(call objects,$(2),$$(SUPPORT_SRC))

$(2)/%.a:
	$$(call say,AR)
	@mkdir -p $$(@D) && rm -f $$@
	$$(Q)ar rcs $$@ $$(filter %.o,$$^)

$(1)_LIBS := $$(LIBS:%=$(2)/%)
# Links the prerequisites; archives may name each other.
$(1)_link = $$($(1)_CC) $$($(1)_LDFLAGS) $$(LDFLAGS) -o $$@ \
  $$(filter %.o,$$^) -Wl,--start-group $$(filter %.a,$$^) -Wl,--end-group
endef

# plugin,NAME,DIR: the sample plugins of a flavour.
define plugin
$(2)/plugins/%.so: examples/plugin/%.c | build/.checked-server $$(GENERATED)
	$$(call say,PLUGIN)
	@mkdir -p $$(@D)
	$$(Q)$$($(1)_CC) $$(BASE_CFLAGS) -D_GNU_SOURCE $$($(1)_CFLAGS) $$(CFLAGS) \
	  -fPIC -fvisibility=hidden -shared $$($(1)_LDFLAGS) $$(LDFLAGS) \
	  -MD -MP -MF $$(@:.so=.d) $$< -o $$@
endef

$(eval $(call plugin,REL,$(REL)))
$(eval $(call plugin,SAN,$(SAN)))

$(eval $(call flavour,REL,$(REL),server))
$(eval $(call flavour,SAN,$(SAN),server))
$(eval $(call flavour,FUZZ,$(FUZZ),server fuzz))
$(eval $(call flavour,MUT,$(MUT),server))

# ---------------------------------------------------------------- programs --

server/main.c:
	@echo 'server: $@ is not there yet' >&2; exit 1

$(GODWIT): $(REL)/obj/server/main.o $(REL)/libgodwit-app.a $(REL_LIBS)
	$(call say,LD)
	$(Q)$(REL_link) $(SYS_LIBS)

$(SAN)/godwit: $(SAN)/obj/server/main.o $(SAN)/libgodwit-app.a $(SAN_LIBS)
	$(call say,LD)
	$(Q)$(SAN_link) $(SYS_LIBS)

build/godwit-embed: $(REL)/obj/examples/embed/main.o $(REL)/libgodwit-app.a \
  $(REL_LIBS)
	$(call say,LD)
	$(Q)$(REL_link) $(SYS_LIBS)

$(SAN)/godwit-embed: $(SAN)/obj/examples/embed/main.o $(SAN)/libgodwit-app.a \
  $(SAN_LIBS)
	$(call say,LD)
	$(Q)$(SAN_link) $(SYS_LIBS)

build/godwit-sim: $(call objects,$(REL),$(SIM_SRC)) \
  $(REL)/libgodwit-support.a $(REL_LIBS)
	$(call say,LD)
	$(Q)$(REL_link) $(SYS_LIBS)

$(SAN)/godwit-sim: $(call objects,$(SAN),$(SIM_SRC)) \
  $(SAN)/libgodwit-support.a $(SAN_LIBS)
	$(call say,LD)
	$(Q)$(SAN_link) $(SYS_LIBS)

build/godwit-sim-mutants: $(call objects,$(MUT),$(SIM_SRC)) \
  $(MUT)/libgodwit-support.a $(MUT_LIBS)
	$(call say,LD)
	$(Q)$(MUT_link) $(SYS_LIBS)

build/godwit-load: $(call objects,$(REL),$(BENCH_SRC)) \
  $(REL)/libgodwit-app.a $(REL_LIBS)
	$(call say,LD)
	$(Q)$(REL_link) $(SYS_LIBS)

build/godwit-floor: $(call objects,$(REL),tests/bench/peers/floor.c)
	$(call say,LD)
	$(Q)$(REL_link)

build/godwit-scale: $(call objects,$(REL),$(SCALE_SRC)) $(REL_LIBS)
	$(call say,LD)
	$(Q)$(REL_link) $(SYS_LIBS)

build/godwit-blaster: $(call objects,$(REL),$(BLASTER_SRC)) $(REL_LIBS)
	$(call say,LD)
	$(Q)$(REL_link) $(SYS_LIBS)

build/godwit-guard: $(call objects,$(REL),tests/bench/guard.c) $(REL_LIBS)
	$(call say,LD)
	$(Q)$(REL_link) $(SYS_LIBS)

# The server once more, compiled with a profile of itself under load. The first
# build counts, the second is for use; code that the load did not reach is
# compiled as ever.
RELEASE  := build/release
COUNTING := $(RELEASE)/counting
PROFILE  := $(RELEASE)/profile
COUNT_FLAGS   = -fprofile-generate -fprofile-update=prefer-atomic
RELEASE_FLAGS = -fprofile-use -fprofile-partial-training -fomit-frame-pointer \
                -O2 -flto=auto -w
# built,DIR,FLAGS: the flavour REL in another folder and with more flags.
built = $(Q)+$(MAKE) --no-print-directory $(JOBS) REL=$(1) GODWIT=$(1)/godwit \
  REL_CFLAGS='$(REL_CFLAGS) $(2)' REL_LDFLAGS='$(REL_LDFLAGS) $(2)' $(1)/godwit

.PHONY: release build-release
release: ## the server for production, compiled with a profile: build/release/godwit (2 to 5 minutes)
	$(after_setup) build-release
build-release: build/godwit-load
	$(call built,$(COUNTING),$(COUNT_FLAGS))
	$(Q)$(MAKE) --no-print-directory $(PROFILE)
	$(call built,$(RELEASE),$(RELEASE_FLAGS))

# The counts lie beside the objects, where the compiler looks for them.
$(PROFILE): $(COUNTING)/godwit tests/bench/train.py
	$(call say,TRAIN)
	$(Q)find $(COUNTING) -name '*.gcda' -delete
	$(Q)$(PYTHON) tests/bench/train.py $<
	$(Q)rm -rf $(RELEASE)/obj $(RELEASE)/*.a $(RELEASE)/godwit
	$(Q)cd $(COUNTING) && find obj -name '*.gcda' -exec cp --parents {} .. \;
	@touch $@

# Archives give a test only the objects that it uses, so that it may stand in
# for the others.
$(SAN)/tests/unit/%_test: $(SAN)/obj/tests/unit/%_test.o \
  $(SAN)/libgodwit-support.a $(SAN)/libgodwit-app.a $(SAN_LIBS)
	$(call say,LD)
	@mkdir -p $(@D)
	$(Q)$(SAN_link) $(CMOCKA_LIBS) $(SYS_LIBS)

$(SAN)/obj/tests/unit/vectors_test.o: | $(GEN_NANOPB)
$(SAN)/tests/unit/vectors_test: $(SAN)/obj/gen/nanopb/godwit.pb.o
$(SAN)/tests/unit/vectors_test: SYS_LIBS += -lprotobuf-nanopb

$(SAN)/tests/fuzz/%_replay: $(SAN)/obj/tests/fuzz/%_fuzz.o \
  $(SAN)/obj/tests/fuzz/replay_main.o $(SAN)/libgodwit-support.a \
  $(SAN)/libgodwit-app.a $(SAN_LIBS)
	$(call say,LD)
	@mkdir -p $(@D)
	$(Q)$(SAN_link) $(SYS_LIBS)

$(FUZZ)/%_fuzz: $(FUZZ)/obj/tests/fuzz/%_fuzz.o $(FUZZ)/libgodwit-support.a \
  $(FUZZ)/libgodwit-app.a $(FUZZ_LIBS)
	$(call say,LD)
	$(Q)$(FUZZ_link) $(SYS_LIBS)

UNIT_BIN   := $(UNIT_SRC:tests/unit/%.c=$(SAN)/tests/unit/%)
REPLAY_BIN := $(FUZZ_SRC:tests/fuzz/%_fuzz.c=$(SAN)/tests/fuzz/%_replay)
FUZZ_BIN   := $(FUZZ_SRC:tests/fuzz/%_fuzz.c=$(FUZZ)/%_fuzz)

.PHONY: build-unit build-sim build-integration
build-unit: $(UNIT_BIN) $(REPLAY_BIN)
build-sim: build/godwit-sim $(SAN)/godwit-sim build/godwit-sim-mutants
build-integration: $(SAN)/godwit $(SAN)/godwit-embed build/godwit \
  $(PLUGIN_SRC:examples/plugin/%.c=$(SAN)/plugins/%.so)
# Benchmarks as well: they are to build when somebody wants to measure.
build-tests: build-unit build-sim build-integration build-docs build-bench \
  server wasm build/godwit-guard build/godwit-scale build/godwit-blaster

# ---------------------------------------------------------------- browsers --

# The rules of wasm/dist: they add prerequisites to `wasm` and `test-wasm`.
-include wasm/build.mk
ifeq ($(wildcard wasm/build.mk),)
wasm:
	@echo 'wasm: wasm/build.mk is not there yet' >&2; exit 1
endif
wasm: ## build the browser SDK into wasm/dist

# ------------------------------------------------------------------- speed --

# The other servers come when bench runs.
.PHONY: build-bench bench-client bench-guard bench-scale
build-bench: server build/godwit-load build/godwit-floor

bench: ## compare with other servers (25 minutes, QUICK=1: 2, and `make release`), write docs/performance.md
	$(after_setup) build-bench build-release
	$(Q)$(PYTHON) tests/bench/run.py $(if $(filter 1,$(QUICK)),--quick)

bench-scale: ## what TLS, workers and large numbers cost (an hour), write docs/performance.md
	$(after_setup) build-bench build-release build/godwit-scale
	$(Q)$(PYTHON) tests/bench/scale.py $(if $(filter 1,$(QUICK)),--quick)

bench-client: ## compare the JavaScript client with others (20 minutes, QUICK=1: 3)
	$(after_setup) wasm server build/godwit-blaster
	$(Q)$(PYTHON) tests/bench/client/run.py $(if $(filter 1,$(QUICK)),--quick)

bench-guard: build/godwit-guard build/.checked-test ## count instructions of the hot paths; UPDATE=1 keeps them
	$(Q)$(PYTHON) tests/bench/guard.py $< $(if $(filter 1,$(UPDATE)),--update)

# -------------------------------------------------------------- simulation --

sim: build/godwit-sim ## simulated clusters only, at full speed; SEEDS=n SIZE=small, crowd or few
	$(Q)$< --seeds $(SEEDS) $(SIZE:%=--%)

# Some are noticed by one seed in a thousand.
mutants: SEEDS := 4000
mutants: build/godwit-sim-mutants ## switch off each defence in turn: a simulated cluster has to notice; SEEDS=n
	$(Q)$< --mutants --seeds $(SEEDS)

# ---------------------------------------------------------------- coverage --

# The test build again, by another compiler with counters instead of sanitizers.
# Behind the assert of strict C, clang 14 takes the next line for one that is
# never reached; that of GNU C does not mislead it.
COV       := build/cov
COV_FLAGS := -fprofile-instr-generate -fcoverage-mapping -U__STRICT_ANSI__
coverage: build/.checked-coverage ## run the tests with counters, write build/coverage (15 minutes)
	$(Q)$(MAKE) --no-print-directory $(JOBS) SAN=$(COV) SAN_CC=$(CLANG) \
	  SAN_FLAGS='$(COV_FLAGS)' SAN_CFLAGS='-O1 -w $(COV_FLAGS)' \
	  build-unit build-sim build-integration build-docs server wasm
	$(Q)$(PYTHON) tests/coverage.py --san $(COV) --node $(NODE)

ifeq ($(FUZZ_SRC),)
fuzz:
	@echo 'fuzz: no target in tests/fuzz yet' >&2; exit 1
else
fuzz: $(FUZZ_BIN)
	$(Q)$(PYTHON) tests/fuzz/run.py --seconds $(T) --jobs $(J) \
	  $(if $(TARGETS),$(TARGETS:%=$(FUZZ)/%_fuzz),$(FUZZ_BIN))
endif
fuzz: ## fuzz every target (TARGETS=) for T seconds each (60), J at once (1)

.PHONY: soak differential
differential: $(SAN)/tests/unit/json_differential_test ## read N generated messages as python3-protobuf does; N=100000
	$(Q)$(PYTHON) tests/json/differential.py $< $(N)

soak: server ## a server under mixed load for H hours, which must not grow; H=1
	$(Q)$(NODE) tests/soak/soak.mjs $(H)

# ------------------------------------------------------------ housekeeping --

lint: build/.checked-lint ## check the format and the direction of includes
	$(Q)clang-format --dry-run -Werror $(C_FILES)
	$(Q)$(PYTHON) scripts/check-layers
	$(Q)grep -q '"version": "$(VERSION)"' wasm/package.json || \
	  { echo 'lint: wasm/package.json has another version' >&2; exit 1; }

# What cppcheck is not asked, with reasons: it does not see that the macros of
# uthash and utlist set what they walk with (gcc, clang and valgrind look for
# the same); readdir_r is deprecated; headers of libraries are not its matter; it
# takes the functions that wire.h makes by one macro for each other, and the head
# that is NULL for a message.
CPPCHECK := cppcheck --quiet --std=c11 --library=posix -D_GNU_SOURCE \
  --enable=warning,performance,portability --error-exitcode=1 -j$(shell nproc) \
  --suppress=uninitvar --suppress=readdirCalled \
  --suppress=preprocessorErrorDirective --suppress=missingIncludeSystem \
  --suppress=ctunullpointer:proto/codec.c
# These are tables of bytes, for which clang-tidy takes minutes.
TIDY_FILES = $(filter-out server/net/openapi.c server/admin/page.c,$(sort $(PROTO_SRC) \
               $(CLIENT_SRC) $(SERVER_SRC) $(APP_SRC) $(MAIN_SRC)))
tidy: build/.checked-lint $(GENERATED) ## clang-tidy and cppcheck over the C sources (15 minutes)
	$(Q)$(CPPCHECK) $(INCLUDES:-isystem=-I) -DGW_VERSION='"$(VERSION)"' $(TIDY_FILES)
	$(Q)printf '%s\n' $(TIDY_FILES) | xargs -P$(shell nproc) -I{} sh -c \
	  'echo "  TIDY    {}"; clang-tidy --quiet {} -- -std=c11 -D_GNU_SOURCE \
	  $(INCLUDES) $(PKG_CFLAGS) -DGW_VERSION=\"$(VERSION)\" 2>/dev/null'

format: build/.checked-lint ## format the C sources in place
	$(Q)clang-format -i $(C_FILES)

# Where one was made, it is what is installed.
RELEASED := $(wildcard $(RELEASE)/godwit)
install: server client $(REL)/libgodwit-app.a $(RELEASED:%=build-release) ## install under PREFIX (/usr/local), below DESTDIR if given
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/lib/pkgconfig \
	  $(DESTDIR)$(PREFIX)/include/godwit
	install -m 755 $(or $(RELEASED),$(GODWIT)) $(DESTDIR)$(PREFIX)/bin/
	install -m 644 $(LIBS:%=$(REL)/%) $(REL)/libgodwit-app.a $(DESTDIR)$(PREFIX)/lib/
	install -m 644 $(PUBLIC_H) $(DESTDIR)$(PREFIX)/include/godwit/
	sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@VERSION@|$(VERSION)|' \
	  -e 's|@REQUIRES@|$(PKGS)|' scripts/godwit.pc.in \
	  > $(DESTDIR)$(PREFIX)/lib/pkgconfig/godwit.pc

# What setup fetched stays: cleaning should not need the network afterwards.
clean: ## remove what was built; distclean also what setup fetched
	$(Q)rm -rf wasm/dist playwright/test-results
	$(Q)[ ! -d build ] || find build -mindepth 1 -maxdepth 1 \
	  ! -name setup ! -name bench -exec rm -rf {} +

distclean:
	$(Q)rm -rf build wasm/dist wasm/node_modules playwright/node_modules \
	  playwright/test-results

help: ## this list
	@echo 'make TARGET [V=1] [SANITIZER=...] [CC=...] [EMCC=...]'
	@sed -n 's/^\([a-z][a-z0-9-]*\):.*## \(.*\)/\1\t\2/p' Makefile | \
	  awk -F '\t' '{ printf "  %-17s %s\n", $$1, $$2 }'

-include $(shell find $(REL) $(SAN) $(FUZZ) $(MUT) -name '*.d' 2>/dev/null)
