# Debian packages by apt-get, without questions. Sourced; needs say.sh. Installs only what is missing, so that a machine
# that has everything needs no network.

# To build the programs, and to run them with a software token.
packages_build="gcc libc6-dev meson ninja-build pkg-config libp11-kit-dev libssl-dev libpam0g-dev libsystemd-dev \
libseccomp-dev libjansson-dev zlib1g-dev nettle-dev libgcrypt20-dev libaudit-dev"
packages_run="libsofthsm2 opensc openssh-client openssh-sftp-server"

packages_missing() {
    local name
    for name in "$@"; do
        case $(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null) in
        installed*) ;;
        *) printf '%s ' "$name" ;;
        esac
    done
}

# packages_need LOG NAME...
packages_need() {
    local log=$1 missing
    shift
    missing=$(packages_missing "$@")
    [ -n "$missing" ] || return 0
    command -v apt-get >/dev/null || fail "these packages are missing, and there is no apt-get here: $missing"
    step "installing $missing"
    export DEBIAN_FRONTEND=noninteractive
    local options=(-qq -y -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3)
    quietly "$log" timeout 900 apt-get "${options[@]}" update || fail "apt-get update failed"
    # shellcheck disable=SC2086 # a list of names
    quietly "$log" timeout 1800 apt-get "${options[@]}" install --no-install-recommends $missing ||
        fail "apt-get could not install: $missing"
}
