#!/bin/bash
# What a login gets on an installed system: a session of logind's, and nothing of the server's confinement.
# shellcheck disable=SC2317 # claims are called by name
. /claims/lib.sh

open_after_boot_and_nothing_runs() {
    check "state of the socket" "$(systemctl is-active sallyport.socket)" active
    check processes "$(server_processes)" ""
}

first_client_starts_it() {
    check "what the command says" "$(login alice 'id -un')" alice
}

login_is_a_session_of_logind() {
    local shown
    # shellcheck disable=SC2016 # expanded on the other side
    shown=$(login alice 'cat /proc/self/cgroup; loginctl show-session "$XDG_SESSION_ID"; ls -d "$XDG_RUNTIME_DIR"; echo "loginuid $(cat /proc/self/loginuid)"')
    check_in cgroup "$shown" '^0::/user.slice/user-[0-9]+.slice/session-[a-z]*[0-9]+.scope$'
    check_in "session" "$shown" '^Name=alice$'
    check_in "session" "$shown" '^Service=sallyport$'
    check_in "session" "$shown" '^Class=user$'
    check_in "session" "$shown" '^Remote=yes$'
    check_in "session" "$shown" '^RemoteHost=127.0.0.1$'
    check_in "session" "$shown" '^State=active$'
    check_in "session" "$shown" "^/run/user/$(id -u alice)$"
    check_in "session" "$shown" "^loginuid $(id -u alice)$"
}

terminal_makes_a_session_of_type_tty() {
    local shown
    # shellcheck disable=SC2016
    shown=$(login alice -tt 'tty; stty size; loginctl show-session "$XDG_SESSION_ID" -p Type' | tr -d '\r')
    check_in terminal "$shown" '^/dev/pts/[0-9]+$'
    check_in session "$shown" '^Type=tty$'
}

session_ends_with_its_connection() {
    wait_for 20 sh -c '! loginctl list-sessions --no-legend | grep -q alice'
    wait_for 20 sh -c '! ls -d /sys/fs/cgroup/user.slice/user-*.slice/session-*.scope 2>/dev/null | grep -q .'
}

user_s_own_manager_runs() {
    check "state" "$(login alice 'systemctl --user is-system-running')" running
    check "a unit of the user's" "$(login alice 'systemd-run --user --pipe -q echo from a unit')" "from a unit"
}

# Inherited by whatever the user starts, if the server had it: sudo, containers and mounts would not work.
confinement_of_the_server_is_not_the_user_s() {
    local status
    status=$(login alice 'cat /proc/self/status')
    check_in "/proc/self/status" "$status" '^NoNewPrivs:[[:space:]]0$'
    check_in "/proc/self/status" "$status" '^Seccomp:[[:space:]]'"$(awk '/^Seccomp:/ {print $2}' /proc/1/status)"'$'
    check "bounding set" "$(awk '/^CapBnd/ {print $2}' <<<"$status")" "$(awk '/^CapBnd/ {print $2}' /proc/1/status)"
    check "mount namespace" "$(login alice 'readlink /proc/self/ns/mnt')" "$(readlink /proc/1/ns/mnt)"
    check "network namespace" "$(login alice 'readlink /proc/self/ns/net')" "$(readlink /proc/1/ns/net)"
    check "out-of-memory adjustment" "$(login alice 'cat /proc/self/oom_score_adj')" 0
    check_in umask "$(login alice umask)" '^00[02]2$' # pam_umask's
    check "core files" "$(login alice 'ulimit -Hc')" unlimited
}

# Numbers of descriptors are as an installed system gives them to a login, not the monitor's.
limits_are_those_of_pam() {
    printf 'alice hard nofile 777\nalice soft nofile 777\n' >/etc/security/limits.d/test.conf
    check "descriptors" "$(login alice 'ulimit -n')" 777
    rm /etc/security/limits.d/test.conf
}

files_travel_both_ways() {
    head -c 3000000 /dev/urandom >/root/up
    known_hosts_make
    printf 'put /root/up /home/alice/up\nget /home/alice/up /root/down\n' >/root/batch
    sftp -q -F none -i /root/key -o BatchMode=yes -o UserKnownHostsFile=/root/known_hosts -b /root/batch alice@127.0.0.1 >/dev/null
    cmp /root/up /root/down
    check owner "$(stat -c %U /home/alice/up)" alice
}

root_needs_a_key() {
    install -d -m 0700 /root/.ssh
    install -m 0600 /root/key.pub /root/.ssh/authorized_keys
    check "root with a key" "$(login root id -u)" 0
    printf 'root:Root-Pass-4711\n' | chpasswd
    fails login_typed password,keyboard-interactive root password=Root-Pass-4711 -- true
}

nobody_comes_in_while_the_system_goes_down() {
    local said
    echo "back at noon" >/run/nologin
    said=$(login alice true 2>&1) && wrong "alice came in"
    rm /run/nologin
    check_in "what alice is told" "$said" 'back at noon|denied|closed'
    login alice true
}

expired_account_is_refused_whatever_it_has() {
    chage -E 1 bob
    fails login bob true
    fails login_typed password bob "password=$(password_of bob)" -- true
    chage -E -1 bob
    login bob true
}

claim open_after_boot_and_nothing_runs
claim first_client_starts_it
claim login_is_a_session_of_logind
claim terminal_makes_a_session_of_type_tty
claim session_ends_with_its_connection
claim user_s_own_manager_runs
claim confinement_of_the_server_is_not_the_user_s
claim limits_are_those_of_pam
claim files_travel_both_ways
claim root_needs_a_key
claim nobody_comes_in_while_the_system_goes_down
claim expired_account_is_refused_whatever_it_has
claims_end
