# build.mk - builds the JavaScript package into wasm/dist; a part of the Makefile.
# SPDX-License-Identifier: MIT
#
#   *.c --emcc--> godwit.wasm --wasm2js--> godwit-core.js --+
#                                                           +-esbuild-> plain.js
#   src/*.ts -----------------------------------------------+-esbuild-> index.js,
#      |       events.js, filter.js, groups.js, map.js, people.js, state.js
#      +-tsc--> types/*.d.ts

WASM_BUILD := build/wasm
WASM_DIST  := wasm/dist
WASM_TS    := $(sort $(wildcard wasm/src/*.ts))
WASM_SRC   := $(PROTO_SRC) $(CLIENT_SRC) $(sort $(wildcard wasm/*.c))
WASM_OBJ   := $(WASM_SRC:%.c=$(WASM_BUILD)/obj/%.o)
# Bytes after gzip -9 that a page with a WebSocket may load, script and core.
WASM_BUDGET := 29500

# Instructions that move bytes are in every browser since 2021; of the other
# newer ones none gains anything, and wasm2js stumbles over sign extension.
WASM_FEATURES := --enable-bulk-memory
WASM_CFLAGS := -std=c11 -Oz -flto -mbulk-memory -DNDEBUG \
               $(INCLUDES)
# The native build warns about the other files. What is exported needs no
# prototype.
WASM_WARNINGS := $(filter-out -Wmissing-prototypes,$(WARNINGS))
# What the module asks of JavaScript is named by attributes in abi.h, so
# Emscripten's own check of symbols is off; keep-exports.mjs does it.
WASM_LDFLAGS := -Oz -flto --no-entry -s STANDALONE_WASM=1 \
                -s ALLOW_MEMORY_GROWTH=1 -s INITIAL_MEMORY=1048576 \
                -s TOTAL_STACK=65536 -s ERROR_ON_UNDEFINED_SYMBOLS=0 \
                -s WARN_ON_UNDEFINED_SYMBOLS=0

# Members that no application sees begin with _, and get short names.
WASM_BIN = $(CURDIR)/wasm/node_modules/.bin
ESBUILD = $(WASM_BIN)/esbuild --log-level=warning --bundle --format=esm \
          --minify --target=es2022 --charset=utf8 --mangle-props=^_[a-z] \
          --define:__VERSION__='"$(VERSION)"' --sourcemap

# What a page loads besides, if it wants: on top of remote calls.
WASM_PARTS := $(addprefix $(WASM_DIST)/,events.js filter.js groups.js map.js \
              people.js state.js)

WASM_OUT := $(addprefix $(WASM_DIST)/,godwit.wasm index.js plain.js \
              types/index.d.ts) $(WASM_PARTS) wasm/LICENSE

.PHONY: wasm-sizes
wasm: $(WASM_OUT) wasm-sizes

wasm/node_modules/.package-lock.json:
	@echo 'wasm: npm packages are missing: run make setup' >&2; exit 1

$(WASM_BUILD)/obj/%.o: %.c wasm/build.mk | $(GENERATED) build/.checked-wasm
	$(call say,EMCC)
	@mkdir -p $(@D)
	$(Q)$(EMCC) $(if $(filter wasm/%,$<),$(WASM_WARNINGS),-w) $(WASM_CFLAGS) \
	  -MMD -MP -MF $(@:.o=.d) -c $< -o $@

$(WASM_BUILD)/godwit.wasm: $(WASM_OBJ) wasm/keep-exports.mjs
	$(call say,EMCC)
	$(Q)$(EMCC) $(WASM_LDFLAGS) $(WASM_OBJ) -o $@
	$(Q)$(NODE) wasm/keep-exports.mjs $@ >$(WASM_BUILD)/keep.json
	$(Q)wasm-metadce $(WASM_FEATURES) -f $(WASM_BUILD)/keep.json $@ -o $@ \
	  >$(WASM_BUILD)/removed.txt

$(WASM_DIST)/godwit.wasm: $(WASM_BUILD)/godwit.wasm
	$(call say,OPT)
	@mkdir -p $(@D)
	$(Q)wasm-opt $(WASM_FEATURES) -Oz --converge --strip-debug \
	  --strip-producers --strip-target-features $< -o $@
	$(Q)wasm-opt $(WASM_FEATURES) --flatten --rereloop -Oz -Oz $@ -o $@

# The plain build is optimised again by what wasm2js does itself.
$(WASM_BUILD)/wasm2js.js: $(WASM_DIST)/godwit.wasm
	$(call say,WASM2JS)
	$(Q)wasm2js $(WASM_FEATURES) -Oz $< -o $@

$(WASM_DIST)/godwit-core.js: $(WASM_BUILD)/wasm2js.js wasm/plain-core.mjs \
  wasm/node_modules/.package-lock.json
	$(call say,PLAIN)
	$(Q)$(NODE) wasm/plain-core.mjs $< $(WASM_BUILD)/plain-core.js
	$(Q)$(WASM_BIN)/esbuild --log-level=warning --format=esm --minify \
	  --target=es2022 $(WASM_BUILD)/plain-core.js --outfile=$@

wasm/src/codes.ts: $(GEN)/codes.ts wasm/make-codes.mjs \
  wasm/node_modules/.package-lock.json
	$(call say,CODES)
	@mkdir -p $(WASM_BUILD)
	$(Q)$(WASM_BIN)/esbuild --log-level=warning --format=esm $< \
	  --outfile=$(WASM_BUILD)/codes.mjs
	$(Q)$(NODE) wasm/make-codes.mjs $(CURDIR)/$(WASM_BUILD)/codes.mjs >$@

$(WASM_DIST)/index.js: $(WASM_TS) wasm/src/codes.ts wasm/build.mk \
  wasm/node_modules/.package-lock.json
	$(call say,ESBUILD)
	$(Q)$(ESBUILD) wasm/src/index.ts --outfile=$@

$(WASM_PARTS): $(WASM_DIST)/%.js: wasm/src/%.ts $(WASM_TS) wasm/build.mk \
  wasm/node_modules/.package-lock.json
	$(call say,ESBUILD)
	$(Q)$(ESBUILD) $< --outfile=$@

$(WASM_DIST)/plain.js: $(WASM_DIST)/godwit-core.js $(WASM_TS) \
  wasm/src/codes.ts wasm/build.mk wasm/node_modules/.package-lock.json
	$(call say,ESBUILD)
	$(Q)$(ESBUILD) --alias:'#godwit-core'=./$(WASM_DIST)/godwit-core.js \
	  wasm/src/plain.ts --outfile=$@

$(WASM_DIST)/types/index.d.ts: $(WASM_TS) wasm/src/codes.ts wasm/tsconfig.json \
  wasm/node_modules/.package-lock.json
	$(call say,TSC)
	$(Q)$(WASM_BIN)/tsc -p wasm
	@touch $@

wasm/LICENSE: LICENSE
	$(Q)cp $< $@

wasm-sizes: $(WASM_OUT)
	$(Q)$(NODE) wasm/sizes.mjs $(WASM_BUDGET) $(WASM_DIST)

-include $(WASM_OBJ:.o=.d)
