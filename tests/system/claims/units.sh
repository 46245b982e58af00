#!/bin/bash
# The units as systemd judges them, and what they were confined to.
# shellcheck disable=SC2317 # claims are called by name
. /claims/lib.sh

# exposure UNIT LIMIT: systemd's own score, of which 10 is a service without any confinement.
exposure() {
    local score
    score=$(systemd-analyze security --no-pager "$1" | sed -n 's/.*Overall exposure level for .*: \([0-9.]*\) .*/\1/p')
    [ -n "$score" ] || wrong "systemd-analyze gives no score for $1"
    awk -v score="$score" -v limit="$2" 'BEGIN {exit !(score <= limit)}' || wrong "$1 has $score, more than $2"
}

signer_is_confined() { exposure sallyport-signer.service 0.5; }
workers_are_confined() { exposure sallyport-worker.service 0.5; }
monitor_is_confined() { exposure sallyport.service 1.0; }

units_have_no_mistakes() {
    local said
    # shellcheck disable=SC2086 # names
    said=$(systemd-analyze verify $server_units sallyport.socket sallyport-control.socket 2>&1 | grep -i sallyport) || true
    check "what systemd-analyze says" "$said" ""
}

processes_have_the_users_that_they_should() {
    login alice true
    check "the monitor's user" "$(ps -o user:32= -p "$(systemctl show -P MainPID sallyport.service)")" sallyport
    check "the signer's user" "$(ps -o user:32= -p "$(systemctl show -P MainPID sallyport-signer.service)")" sallyport-signer
    check "the workers' user" "$(ps -o user:32= -p "$(systemctl show -P MainPID sallyport-worker.service)")" sallyport-worker
    check "the login service's user" "$(ps -o user:32= -p "$(systemctl show -P MainPID sallyport-session.service)")" root
}

# What the unit says, as the kernel has it.
processes_have_nothing() {
    local unit pid
    for unit in sallyport.service sallyport-signer.service sallyport-worker.service; do
        pid=$(systemctl show -P MainPID "$unit")
        check_in "$unit" "$(cat "/proc/$pid/status")" '^NoNewPrivs:[[:space:]]1$'
        check_in "$unit" "$(cat "/proc/$pid/status")" '^CapEff:[[:space:]]0000000000000000$'
        check_in "$unit" "$(cat "/proc/$pid/status")" '^CapBnd:[[:space:]]0000000000000000$'
        check_in "$unit" "$(cat "/proc/$pid/status")" '^Seccomp:[[:space:]]2$'
        [ "$(readlink "/proc/$pid/ns/net")" != "$(readlink /proc/1/ns/net)" ] || wrong "$unit has the machine's network"
        [ "$(readlink "/proc/$pid/ns/mnt")" != "$(readlink /proc/1/ns/mnt)" ] || wrong "$unit has the machine's mounts"
    done
}

claim units_have_no_mistakes
claim signer_is_confined
claim workers_are_confined
claim monitor_is_confined
claim processes_have_the_users_that_they_should
claim processes_have_nothing
claims_end
