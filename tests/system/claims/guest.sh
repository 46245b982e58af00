#!/bin/bash
# That the guest is what an installed Debian is, as far as the other claims stand on it.
# layer: none
# shellcheck disable=SC2317 # claims are called by name
. /claims/lib.sh

systemd_is_up_and_nothing_failed() {
    check "failed units" "$(systemctl --failed --no-legend --plain)" ""
    check "state of the system" "$(systemctl is-system-running)" running
}

control_groups_are_unified() {
    check "file system" "$(stat -f -c %T /sys/fs/cgroup)" cgroup2fs
    check "cgroup of this script" "$(grep '^0:' /proc/self/cgroup)" 0::/system.slice/guest-script.service
}

loopback_is_the_only_network() {
    check "interfaces" "$(ls /sys/class/net)" lo
    ip -brief address show lo | grep -q 127.0.0.1
}

login_manager_answers() {
    systemctl start systemd-logind.service
    loginctl list-sessions --no-legend
}

claim systemd_is_up_and_nothing_failed
claim control_groups_are_unified
claim loopback_is_the_only_network
claim login_manager_answers
claims_end
