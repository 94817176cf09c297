#!/bin/sh
# Installs the Debian packages that Larder is built from, and with --tests those that its tests use.
# Safe to run again: when nothing is missing it asks dpkg and ends at once.
set -eu

usage="usage: deploy/install-deps.sh [--tests]"

build_packages="gcc cmake ninja-build ccache pkg-config
    libmicrohttpd-dev libcjson-dev libsqlite3-dev libcurl4-openssl-dev libldns-dev liblzf-dev libssl-dev nettle-dev libcbor-dev
    liblua5.1-0-dev lua-cjson-dev"

# The engines are here to compare with; clang brings the fuzzer, the formatter and the linter.
test_packages="libcriterion-dev clang-14 libclang-rt-14-dev clang-format-14 clang-tidy-14
    openssl python3 python3-boto3 python3-pytest python3-jsonschema python3-redis python3-cbor2 awscli
    redis-tools redis-server memcached bind9 iproute2"

say() { printf '%s\n' "$*" >&2; }

packages=$build_packages
for arg in "$@"; do
    case $arg in
    --tests) packages="$packages $test_packages" ;;
    -h | --help) say "$usage"; exit 0 ;;
    *) say "install-deps: unknown argument $arg"; say "$usage"; exit 2 ;;
    esac
done

if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
    say "install-deps: this machine has no apt-get. Install what matches these Debian packages by hand:"
    say $packages
    exit 1
fi

# Prints those of the packages given that are not installed.
missing_of() {
    installed=$(dpkg-query -W -f '${db:Status-Abbrev} ${Package}\n' "$@" 2>/dev/null | sed -n 's/^ii *//p')
    for package in "$@"; do
        printf '%s\n' "$installed" | grep -qxF "$package" || printf '%s ' "$package"
    done
}

missing=$(missing_of $packages)
[ -n "$missing" ] || exit 0

as_root=
if [ "$(id -u)" != 0 ]; then
    if ! command -v sudo >/dev/null; then
        say "install-deps: these packages are missing: $missing"
        say "install-deps: run this as root, or install sudo, or run: apt-get install $missing"
        exit 1
    fi
    as_root=sudo
fi

# A package that brings a server must not leave it running: what we start, we start ourselves.
policy=/usr/sbin/policy-rc.d
own_policy=
allow_services_again() {
    [ -z "$own_policy" ] || $as_root rm -f "$policy"
}
if [ ! -e "$policy" ]; then
    trap allow_services_again EXIT
    trap 'exit 1' HUP INT TERM
    own_policy=yes
    printf '#!/bin/sh\nexit 101\n' | $as_root tee "$policy" >/dev/null
    $as_root chmod 755 "$policy"
fi

say "installing: $missing"
install() {
    # shellcheck disable=SC2086 # a list of words
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
        -o Dpkg::Use-Pty=0 $missing >"$1" 2>&1
}
log=$(mktemp)
# The package lists may be old or absent: refresh them only when the first try fails.
if ! install "$log"; then
    if ! $as_root apt-get update -qq >"$log" 2>&1 || ! install "$log"; then
        cat "$log" >&2
        rm -f "$log"
        say "install-deps: apt-get could not install: $missing"
        exit 1
    fi
fi
rm -f "$log"

# Nor may it come up at the next boot.
for service in redis-server memcached; do
    case " $missing " in
    *" $service "*)
        if [ -d /run/systemd/system ]; then
            $as_root systemctl disable --quiet "$service" 2>/dev/null || say "install-deps: could not disable $service"
        fi
        ;;
    esac
done
