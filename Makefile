# SPDX-License-Identifier: Apache-2.0
# postoak: the only build file. "make help" lists what there is to make.

VERSION      = 0.1.0
BUILD       ?= build

# GNU install variables; every compiled-in path follows them.
prefix        ?= /usr/local
exec_prefix   ?= $(prefix)
bindir        ?= $(exec_prefix)/bin
sbindir       ?= $(exec_prefix)/sbin
libdir        ?= $(exec_prefix)/lib
saslplugindir ?= $(libdir)/sasl2
datadir       ?= $(prefix)/share
mandir        ?= $(datadir)/man
docdir        ?= $(datadir)/doc/postoak
bashcompdir   ?= $(datadir)/bash-completion/completions
# Debian's packages have theirs in zsh/vendor-completions.
zshcompdir    ?= $(datadir)/zsh/site-functions
sysconfdir    ?= /etc
unitdir       ?= $(prefix)/lib/systemd/system
sysusersdir   ?= $(prefix)/lib/sysusers.d
tmpfilesdir   ?= $(prefix)/lib/tmpfiles.d
localstatedir ?= /var
runstatedir   ?= /run
INSTALL       ?= install

CC           ?= cc
AR           ?= ar
PKG_CONFIG   ?= pkg-config
PYTHON        = /usr/bin/python3
V            ?= 0
Q             = $(if $(filter 1,$(V)),,@)
say           = $(if $(filter 1,$(V)),@:,@printf '  %-7s %s\n')

OPT          ?= -O2 -g
WARN          = -Wall -Wextra -Wpedantic -Wformat=2 -Wshadow -Wstrict-prototypes \
                -Wmissing-prototypes -Wpointer-arith -Wwrite-strings -Wcast-qual \
                -Wundef -Wvla -Wconversion -Wno-sign-conversion \
                $(if $(WERROR),-Werror)
# The OpenSSF guide's flags as far as gcc 12 and clang 14 take them.
HARDEN        = $(if $(SAN),,-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3) \
                -fstack-protector-strong -fstack-clash-protection \
                $(shell $(CC) -fcf-protection -E -xc /dev/null >/dev/null 2>&1 && echo -fcf-protection) \
                -fno-strict-overflow -fno-delete-null-pointer-checks
SANFLAGS      = $(if $(SAN),-fsanitize=$(SAN) -fno-omit-frame-pointer)
# The QR code of a login by device code is optional.
HAVE_QRENCODE = $(shell $(PKG_CONFIG) --exists libqrencode 2>/dev/null && echo -DHAVE_QRENCODE)
HAVE_HIREDIS := $(shell $(PKG_CONFIG) --exists hiredis 2>/dev/null && echo -DHAVE_HIREDIS)
DEFS          = $(HAVE_QRENCODE) $(HAVE_HIREDIS) -DPOSTOAK_VERSION='"$(VERSION)"' \
                -DPOSTOAK_SYSCONFDIR='"$(sysconfdir)"' \
                -DPOSTOAK_LOCALSTATEDIR='"$(localstatedir)"' \
                -DPOSTOAK_RUNSTATEDIR='"$(runstatedir)"'
ALL_CFLAGS    = -std=c11 $(OPT) $(WARN) $(HARDEN) $(SANFLAGS) $(CFLAGS)
ALL_CPPFLAGS  = -D_DEFAULT_SOURCE $(DEFS) -Icommon -I$(BUILD)/gen $(CPPFLAGS)
ALL_LDFLAGS   = -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack $(SANFLAGS) $(LDFLAGS)

pc            = $(shell $(PKG_CONFIG) $(1) $(2) 2>/dev/null)

# What may live inside another program's process.
PLUGIN_SAFE   = err buf wire
PLUGIN_SRC    = $(wildcard sasl-plugin/*.c) $(PLUGIN_SAFE:%=common/%.c)
COMMON_SRC    = $(wildcard common/*.c)
TOKEND_SRC    = $(wildcard tokend/*.c)
# So are counters shared by several hosts.
SHARED_SRC    = $(addprefix milter/,counters_shared.c counters_shared_keys.c counters_redis_keys.c counters_own_keys.c counters_keeper.c counters_state.c counters_news.c counters_own.c own_file.c counters_redis.c counters_script.c redis_pool.c redis_link.c redis_tls.c)
MILTER_SRC    = $(filter-out $(if $(HAVE_HIREDIS),,$(SHARED_SRC)),$(wildcard milter/*.c))
CLI_SRC       = $(wildcard cli/*.c)

PLUGIN_OBJ    = $(PLUGIN_SRC:%.c=$(BUILD)/pic/%.o)
COMMON_OBJ    = $(COMMON_SRC:%.c=$(BUILD)/obj/%.o)
TOKEND_OBJ    = $(TOKEND_SRC:%.c=$(BUILD)/obj/%.o)
MILTER_OBJ    = $(MILTER_SRC:%.c=$(BUILD)/obj/%.o)
CLI_OBJ       = $(CLI_SRC:%.c=$(BUILD)/obj/%.o)

COMMON_LIBS   = $(call pc,--libs,json-c libconfuse)
TOKEND_LIBS   = $(call pc,--libs,libevent_core libevent_extra libcurl libssl libcrypto)
CLI_LIBS      = $(call pc,--libs,libqrencode) $(call pc,--libs,libcurl libcrypto) -lresolv
MILTER_LIBS   = -lmilter -llmdb $(if $(HAVE_HIREDIS),-lhiredis $(call pc,--libs,libssl libcrypto)) -pthread

PROGRAMS      = $(BUILD)/postoak-tokend $(BUILD)/postoak-milter $(BUILD)/postoak
PLUGIN        = $(BUILD)/libpostoak.so

.PHONY: all
all: $(PLUGIN) $(PROGRAMS)
	@:

.PHONY: help
help:
	@echo 'make            build everything into $(BUILD)/'
	@echo 'make run        a complete relay, with the stand-in for Office 365;'
	@echo '                ONCE=1 ends after the first message, CONFIG=FILE'
	@echo '                relays to the real servers of that configuration'
	@echo 'make check      install what the tests need, build, lint, test'
	@echo 'make unit e2e lint   the parts of make check'
	@echo 'make fuzz       libFuzzer over the parsers, FUZZ_SECONDS=60 each'
	@echo 'make bench      size and speed; ONLY=NAME measures one figure,'
	@echo '                PEER=PLUGIN.so compares another SASL plugin'
	@echo 'make tsan       the milter with ThreadSanitizer under load'
	@echo 'make install    DESTDIR and the GNU directory variables are obeyed'
	@echo 'make format     clang-format over all C files'
	@echo 'V=1 shows commands; SAN=address,undefined or SAN=thread sanitizes;'
	@echo 'HAVE_HIREDIS= or HAVE_QRENCODE= builds without that library'

$(PLUGIN): $(PLUGIN_OBJ) sasl-plugin/libpostoak.map
	$(say) LINK $@
	$(Q)$(CC) $(ALL_CFLAGS) -shared $(ALL_LDFLAGS) $(if $(SAN),,-Wl,-z,defs) \
	    -Wl,--version-script=sasl-plugin/libpostoak.map -o $@ $(PLUGIN_OBJ)

$(BUILD)/postoak-tokend: $(TOKEND_OBJ) $(COMMON_OBJ)
	$(say) LINK $@
	$(Q)$(CC) $(ALL_CFLAGS) -pie $(ALL_LDFLAGS) -o $@ $^ $(TOKEND_LIBS) $(COMMON_LIBS)

$(BUILD)/postoak-milter: $(MILTER_OBJ) $(COMMON_OBJ)
	$(say) LINK $@
	$(Q)$(CC) $(ALL_CFLAGS) -pie $(ALL_LDFLAGS) -o $@ $^ $(MILTER_LIBS) $(COMMON_LIBS)

$(BUILD)/postoak: $(CLI_OBJ) $(COMMON_OBJ)
	$(say) LINK $@
	$(Q)$(CC) $(ALL_CFLAGS) -pie $(ALL_LDFLAGS) -o $@ $^ $(CLI_LIBS) $(COMMON_LIBS)

# The paths are compiled in: other ones than the last time compile anew.
.PHONY: paths
$(BUILD)/gen/paths: paths
	@mkdir -p $(@D)
	@echo '$(subst ',,$(DEFS))' >$@.new
	@cmp -s $@.new $@ && rm $@.new || mv $@.new $@

$(BUILD)/obj/%.o: %.c $(BUILD)/gen/paths | generated
	@mkdir -p $(@D)
	$(say) CC $<
	$(Q)$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -fPIE -MMD -MP -c -o $@ $<

$(BUILD)/pic/%.o: %.c $(BUILD)/gen/paths
	@mkdir -p $(@D)
	$(say) CC-PIC $<
	$(Q)$(CC) $(ALL_CPPFLAGS) $(ALL_CFLAGS) -fPIC -fvisibility=hidden -MMD -MP -c -o $@ $<

# Tables kept as text are compiled in: NAME.tsv becomes gen/NAME.inc, one
# initialiser a row, strings quoted for C, numbers (first column) left alone.
TABLES        = $(patsubst %.tsv,$(BUILD)/gen/%.inc,$(notdir $(wildcard common/*.tsv cli/*.tsv))) \
                $(BUILD)/gen/counters.lua.inc
.PHONY: generated
generated: $(TABLES)
vpath %.tsv common cli
vpath %.lua milter
$(BUILD)/gen/%.inc: %.tsv common/table.awk
	@mkdir -p $(@D)
	$(Q)LC_ALL=C awk -f common/table.awk $< >$@.new && mv $@.new $@

# The script that runs inside Redis, byte by byte, and its SHA-1: its name there.
$(BUILD)/gen/%.lua.inc: %.lua
	@mkdir -p $(@D)
	$(Q){ printf '#define POSTOAK_COUNTERS_SHA "%s"\n' "$$(sha1sum <$< | cut -c1-40)"; \
	    od -An -v -tx1 $< | sed 's/ \(..\)/0x\1,/g'; } >$@.new && mv $@.new $@

# --- tests -----------------------------------------------------------------

# One program per file tests/unit/test_NAME.c. Its first lines may name what it
# is linked with beside common: "link: milter/address milter/rewrite" and the
# libraries: "libs: sasl milter".
UNIT_SRC      = $(wildcard tests/unit/test_*.c)
UNIT          = $(UNIT_SRC:tests/unit/%.c=$(BUILD)/unit/%) $(FUZZ:%=$(BUILD)/unit/test_fuzz_%)
# Programs of the same form that end-to-end tests ask.
UNIT_TOOLS    = $(BUILD)/unit/addresses $(BUILD)/unit/hostile_blocks
# Counters come with those shared by several hosts, if they are built.
unit_link     = $(foreach m,$(shell sed -n 's/^ \* link: //p' $(1)),$(m) \
                $(if $(filter milter/counters,$(m)),$(if $(HAVE_HIREDIS),$(SHARED_SRC:%.c=%))))
LIBS_sasl     = -lsasl2
LIBS_tokend   = $(TOKEND_LIBS)
LIBS_milter   = $(MILTER_LIBS)
LIBS_cli      = $(CLI_LIBS)

.SECONDEXPANSION:
$(BUILD)/unit/%: tests/unit/%.c $(COMMON_OBJ) $(PLUGIN) \
    $$(foreach m,$$(call unit_link,tests/unit/$$*.c),$(BUILD)/obj/$$(m).o)
	@mkdir -p $(@D)
	$(say) TEST $@
	$(Q)$(CC) $(ALL_CPPFLAGS) -I. -DBUILD_DIR='"$(abspath $(BUILD))"' \
	    $(ALL_CFLAGS) -Wno-missing-prototypes -fPIE -pie $(ALL_LDFLAGS) -MMD -MP -MF $@.d -o $@ $< \
	    $(filter %.o,$^) $(foreach l,$(shell sed -n 's/^ \* libs: //p' $<),$(LIBS_$(l))) \
	    $(COMMON_LIBS) -lcmocka -pthread

# Fuzz drivers tests/fuzz/NAME.c, each with a kept corpus in tests/fuzz/NAME/. A
# unit test replays it; "make fuzz" goes on from there, with clang.
FUZZ          = $(patsubst tests/fuzz/%.c,%,$(filter-out %/replay.c,$(wildcard tests/fuzz/*.c)))
FUZZ_SECONDS ?= 60
FUZZING       = $(MAKE) --no-print-directory CC=clang BUILD=$(BUILD)/fuzzing \
                SAN=address,undefined,fuzzer-no-link
fuzz_link     = $$(foreach m,$$(call unit_link,tests/fuzz/$$*.c),$(BUILD)/obj/$$(m).o)
fuzz_compile  = $(CC) $(ALL_CPPFLAGS) -I. $(ALL_CFLAGS) -Wno-missing-prototypes -fPIE -pie \
                $(ALL_LDFLAGS) -MMD -MP -MF $@.d -o $@

$(BUILD)/unit/test_fuzz_%: tests/fuzz/%.c tests/fuzz/replay.c $(COMMON_OBJ) $(fuzz_link)
	@mkdir -p $(@D)
	$(say) TEST $@
	$(Q)$(fuzz_compile) -DCORPUS='"$(abspath tests/fuzz/$*)"' $(filter %.c %.o,$^) \
	    $(COMMON_LIBS) -lcmocka -pthread

$(BUILD)/fuzz/%: tests/fuzz/%.c $(COMMON_OBJ) $(fuzz_link)
	@mkdir -p $(@D)
	$(say) FUZZ $@
	$(Q)$(fuzz_compile) -fsanitize=fuzzer $(filter %.c %.o,$^) $(COMMON_LIBS) -pthread

.PHONY: fuzz
fuzz:
	@$(FUZZING) $(FUZZ:%=$(BUILD)/fuzzing/fuzz/%)
	@for f in $(FUZZ); do mkdir -p $(BUILD)/fuzzing/found/$$f && \
	    $(BUILD)/fuzzing/fuzz/$$f -max_total_time=$(FUZZ_SECONDS) -timeout=10 \
	    -artifact_prefix=$(BUILD)/fuzzing/ $(BUILD)/fuzzing/found/$$f tests/fuzz/$$f || exit 1; done

# The bench: programs tests/bench/NAME.c and plugins tests/bench/libNAME.c. Their
# "link:" names other files of tests/bench, or folder/module.
BENCH_MAIN    = $(shell grep -l '^main\b' tests/bench/*.c)
BENCH         = $(BENCH_MAIN:tests/bench/%.c=$(BUILD)/bench/%) \
                $(patsubst tests/bench/%.c,$(BUILD)/bench/%.so,$(wildcard tests/bench/lib*.c))
bench_link    = $(foreach m,$(call unit_link,$(1)),$(BUILD)/obj/$(if $(findstring /,$(m)),,tests/bench/)$(m).o)

$(BUILD)/obj/tests/bench/%.o: ALL_CPPFLAGS += -I.

$(BUILD)/bench/%.so: $(BUILD)/pic/tests/bench/%.o
	@mkdir -p $(@D)
	$(say) LINK $@
	$(Q)$(CC) $(ALL_CFLAGS) -shared $(ALL_LDFLAGS) -o $@ $<

$(BUILD)/bench/%: $(BUILD)/obj/tests/bench/%.o $(COMMON_OBJ) \
    $$(call bench_link,tests/bench/$$*.c)
	@mkdir -p $(@D)
	$(say) LINK $@
	$(Q)$(CC) $(ALL_CFLAGS) -pie $(ALL_LDFLAGS) -o $@ $^ \
	    $(foreach l,$(shell sed -n 's/^ \* libs: //p' tests/bench/$*.c),$(LIBS_$(l))) \
	    $(COMMON_LIBS) -pthread

.PHONY: run check unit lint e2e figures format bench benches
.PHONY: packages-run packages-check packages-bench
packages-run packages-check packages-bench:
	@contrib/install-packages $(@:packages-%=%)

# Packages come first, so that the compile finds them: hence a second make.
run: packages-run
	@$(MAKE) --no-print-directory all
	@$(SUDO) $(PYTHON) -B tests/relay/run.py --build $(BUILD) \
	    $(if $(ONCE),--once) $(if $(CONFIG),--config $(CONFIG)) $(if $(TO),--to $(TO)) \
	    $(if $(RELAYHOST),--relayhost $(RELAYHOST)) $(if $(CA),--ca $(CA))

check: packages-check
	@$(MAKE) --no-print-directory all units benches
	@tests/check $(BUILD)

bench: packages-bench
	@$(MAKE) --no-print-directory all benches
	@$(PYTHON) -B tests/bench/run.py --build $(BUILD) \
	    $(if $(ONLY),--only $(ONLY)) $(if $(PEER),--peer $(PEER))

benches: $(BENCH)
	@:

# Another build beside the first: all of it is to be instrumented.
.PHONY: tsan
tsan:
	@$(MAKE) --no-print-directory SAN=thread BUILD=$(BUILD)-tsan \
	    $(BUILD)-tsan/postoak-milter $(BUILD)-tsan/bench/milter_load
	@$(PYTHON) -B tests/threads.py $(BUILD)-tsan

.PHONY: units
units: $(UNIT) $(UNIT_TOOLS)

unit lint e2e: all units benches
	@tests/check $(BUILD) $@

figures: all
	@$(PYTHON) -B tests/lint/figures.py $(BUILD)

SUDO          = $(if $(filter 0,$(shell id -u)),,sudo)

format:
	clang-format-14 -i $$(git ls-files '*.c' '*.h')

# --- installation ------------------------------------------------------------

MANUALS       = $(wildcard common/*.[1-8] sasl-plugin/*.[1-8] tokend/*.[1-8] \
                milter/*.[1-8] cli/*.[1-8])

UNITS         = $(wildcard contrib/systemd/*.service contrib/systemd/*.socket \
                contrib/systemd/*.timer)
RECIPES       = $(wildcard contrib/imap/*)
# What systemd and other programs read names the paths that ours have compiled in.
TO_PLACE      = sed -e 's|/usr/sbin/|$(sbindir)/|g' \
                -e 's|/usr/bin/postoak|$(bindir)/postoak|g' \
                -e 's|/etc/postoak|$(sysconfdir)/postoak|g' \
                -e 's|/var/lib/postoak|$(localstatedir)/lib/postoak|g' \
                -e 's|/var/spool/postfix|$(localstatedir)/spool/postfix|g' \
                -e 's|\([ =-]\)/run/postoak|\1$(runstatedir)/postoak|g'

.PHONY: install uninstall
install: all
	$(INSTALL) -d $(DESTDIR)$(bindir) $(DESTDIR)$(sbindir) \
	    $(DESTDIR)$(saslplugindir) $(DESTDIR)$(docdir) $(DESTDIR)$(sysconfdir)/postoak
	$(INSTALL) -m 755 $(BUILD)/postoak $(DESTDIR)$(bindir)/postoak
	$(INSTALL) -m 755 $(BUILD)/postoak-tokend $(DESTDIR)$(sbindir)/postoak-tokend
	$(INSTALL) -m 755 $(BUILD)/postoak-milter $(DESTDIR)$(sbindir)/postoak-milter
	$(INSTALL) -m 644 $(PLUGIN) $(DESTDIR)$(saslplugindir)/libpostoak.so
	$(INSTALL) -m 644 README.md ARCHITECTURE.md common/PROTOCOL \
	    contrib/postoak.conf.example $(DESTDIR)$(docdir)
	$(INSTALL) -d $(DESTDIR)$(docdir)/docs $(DESTDIR)$(docdir)/contrib/imap
	$(INSTALL) -m 644 docs/*.md $(DESTDIR)$(docdir)/docs
	for r in $(RECIPES); do $(TO_PLACE) $$r | $(INSTALL) -m 644 /dev/stdin \
	    $(DESTDIR)$(docdir)/$$r || exit 1; done
	$(INSTALL) -d $(DESTDIR)$(bashcompdir) $(DESTDIR)$(zshcompdir)
	$(INSTALL) -m 644 contrib/completion/postoak.bash $(DESTDIR)$(bashcompdir)/postoak
	$(INSTALL) -m 644 contrib/completion/_postoak $(DESTDIR)$(zshcompdir)/_postoak
	for m in $(MANUALS); do s=$${m##*.}; \
	    $(INSTALL) -d $(DESTDIR)$(mandir)/man$$s && \
	    $(INSTALL) -m 644 $$m $(DESTDIR)$(mandir)/man$$s/ || exit 1; done
	$(INSTALL) -d $(DESTDIR)$(unitdir) $(DESTDIR)$(sysusersdir) $(DESTDIR)$(tmpfilesdir)
	for u in $(UNITS); do $(TO_PLACE) $$u | $(INSTALL) -m 644 /dev/stdin \
	    $(DESTDIR)$(unitdir)/$${u##*/} || exit 1; done
	$(TO_PLACE) contrib/systemd/postoak.sysusers.conf | \
	    $(INSTALL) -m 644 /dev/stdin $(DESTDIR)$(sysusersdir)/postoak.conf
	$(TO_PLACE) contrib/systemd/postoak.tmpfiles.conf | \
	    $(INSTALL) -m 644 /dev/stdin $(DESTDIR)$(tmpfilesdir)/postoak.conf

uninstall:
	for u in $(UNITS); do rm -f $(DESTDIR)$(unitdir)/$${u##*/}; done
	rm -f $(DESTDIR)$(sysusersdir)/postoak.conf $(DESTDIR)$(tmpfilesdir)/postoak.conf
	rm -f $(DESTDIR)$(bindir)/postoak $(DESTDIR)$(sbindir)/postoak-tokend \
	    $(DESTDIR)$(sbindir)/postoak-milter $(DESTDIR)$(saslplugindir)/libpostoak.so
	for m in $(MANUALS); do rm -f $(DESTDIR)$(mandir)/man$${m##*.}/$${m##*/}; done
	rm -f $(DESTDIR)$(bashcompdir)/postoak $(DESTDIR)$(zshcompdir)/_postoak
	rm -rf $(DESTDIR)$(docdir)

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)

.PHONY: clean
clean:
	rm -rf $(BUILD)

# Objects of tests are kept for the next build.
.SECONDARY:
