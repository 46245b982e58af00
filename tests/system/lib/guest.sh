# One guest: its root as layers, its script as a unit, its start and its end. Sourced by boot; needs packaging/lib/root.sh.
#
# Everything of a guest is below $guest, which holds a lock while its shell lives: so what a killed one left behind is
# known for what it is, and swept away by the next.

guest_packages="systemd systemd-sysv dbus dbus-user-session libpam-systemd libpam-modules passwd procps iproute2 \
util-linux openssh-client ca-certificates"

# Prints why no guest can be booted here; fails if one can.
guest_impossible() {
    local name
    [ "$(id -u)" -eq 0 ] || { echo "booting a guest needs root"; return 0; }
    for name in systemd-nspawn mmdebstrap flock unshare setpriv; do
        command -v "$name" >/dev/null || { echo "booting a guest needs $name"; return 0; }
    done
    mirror_address >/dev/null || compgen -G "$cache/root-guest-*" >/dev/null ||
        { echo "no mirror of Debian is configured in /etc/apt to make a guest's root from"; return 0; }
    # Mounting is what containers without privileges are not allowed: asked where it leaves nothing behind.
    unshare -m --propagation private sh -c 'd=$(mktemp -d) && mount -t cgroup2 none "$d" && umount "$d" && rmdir "$d"' \
        2>/dev/null || { echo "no cgroup2 hierarchy can be mounted here"; return 0; }
    mkdir -p "$cache" && (
        d=$(mktemp -d "$cache/probe-XXXXXX") && mkdir "$d"/{lower,upper,work,root} && trap 'rm -rf "$d"' EXIT &&
            unshare -m --propagation private mount -t overlay probe \
                -o "lowerdir=$d/lower,upperdir=$d/upper,workdir=$d/work" "$d/root"
    ) 2>/dev/null || { echo "no overlay can be mounted in $cache"; return 0; }
    return 1
}

# guest_remove DIR: whatever of it is mounted or lies there.
guest_remove() {
    local id=guest-${1##*-}
    ! mountpoint -q "$1/root" || umount "$1/root" || umount -l "$1/root"
    if mountpoint -q "$1/cgroup"; then
        find "$1/cgroup/$id" -depth -type d -exec rmdir {} \; 2>/dev/null
        umount "$1/cgroup" || umount -l "$1/cgroup"
    fi
    rm -rf --one-file-system "$1"
}

guest_sweep() {
    local other
    for other in "$cache"/guest-*; do
        [ -d "$other" ] || continue
        (exec 7<"$other" && flock -n 7) && guest_remove "$other"
    done
}

guest="" guest_id="" guest_pid=""
guest_cleanup() {
    if [ -n "$guest_pid" ] && kill -0 "$guest_pid" 2>/dev/null; then
        kill -TERM "$guest_pid"
        wait "$guest_pid" 2>/dev/null
    fi
    [ -z "$out" ] || { mkdir -p "$out" && cp -a "$guest/io/." "$out/"; }
    guest_remove "$guest"
}

# guest_prepare ROOT LAYER...: $guest with its layers mounted at $guest/root.
guest_prepare() {
    local root=$1 lower
    shift
    guest_sweep
    guest=$(mktemp -d "$cache/guest-XXXXXX") || return
    exec 6<"$guest" && flock -n 6
    guest_id=guest-${guest##*-}
    trap guest_cleanup EXIT
    trap 'exit 130' INT
    trap 'exit 143' TERM HUP
    mkdir "$guest"/{upper,work,root,io,cgroup}
    lower=$(IFS=: && printf '%s' "$*")
    mount -t overlay "$guest_id" -o "lowerdir=${lower:+$lower:}$root,upperdir=$guest/upper,workdir=$guest/work" "$guest/root"
}

# guest_script SECONDS SCRIPT ARGUMENT...: as a unit. When it ends the guest ends, with its exit status. Type=exec: a
# oneshot that default.target waits for would itself wait for the system to be up.
guest_script() {
    local seconds=$1 units=$guest/root/etc/systemd/system unit
    cp "$2" "$guest/io/script" && chmod 755 "$guest/io/script"
    shift 2
    { [ $# -eq 0 ] || printf '%s\0' "$@"; } >"$guest/io/arguments"
    cat >"$guest/io/start" <<'END'
#!/bin/bash
systemctl is-system-running --wait >/io/boot-state 2>&1
mapfile -d '' -t arguments </io/arguments
/io/script "${arguments[@]}" </dev/null
status=$?
[ "$status" -eq 0 ] || journalctl -b --no-pager -o short-precise >/io/journal.txt 2>&1
echo "$status" >/io/status
exit "$status"
END
    chmod 755 "$guest/io/start"
    cat >"$units/guest-script.service" <<END
[Unit]
Description=The script that this guest was booted for
SuccessAction=exit
FailureAction=exit
After=multi-user.target
[Service]
Type=exec
WorkingDirectory=/root
Environment=HOME=/root LC_ALL=C.UTF-8
ExecStart=/io/start
StandardOutput=append:/io/stdout
StandardError=append:/io/stderr
RuntimeMaxSec=$seconds
TimeoutStopSec=5
END
    mkdir -p "$units/default.target.wants"
    ln -sf ../guest-script.service "$units/default.target.wants/"
    # No network, no console, nobody to ask; and the kernel's audit rules are the machine's, not a guest's.
    for unit in systemd-networkd-wait-online.service getty.target console-getty.service systemd-firstboot.service \
        audit-rules.service; do
        ln -sf /dev/null "$units/$unit"
    done
}

# guest_boot SECONDS NSPAWN-OPTION...: boots it and waits for its end. It gets a cgroup of its own, because two guests would
# otherwise share one and kill each other's services, and sees the unified hierarchy alone, as an installed Debian does,
# whatever this machine has. It ends with this shell, however that ends.
guest_boot() {
    local seconds=$1
    shift
    mount -t cgroup2 "$guest_id" "$guest/cgroup" && mkdir -p "$guest/cgroup/$guest_id" || return
    export guest
    (
        exec 6<&- 8<&-
        echo "$BASHPID" >"$guest/cgroup/$guest_id/cgroup.procs" || exit 125
        # shellcheck disable=SC2016 # for the inner shell
        exec setpriv --pdeathsig TERM unshare -m --propagation private bash -c '
            [ -f /sys/fs/cgroup/cgroup.procs ] || mount --bind "$guest/cgroup" /sys/fs/cgroup || exit 125
            exec "$@"' - timeout -k 10 $((seconds + 60)) systemd-nspawn -q -D "$guest/root" --machine="$guest_id" \
            --private-network --boot --register=no --keep-unit --console=pipe --capability=CAP_IPC_LOCK,CAP_BPF,CAP_PERFMON \
            --system-call-filter="@keyring @memlock bpf" --bind="$guest/io:/io" "$@"
    ) </dev/null >"$guest/io/console" 2>&1 &
    guest_pid=$!
    wait "$guest_pid"
    guest_status=$?
    guest_pid=
}

# What the script said and how it ended; its layer, if somebody wants that.
guest_result() {
    local status
    cat "$guest/io/stdout" 2>/dev/null
    cat "$guest/io/stderr" >&2 2>/dev/null
    if [ -f "$guest/io/status" ]; then
        status=$(cat "$guest/io/status")
        [ "$status" -ne 0 ] || [ -z "$keep" ] || guest_keep || return 125
        return "$status"
    fi
    if [ "$guest_status" -eq 124 ] || [ -s "$guest/io/boot-state" ]; then
        echo "boot: the script did not end within $seconds seconds (guest ended with $guest_status)" >&2
        return 124
    fi
    echo "boot: the guest did not come to the script (systemd-nspawn ended with $guest_status):" >&2
    tail -n 20 "$guest/io/console" >&2
    return 125
}

# The next guest shall be another machine with a script of its own, but with what was installed in this one.
guest_keep() {
    umount "$guest/root" || return
    rm -rf "$guest"/upper/{run,tmp,var/log/journal,var/lib/systemd/random-seed,etc/systemd/system/guest-script.service}
    mv "$guest/upper" "$keep"
}
