#!/bin/sh
# Makes sure that this machine can build portproof, and says nothing when it can.
#
#   scripts/bootstrap.sh [--without-libpcap] [--again 'COMMAND']
#
# Looks for: cargo and rustc of at least Cargo.toml's rust-version (never installed nor replaced: Rust is the user's
# choice); a C compiler and linker called `cc` with the C library's headers (some dependencies carry C, and Rust links
# through `cc`); libpcap to link with, unless --without-libpcap. The C parts are looked for by compiling and linking a
# program, so it does not matter where they came from. What is missing is installed by apt where this user may do
# that; otherwise the last lines say what to run. INSTALL=no in the environment: never install, only say.
#
# Exit codes: 0 ready to build; 2 not ready, and stderr says why.
set -u
cd "$(dirname "$0")/.." || exit 2

libpcap=wanted
again='make demo'
while [ $# -gt 0 ]; do
    case $1 in
        --without-libpcap) libpcap=unwanted ;;
        --again) again=$2; shift ;;
        *) echo "bootstrap: unknown option $1" >&2; exit 2 ;;
    esac
    shift
done

say() { printf '%s\n' "$*" >&2; }

# --- Rust ------------------------------------------------------------------------------------------------------------

needed=$(sed -n 's/^rust-version *= *"\([0-9.]*\)".*/\1/p' Cargo.toml)
: "${CARGO:=cargo}" "${RUSTC:=rustc}"

# "1.92" or "1.92.0" as one number that can be compared.
rank() { echo "$1" | { IFS=. read -r major minor _; echo $((major * 10000 + minor)); }; }

where_to_get_rust() {
    say "portproof needs Rust $needed or newer (rust-version in Cargo.toml)."
    if command -v rustup >/dev/null 2>&1; then
        say "This machine has rustup. Run:"
        say "    rustup update stable && rustup default stable"
    else
        say "Get it with rustup, Rust's own installer (rustup.rs). It installs for one user, in that user's home, and"
        say "leaves a Rust that came with the system in place. Then open a new shell, so that PATH finds it first."
    fi
    say "After that, again:"
    say "    $again"
    exit 2
}

check_rust() {
    tool=$1
    # shellcheck disable=SC2086 # CARGO may be "cargo +stable"
    set -- $2
    path=$(command -v "$1") || {
        say "$tool: not found (no '$1' in PATH)."
        where_to_get_rust
    }
    answer=$("$@" --version 2>&1) || {
        say "$tool: found at $path, but it does not run:"
        say "    $(echo "$answer" | head -n 3)"
        where_to_get_rust
    }
    found=$(echo "$answer" | sed -n "s/^$tool \([0-9]*\.[0-9]*\).*/\1/p" | head -n 1)
    [ -n "$found" ] || {
        say "$tool: $path does not tell its version, it says: $answer"
        where_to_get_rust
    }
    [ "$(rank "$found")" -ge "$(rank "$needed")" ] || {
        say "$tool: too old. Found $found at $path ($answer); needed $needed."
        where_to_get_rust
    }
}

check_rust cargo "$CARGO"
check_rust rustc "$RUSTC"

# --- C ---------------------------------------------------------------------------------------------------------------

scratch=$(mktemp -d) || exit 2
trap 'rm -rf "$scratch"' EXIT
trap 'exit 2' HUP INT TERM
printf '#include <stdio.h>\n#include <string.h>\nint main(void) { return puts("") < 0; }\n' >"$scratch/hello.c"
printf 'const char *pcap_lib_version(void);\nint main(void) { return pcap_lib_version() == 0; }\n' >"$scratch/pcap.c"

links() { cc -o "$scratch/program" "$@" >/dev/null 2>&1 </dev/null; }

# Sets `missing` (for people, one a line) and `packages` (for apt).
look() {
    missing='' packages=''
    if ! command -v cc >/dev/null 2>&1 || ! command -v ar >/dev/null 2>&1; then
        missing='a C compiler and linker (cc, ar) and the headers of the C library'
        packages='gcc libc6-dev'
    elif ! links "$scratch/hello.c"; then
        missing='the headers of the C library (cc is there, but cannot build a program)'
        packages='libc6-dev'
    fi
    [ "$libpcap" = wanted ] || return 0
    if [ -n "$packages" ] || ! links ${LIBPCAP_LIBDIR:+"-L$LIBPCAP_LIBDIR"} "$scratch/pcap.c" -lpcap; then
        # Without a compiler nobody can tell; asking apt for a package that is there already costs nothing.
        missing="${missing:+$missing
}the development files of libpcap (only for recording from an interface)"
        packages="${packages:+$packages }libpcap-dev"
    fi
}

what_is_missing() {
    say "To build portproof, this machine lacks:"
    echo "$missing" | sed 's/^/  - /' >&2
}

without_libpcap() {
    [ "$libpcap" = wanted ] || return 0
    say "Only recording from an interface needs libpcap. To build without it (a C compiler is needed even so):"
    say "    $again FEATURES="
}

what_to_run() {
    if command -v apt-get >/dev/null 2>&1; then
        say "$1"
        say "    sudo apt-get update && sudo apt-get install -y $packages"
    else
        say "There is no apt-get here, so nothing was installed. Install these with your system's package manager; the"
        say "packages are called, for example:"
        say "    Fedora, RHEL: gcc glibc-devel libpcap-devel      Arch: gcc libpcap"
        say "    Alpine: gcc musl-dev libpcap-dev                 macOS: xcode-select --install"
    fi
    say "After that, again:"
    say "    $again"
    without_libpcap
    exit 2
}

look
[ -n "$packages" ] || exit 0
what_is_missing
[ "${INSTALL:-yes}" != no ] || what_to_run "INSTALL=no, so nothing was installed. Run:"

# shellcheck disable=SC2086 # packages is a list
scripts/apt-install.sh $packages
case $? in
    0) ;;
    3) what_to_run "This user may not install packages (neither root nor sudo without a password). Run, or have run:" ;;
    *) what_to_run "Installing by apt failed, see above. Once apt works, run:" ;;
esac

look
[ -n "$packages" ] || exit 0
what_is_missing
what_to_run "apt installed what was asked for, but a program still cannot be built. Try:"
