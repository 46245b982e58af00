# Roots of a Debian suite, made once by mmdebstrap and kept. Sourced; needs say.sh.
#
# A root is a directory below $cache, named by purpose, suite and the digest of its packages and files; it is never
# written to again. Whoever uses one holds a shared lock on it (root_hold), so that only what nobody uses is swept away.
# The mirror is the one that this machine's apt uses: it is in no root, no log and no file of the project.

cache=${SALLYPORT_CACHE:-/var/tmp/sallyport-cache}

# The first http(s) address that apt is configured with, which for Debian is the one with all suites.
mirror_address() {
    local found
    found=$(sed -n 's/^[[:space:]]*URIs:[[:space:]]*\([^[:space:]]*\).*/\1/p' /etc/apt/sources.list.d/debian.sources \
        /etc/apt/sources.list.d/*.sources 2>/dev/null | head -n 1)
    [ -n "$found" ] || found=$(grep -hoE '^[[:space:]]*deb[[:space:]].*' /etc/apt/sources.list \
        /etc/apt/sources.list.d/*.list 2>/dev/null | grep -oE 'https?://[^[:space:]]+' | head -n 1)
    [ -n "$found" ] && printf '%s\n' "$found"
}

without_mirror() {
    sed -E 's#https?://[^/[:space:]]+[^[:space:]]*#MIRROR#g'
}

# root_path PURPOSE SUITE PACKAGES: where that root is or will be.
root_path() {
    printf '%s/root-%s-%s-%s\n' "$cache" "$1" "$2" "$(printf '%s %s' "$3" "$(root_hooks_digest)" | sha256sum | cut -c1-12)"
}

# What is done to a root behind the packages is part of what it is.
root_hooks_digest() {
    declare -f root_clean | sha256sum
}

# root_clean ROOT: nothing of this machine or of the moment stays; services of packages wait until a test wants them.
root_clean() {
    local unit
    rm -rf "$1"/etc/apt/sources.list "$1"/etc/apt/sources.list.d/* "$1"/var/lib/apt/lists/* "$1"/var/cache/apt/*.bin
    rm -f "$1"/etc/ssh/ssh_host_* "$1"/var/log/*.log "$1"/etc/resolv.conf
    : >"$1"/etc/machine-id
    printf 'guest\n' >"$1"/etc/hostname
    printf '127.0.0.1 localhost guest\n::1 localhost\n' >"$1"/etc/hosts
    for unit in ssh.service ssh.socket fail2ban.service haproxy.service auditd.service apt-daily.timer \
        apt-daily-upgrade.timer e2scrub_all.timer fstrim.timer man-db.timer dpkg-db-backup.timer logrotate.timer; do
        [ ! -e "$1/lib/systemd/system/$unit" ] || systemctl --root="$1" -q disable "$unit" || true
    done
}

# root_make PURPOSE SUITE PACKAGES: makes it if it is missing, and prints its path.
root_make() {
    local root
    root=$(root_path "$@")
    mkdir -p "$cache"
    exec 9>"$cache/lock-$1-$2"
    flock -w 1500 9 || return
    [ -d "$root" ] || root_bootstrap "$root" "$@" >&2 || return
    exec 9>&-
    root_sweep
    printf '%s\n' "$root"
}

root_bootstrap() {
    local root=$1 suite=$3 packages=$4 mirror building
    mirror=$(mirror_address) || { echo "no mirror is configured in /etc/apt"; return 1; }
    step "making the root $(basename "$root")"
    building=$(mktemp -d "$cache/making-XXXXXX") || return
    if timeout 1200 mmdebstrap --quiet --variant=minbase --include="${packages// /,}" \
        --aptopt='Acquire::Retries "3"' --aptopt='Acquire::Languages "none"' \
        "$suite" "$building/root" "$mirror" >"$building/log" 2>&1 9>&-; then
        root_clean "$building/root" && mv "$building/root" "$root" && rm -rf "$building"
        return
    fi
    tail -n 20 "$building/log" | without_mirror
    rm -rf "$building"
    return 1
}

# root_hold ROOT: a shared lock on it, which ends with this shell.
root_hold() {
    exec 8<"$1" && flock -s -w 60 8 && touch "$1.used"
}

# Roots that nobody has used for two weeks and nobody is using: lists of packages change, and each is a root of its own.
root_sweep() {
    local other
    for other in "$cache"/root-*; do
        [ -d "$other" ] && [ -n "$(find "$other.used" -mtime +14 2>/dev/null)" ] || continue
        (exec 7<"$other" && flock -n 7) && rm -rf --one-file-system "$other" "$other.used"
    done
    return 0
}
