# The C library: builds it, checks it, installs it. Needs GNU make, a Rust toolchain and a C compiler.
#
#   make                   target/c/libpcrseal.so.ABI and target/c/libpcrseal.a, stripped
#   make install           header, libraries, pkg-config file and CMake package, below $(DESTDIR)$(PREFIX)
#   make uninstall         removes them; give it what `make install` was given
#   make check-symbols     the shared library exports what the header declares, no more and no less
#   make check-install     installs into a temporary folder, and builds and runs programs against that
#   make check             scripts/test-c.sh: these, and every test in C

PREFIX = /usr/local
LIBDIR = $(PREFIX)/lib
INCLUDEDIR = $(PREFIX)/include
DESTDIR =

CARGO = cargo
INSTALL = install
STRIP = strip

# Each number has one home.
ABI := $(shell sed -n 's/^\#define PCRSEAL_ABI_VERSION //p' include/pcrseal.h)
VERSION := $(shell sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)

SONAME = libpcrseal.so.$(ABI)
# Where cargo puts it when it is told to build for another machine.
BUILT = target/$(if $(CARGO_BUILD_TARGET),$(CARGO_BUILD_TARGET)/)release
OUT = target/c
CMAKEDIR = $(LIBDIR)/cmake/pcrseal
PKGCONFIGDIR = $(LIBDIR)/pkgconfig

.PHONY: all places install uninstall check check-symbols check-install
.DELETE_ON_ERROR:

all: $(OUT)/$(SONAME) $(OUT)/libpcrseal.a
	@stat -c '%n: %s bytes' $(OUT)/$(SONAME) $(OUT)/libpcrseal.a

# Cargo knows best what is current. It says what a static program needs besides when it compiles, and not again: that lies
# beside what it compiled. A library that was unloaded would take the code with it that ends its share of a thread.
.PHONY: built
built:
	@mkdir -p $(BUILT) $(OUT)
	@$(CARGO) rustc --quiet --package pcrseal-ffi --release --locked --lib --crate-type cdylib,staticlib \
	    --config 'profile.release.strip="symbols"' --target-dir target -- \
	    -C link-arg=-Wl,-soname,$(SONAME) -C link-arg=-Wl,-z,nodelete \
	    --print native-static-libs=$(CURDIR)/$(BUILT)/pcrseal-static-libs

$(OUT)/$(SONAME): built
	@cmp -s $(BUILT)/libpcrseal_ffi.so $@ || cp --remove-destination $(BUILT)/libpcrseal_ffi.so $@
	@ln -sf $(SONAME) $(OUT)/libpcrseal.so

# Its debugging information is that of what it is made of: the profile does not reach into it.
$(OUT)/libpcrseal.a: built
	@[ $@ -nt $(BUILT)/libpcrseal_ffi.a ] || $(STRIP) --strip-debug -o $@ $(BUILT)/libpcrseal_ffi.a

# The compiler adds libgcc's part and libc by itself, the right ones for a static program too.
STATIC_LIBS = $(filter-out -lgcc_s -lc,$(shell cat $(BUILT)/pcrseal-static-libs))

FILL = sed -e 's|@VERSION@|$(VERSION)|g' -e 's|@ABI@|$(ABI)|g' -e 's|@PREFIX@|$(PREFIX)|g' -e 's|@LIBDIR@|$(LIBDIR)|g' \
    -e 's|@INCLUDEDIR@|$(INCLUDEDIR)|g' -e 's|@STATIC_LIBS@|$(STATIC_LIBS)|g' \
    -e 's|@LIBDIR_FROM_CMAKE@|$(shell realpath -m --relative-to=$(CMAKEDIR) $(LIBDIR))|g' \
    -e 's|@INCLUDEDIR_FROM_CMAKE@|$(shell realpath -m --relative-to=$(CMAKEDIR) $(INCLUDEDIR))|g'

# They stand in files of pkg-config and CMake, which cannot write every path.
places:
	@for place in '$(PREFIX)' '$(LIBDIR)' '$(INCLUDEDIR)'; do \
	    case $$place in \
	    '' | [!/]* | *[!A-Za-z0-9._/+~-]*) \
	        echo "not an absolute path of letters, digits and ._/+~- alone: '$$place'" >&2; exit 1 ;; \
	    esac; \
	done

install: places all
	$(INSTALL) -d '$(DESTDIR)$(INCLUDEDIR)' '$(DESTDIR)$(LIBDIR)' '$(DESTDIR)$(PKGCONFIGDIR)' '$(DESTDIR)$(CMAKEDIR)'
	$(INSTALL) -m 644 include/pcrseal.h '$(DESTDIR)$(INCLUDEDIR)'
	$(INSTALL) -m 755 $(OUT)/$(SONAME) '$(DESTDIR)$(LIBDIR)'
	ln -sf $(SONAME) '$(DESTDIR)$(LIBDIR)/libpcrseal.so'
	$(INSTALL) -m 644 $(OUT)/libpcrseal.a '$(DESTDIR)$(LIBDIR)'
	$(FILL) ffi/install/pcrseal.pc.in >'$(DESTDIR)$(PKGCONFIGDIR)/pcrseal.pc'
	$(FILL) ffi/install/pcrsealConfig.cmake.in >'$(DESTDIR)$(CMAKEDIR)/pcrsealConfig.cmake'
	$(FILL) ffi/install/pcrsealConfigVersion.cmake.in >'$(DESTDIR)$(CMAKEDIR)/pcrsealConfigVersion.cmake'

uninstall:
	rm -f '$(DESTDIR)$(INCLUDEDIR)/pcrseal.h' '$(DESTDIR)$(LIBDIR)/$(SONAME)' '$(DESTDIR)$(LIBDIR)/libpcrseal.so' \
	    '$(DESTDIR)$(LIBDIR)/libpcrseal.a' '$(DESTDIR)$(PKGCONFIGDIR)/pcrseal.pc' \
	    '$(DESTDIR)$(CMAKEDIR)/pcrsealConfig.cmake' '$(DESTDIR)$(CMAKEDIR)/pcrsealConfigVersion.cmake'
	-rmdir '$(DESTDIR)$(CMAKEDIR)'

check:
	scripts/test-c.sh

# The header's functions are the names before a parenthesis, outside of comments.
check-symbols: $(OUT)/$(SONAME)
	@sed 's|//.*||' include/pcrseal.h | grep -oE '\<pcrseal_[a-z0-9_]+\(' | tr -d '(' | sort >$(OUT)/declared
	@nm -D --defined-only $(OUT)/$(SONAME) | cut -d ' ' -f 3 | sort >$(OUT)/exported
	@diff $(OUT)/declared $(OUT)/exported && echo "$(SONAME) exports the header's $$(wc -l <$(OUT)/declared) functions"

check-install: all
	@ffi/tests/install.sh
