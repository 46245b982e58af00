#!/bin/bash
# Installation, from the package to the first login.
# layer: none
# shellcheck disable=SC2317 # claims are called by name
. /claims/lib.sh

package_installs_without_a_question() {
    install_package 0.1.0-1
    dpkg-query -W -f '${db:Status-Status}\n' sallyport | grep -qx installed
}

users_have_no_shell_and_no_password() {
    local name
    for name in sallyport sallyport-signer sallyport-worker; do
        check_in "$name" "$(getent passwd "$name")" ':/usr/sbin/nologin$'
        check_in "$name" "$(getent shadow "$name")" ":[!*]+:"
    done
}

nothing_is_enabled_or_running() {
    check processes "$(server_processes)" ""
    check "listening on port 22" "$(ss -Hltn 'sport = 22')" ""
    check "enabled units" "$(systemctl list-unit-files --no-legend --state=enabled 'sallyport*')" ""
    check "active units" "$(systemctl list-units --no-legend --state=active 'sallyport*')" ""
}

no_key_is_made_without_being_asked() {
    check tokens "$(find /var/lib/sallyport-token -mindepth 1)" ""
    check "lines with keys" "$(sallyportd -T | awk '$1 == "hostkey"')" ""
}

# The port is open all the same, so that a key that comes later is enough.
without_a_key_the_log_says_what_to_do() {
    systemctl start sallyport.socket
    timeout 10 ssh-keyscan 127.0.0.1 || true
    wait_for 20 sh -c 'journalctl -b -u "sallyport*" -o cat | grep -q "HostKey"'
    check "state of the socket" "$(systemctl is-active sallyport.socket)" active
    systemctl stop sallyport.socket
    wait_for 20 sh -c '! systemctl is-active sallyport.service'
    systemctl stop 'sallyport*'
    systemctl reset-failed 'sallyport*'
}

setup_makes_keys_and_shows_fingerprints() {
    local said
    said=$(sallyport-setup)
    check_in "what it says" "$said" '256 SHA256:.*ED25519'
    check_in "what it says" "$said" '256 SHA256:.*ECDSA'
    check_in "what it says" "$said" '3072 SHA256:.*RSA'
    sallyportd -t
}

# But for locks, and for what SoftHSM notes down about each login.
what_setup_made() {
    find /etc/sallyport /var/lib/sallyport-token /etc/credstore.encrypted -type f ! -name '*.lock' ! -name token.object \
        -exec sha256sum {} + | sort
}

setup_again_changes_nothing() {
    what_setup_made >/root/before
    sallyport-setup >/root/again
    what_setup_made >/root/after
    diff /root/before /root/after
    grep -q 'SHA256:' /root/again
}

pin_is_readable_by_nobody() {
    local name
    for name in nobody sallyport sallyport-worker; do
        fails setpriv --reuid "$name" --clear-groups cat /etc/credstore.encrypted/sallyport.pin
        fails setpriv --reuid "$name" --clear-groups ls /var/lib/sallyport-token
    done
}

enabled_socket_listens_and_runs_nothing() {
    systemctl enable --now sallyport.socket
    check_in "sockets" "$(ss -Hltn 'sport = 22')" LISTEN
    check processes "$(server_processes)" ""
    check "state of the socket" "$(systemctl is-active sallyport.socket)" active
    check "state of the service" "$(systemctl is-active sallyport.service || true)" inactive
}

first_login_is_served() {
    useradd -m -s /bin/bash alice
    ssh-keygen -q -t ed25519 -N '' -f /root/key
    install -d -m 0700 -o alice -g alice /home/alice/.ssh
    install -m 0600 -o alice -g alice /root/key.pub /home/alice/.ssh/authorized_keys
    check "what the command says" "$(login alice 'id -un')" alice
}

fingerprint_of_setup_is_that_of_the_wire() {
    local wire
    wire=$(ssh-keyscan -t ed25519 127.0.0.1 2>/dev/null | ssh-keygen -lf - | awk '{print $2}')
    grep -qF "$wire" /root/again || wrong "the wire has $wire, sallyport-setup showed $(grep ED25519 /root/again)"
}

every_unit_is_up_after_it() {
    local unit
    for unit in $server_units; do
        check "state of $unit" "$(systemctl is-active "$unit")" active
    done
    check "failed units" "$(systemctl --failed --no-legend --plain)" ""
}

administrator_may_ask() {
    sallyport status | grep -q .
}

nobody_else_may_ask() {
    fails setpriv --reuid nobody --clear-groups sallyport status
}

manual_pages_are_there() {
    local page
    for page in man8/sallyport.8 man8/sallyportd.8 man8/sallyport-launch.8 man8/sallyport-setup.8 man5/sallyport.conf.5 \
        man5/sallyport-policy.5 man7/sallyport-hostkeys.7; do
        dpkg -L sallyport | grep -q "/$page"
    done
}

claim package_installs_without_a_question
claim users_have_no_shell_and_no_password
claim nothing_is_enabled_or_running
claim no_key_is_made_without_being_asked
claim without_a_key_the_log_says_what_to_do
claim setup_makes_keys_and_shows_fingerprints
claim setup_again_changes_nothing
claim pin_is_readable_by_nobody
claim enabled_socket_listens_and_runs_nothing
claim first_login_is_served
claim fingerprint_of_setup_is_that_of_the_wire
claim every_unit_is_up_after_it
claim administrator_may_ask
claim nobody_else_may_ask
claim manual_pages_are_there
claims_end
