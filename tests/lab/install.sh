#!/usr/bin/env bash
# Installs the programs that the lab lets talk to each other, without questions.
#
#   tests/lab/install.sh FOLDER
#
# Debian packages go to the system, everything of pip and npm into FOLDER. What is there already is not asked for again, so
# a second run needs no network. No service is started by an installation.
# Exit codes: 0 all is there; 77 something could not be had (its name is on standard output); 2 wrong use.
set -euo pipefail
[ $# -eq 1 ] || { sed -n '2,8p' "$0"; exit 2; }
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
mkdir -p "$1"
folder=$(cd "$1" && pwd)

python_packages=(cpppo==5.2.5 pylogix==1.1.6 pycomm3==1.2.16 impacket==0.13.1)
node_packages=(socket.io@4.8.4 socket.io-client@4.8.4)

cannot() {
    echo "skipped: $*"
    exit 77
}

# What is missing of Debian's packages, told by their programs.
debian_packages() {
    local missing=()
    command -v ip >/dev/null || missing+=(iproute2)
    command -v nft >/dev/null || missing+=(nftables)
    command -v smbd >/dev/null && [ -x /usr/libexec/samba/samba-dcerpcd ] || missing+=(samba)
    command -v pdbedit >/dev/null || missing+=(samba-common-bin)
    command -v rpcclient >/dev/null && command -v smbclient >/dev/null || missing+=(smbclient)
    command -v tsql >/dev/null || missing+=(freetds-bin)
    command -v node >/dev/null || missing+=(nodejs)
    command -v npm >/dev/null || missing+=(npm)
    python3 -c 'import ensurepip, venv' 2>/dev/null || missing+=(python3-venv)
    [ ${#missing[@]} -gt 0 ] || return 0
    without_services "$here/../../scripts/apt-install.sh" "${missing[@]}" >&2 || cannot "apt could not install ${missing[*]}"
}

# The lab starts its servers itself, in namespaces: none is to listen on this machine because its package was installed.
without_services() {
    local policy=/usr/sbin/policy-rc.d outcome=0
    if [ -w "${policy%/*}" ] && [ ! -e $policy ]; then
        # shellcheck disable=SC2064 # as it is now
        trap "rm -f $policy" EXIT
        printf '#!/bin/sh\nexit 101\n' >$policy
        chmod 755 $policy
        "$@" || outcome=$?
        rm -f $policy
        return $outcome
    fi
    "$@"
}

# Runs a command once for each text of what it installs. Called with the name of the mark, the text, and the command.
once() {
    local mark=$folder/$1.installed text=$2
    shift 2
    [ ! -f "$mark" ] || [ "$(cat "$mark")" != "$text" ] || return 0
    "$@" >&2 || return 1
    printf '%s\n' "$text" >"$mark"
}

python_environment() {
    rm -rf "$folder/venv"
    python3 -m venv "$folder/venv" &&
        "$folder/venv/bin/pip" install --quiet --disable-pip-version-check --no-input --timeout 20 --retries 1 \
            "${python_packages[@]}"
}

node_modules() {
    rm -rf "$folder/node"
    mkdir -p "$folder/node" &&
        echo '{"private":true}' >"$folder/node/package.json" &&
        npm install --prefix "$folder/node" --no-package-lock --silent --no-audit --no-fund --fetch-retries=1 \
            "${node_packages[@]}"
}

debian_packages
once venv "${python_packages[*]} $(python3 --version)" python_environment || cannot "pip could not install ${python_packages[*]}"
once node "${node_packages[*]}" node_modules || cannot "npm could not install ${node_packages[*]}"
