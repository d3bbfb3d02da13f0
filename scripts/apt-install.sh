#!/bin/sh
# Installs Debian packages without asking anything and without apt's chatter.
#
#   scripts/apt-install.sh PACKAGE...
#
# Exit codes: 0 installed; 1 apt tried and failed (its last words are on stderr); 3 this machine has no apt-get, or this
# user may not use it. Nothing is upgraded or removed beyond what the named packages require.
set -u

lock_wait_seconds=300

say() { printf '%s\n' "$*" >&2; }

command -v apt-get >/dev/null 2>&1 || exit 3
if [ "$(id -u)" -eq 0 ]; then
    as_root=
elif sudo -n env DEBIAN_FRONTEND=noninteractive apt-get --version >/dev/null 2>&1; then
    as_root='sudo -n'
else
    exit 3
fi

log=$(mktemp) || exit 1
trap 'rm -f "$log"' EXIT
trap 'exit 1' HUP INT TERM

# One apt-get call, its output in the log. Another package manager at work is waited for, aloud: apt's own waiting
# (DPkg::Lock::Timeout) would be silent here.
apt() {
    waited_seconds=0
    while :; do
        # shellcheck disable=SC2086 # as_root is two words, or none
        $as_root env DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 \
            apt-get -q -y "$@" >"$log" 2>&1 </dev/null && return 0
        grep -q -e 'Could not get lock' -e 'Unable to lock' "$log" || return 1
        [ "$waited_seconds" -lt "$lock_wait_seconds" ] || return 1
        [ "$waited_seconds" -gt 0 ] || say "apt: waiting for another package manager to finish"
        sleep 5
        waited_seconds=$((waited_seconds + 5))
    done
}

# Does apt know a version of every package? Not on a machine whose lists were never fetched, or were cleaned away.
all_known() {
    for package in "$@"; do
        LC_ALL=C apt-cache policy "$package" 2>/dev/null | grep -q '^ *Candidate: [^(]' || return 1
    done
}

failed() {
    say "apt: could not install: $*"
    say "apt's last words:"
    tail -n 5 "$log" | cut -c 1-200 | sed 's/^/    /' >&2
    if grep -q -e 'Could not resolve' -e 'Temporary failure resolving' -e 'Could not connect' \
        -e 'Network is unreachable' -e 'Connection timed out' -e 'Failed to fetch' "$log"; then
        say "apt could not reach its package mirrors: is this machine offline, or behind a proxy that apt does not know?"
    fi
    exit 1
}

lists_fetched=no
fetch_lists() {
    say "apt: fetching the package lists"
    # A source that fails matters only if a package is then unknown: the caller looks.
    apt update || :
    lists_fetched=yes
}

all_known "$@" || fetch_lists
all_known "$@" || failed "$@"
say "apt: installing $*"
if ! apt install --no-install-recommends "$@"; then
    # Lists of last month name files that the mirror has replaced since.
    [ "$lists_fetched" = no ] || failed "$@"
    fetch_lists
    apt install --no-install-recommends "$@" || failed "$@"
fi
