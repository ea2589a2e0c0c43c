# build.mk - builds the JavaScript package into wasm/dist; a part of the Makefile.
# SPDX-License-Identifier: MIT
#
#   *.c --emcc--> godwit.wasm --wasm2js--> godwit-core.js --+
#    +--emcc--> godwit-lite.wasm                            +-esbuild-> plain.js
#   src/*.ts -----------------------------------------------+-esbuild-> index.js,
#      |     events.js, filter.js, groups.js, lite.js, map.js, people.js, record.js,
#      |     state.js
#      +-tsc--> types/*.d.ts

WASM_BUILD := build/wasm
WASM_DIST  := wasm/dist
WASM_TS    := $(sort $(wildcard wasm/src/*.ts))
# In this order the module is shortest, as gzip finds what is alike.
WASM_SRC   := $(CLIENT_SRC) $(sort $(wildcard wasm/*.c)) \
              $(filter-out proto/text.c,$(PROTO_SRC))
WASM_OBJ   := $(WASM_SRC:%.c=$(WASM_BUILD)/obj/%.o)

# godwit/lite is the same core with whole files left out, those in lean/ in their
# place, a codec that knows neither their messages nor lists, and without their
# exports.
LITE_OUT   := proto/codec.c proto/delta.c proto/lz4.c client/presence.c \
              client/members.c client/message.c client/delta.c \
              client/unpack.c client/resume.c wasm/presence.c
LITE_SRC   := $(filter-out $(LITE_OUT),$(WASM_SRC)) \
              $(sort $(wildcard client/lean/*.c wasm/lean/*.c))
LITE_OBJ   := $(LITE_SRC:%.c=$(WASM_BUILD)/obj/%.o) $(WASM_BUILD)/lite/codec.o
LITE_MESSAGES := PresenceSet PresenceGet PresenceMember PresenceSnapshot \
                 PresenceChange PresenceDiff Send Sent Message FilterTerm Tag \
                 Subscribe.filter Publish.tags Publication.tags \
                 Subscribe.delta Subscribed.delta Publication.delta \
                 Publication.delta_base Hello.codec \
                 Hello.resume Welcome.resume Welcome.resumed
# bridge_presence_set, _leave and _get.
LITE_EXPORTS  := p q r

# Bytes after gzip -9 that a page with a WebSocket may load, script and core.
WASM_BUDGETS := index.js+godwit.wasm=30000 lite.js+godwit-lite.wasm=25000

# Instructions that move bytes are in every browser since 2021; of the other
# newer ones none gains anything, and wasm2js stumbles over sign extension.
WASM_FEATURES := --enable-bulk-memory
# Calls of functions of up to so many bytes become those; measured, as is all that
# follows. The first kilobyte is nobody's (Emscripten's GLOBAL_BASE).
WASM_INLINE := --always-inline-max-function-size=7 --low-memory-unused
WASM_CFLAGS := -std=c11 -Oz -flto -mbulk-memory -DNDEBUG \
               $(INCLUDES)
# The native build warns about the other files. What is exported needs no
# prototype.
WASM_WARNINGS := $(filter-out -Wmissing-prototypes,$(WARNINGS))
# What the module asks of JavaScript is named by attributes in abi.h, so
# Emscripten's own check of symbols is off; keep-exports.mjs does it.
# -Oz chooses the smallest C library, and -O1 behind it leaves the passes of wasm-opt
# to those below, which find more in what nobody has turned over before.
WASM_LDFLAGS := -Oz -O1 -flto --no-entry -s STANDALONE_WASM=1 \
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
              people.js record.js state.js)

WASM_SCRIPTS := $(WASM_DIST)/index.js $(WASM_DIST)/lite.js $(WASM_PARTS)

WASM_OUT := $(addprefix $(WASM_DIST)/,godwit.wasm godwit-lite.wasm plain.js \
              types/index.d.ts) $(WASM_SCRIPTS) wasm/LICENSE

.PHONY: wasm-sizes
wasm: $(WASM_OUT) wasm-sizes

wasm/node_modules/.package-lock.json:
	@echo 'wasm: npm packages are missing: run make setup' >&2; exit 1

$(WASM_BUILD)/obj/%.o: %.c wasm/build.mk | $(GENERATED) build/.checked-wasm
	$(call say,EMCC)
	@mkdir -p $(@D)
	$(Q)$(EMCC) $(if $(filter wasm/%,$<),$(WASM_WARNINGS),-w) $(WASM_CFLAGS) \
	  -MMD -MP -MF $(@:.o=.d) -c $< -o $@

$(WASM_BUILD)/lite/codec_table.inc: $(GEN)/godwit.desc proto/gen_codec.py \
  wasm/build.mk
	$(call say,CODEC)
	@mkdir -p $(@D)
	$(Q)$(PYTHON) proto/gen_codec.py --descriptor $< --alias Pong \
	  --without $(LITE_MESSAGES) --table $@

$(WASM_BUILD)/lite/codec.o: proto/codec.c $(WASM_BUILD)/lite/codec_table.inc \
  | $(GENERATED) build/.checked-wasm
	$(call say,EMCC)
	$(Q)$(EMCC) -w -I$(@D) $(WASM_CFLAGS) -MMD -MP -MF $(@:.o=.d) -c $< -o $@

$(WASM_BUILD)/godwit.wasm: $(WASM_OBJ)
$(WASM_BUILD)/godwit-lite.wasm: $(LITE_OBJ)
$(WASM_BUILD)/godwit-lite.wasm: LEFT_OUT := $(LITE_EXPORTS)

$(WASM_BUILD)/%.wasm: wasm/keep-exports.mjs wasm/build.mk
	$(call say,EMCC)
	$(Q)$(EMCC) $(WASM_LDFLAGS) $(filter %.o,$^) -o $@
	$(Q)$(NODE) wasm/keep-exports.mjs $@ $(LEFT_OUT) >$(@:.wasm=-keep.json)
	$(Q)wasm-metadce $(WASM_FEATURES) -f $(@:.wasm=-keep.json) $@ -o $@ \
	  >$(@:.wasm=-removed.txt)

$(WASM_DIST)/%.wasm: $(WASM_BUILD)/%.wasm
	$(call say,OPT)
	@mkdir -p $(@D)
	$(Q)wasm-opt $(WASM_FEATURES) $(WASM_INLINE) -Oz --converge --strip-debug \
	  --strip-producers --strip-target-features $< -o $@
	$(Q)wasm-opt $(WASM_FEATURES) $(WASM_INLINE) --flatten --rereloop -Oz -Oz \
	  $@ -o $@

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

$(WASM_SCRIPTS): $(WASM_DIST)/%.js: wasm/src/%.ts $(WASM_TS) \
  wasm/src/codes.ts wasm/build.mk wasm/node_modules/.package-lock.json
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
	$(Q)$(NODE) wasm/sizes.mjs $(WASM_DIST) $(WASM_BUDGETS)

-include $(sort $(WASM_OBJ:.o=.d) $(LITE_OBJ:.o=.d))
