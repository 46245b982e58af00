#!/bin/bash
# Each program is restarted alone while a user transfers data and renews keys: the connection does not notice.
# shellcheck disable=SC2317 # claims are called by name
. /claims/lib.sh

# Six megabytes in about eight seconds, with a key exchange for each of them.
transfer_begin() {
    rm -f /root/sent /root/trace /home/alice/received
    known_hosts_make
    for _ in $(seq 1 80); do
        head -c 75000 /dev/urandom
        sleep 0.1
    done | tee /root/sent | timeout 100 ssh -v -F none -i /root/key -o BatchMode=yes -o RekeyLimit=1M -o UserKnownHostsFile=/root/known_hosts \
        alice@127.0.0.1 'cat >received' 2>/root/trace &
    transfer=$!
    wait_for 20 grep -q 'rekey in progress\|rekeying in progress\|enabling delayed\|Sending command' /root/trace
    sleep 1.5
}

rekeys() {
    grep -c 'SSH2_MSG_NEWKEYS received' /root/trace
}

# transfer_end REKEYS: it succeeded, nothing is missing, and keys were renewed after that many.
transfer_end() {
    wait "$transfer" || { tail -n 5 /root/trace && wrong "the transfer failed"; }
    cmp /root/sent /home/alice/received
    [ "$(rekeys)" -gt "$1" ] || wrong "keys were not renewed again: $(rekeys), $1 before"
}

transfer_outlives() {
    local before
    transfer_begin
    before=$(rekeys)
    "$@"
    login alice true
    transfer_end "$before"
}

pid_of() {
    systemctl show -P MainPID "$1"
}

# restart UNIT...: it is another process afterwards.
restart() {
    local unit old=()
    for unit in "$@"; do old+=("$(pid_of "$unit")"); done
    systemctl restart "$@"
    for unit in "$@"; do
        [ "$(pid_of "$unit")" != "${old[0]}" ] || wrong "$unit is still process ${old[0]}"
        old=("${old[@]:1}")
        check "state of $unit" "$(systemctl is-active "$unit")" active
    done
}

signer_is_restarted_under_a_transfer() {
    transfer_outlives restart sallyport-signer.service
}

workers_are_restarted_under_a_transfer() {
    transfer_outlives restart sallyport-worker.service
}

logins_are_restarted_under_a_transfer() {
    transfer_outlives restart sallyport-session.service
}

monitor_is_restarted_under_a_transfer() {
    transfer_outlives restart sallyport.service
}

all_are_restarted_under_a_transfer() {
    # shellcheck disable=SC2086 # names
    transfer_outlives restart $server_units
}

session_of_logind_outlives_it_too() {
    local number
    # shellcheck disable=SC2016
    login alice 'echo "$XDG_SESSION_ID" >number; exec sleep 15' &
    wait_for 20 test -s /home/alice/number
    number=$(cat /home/alice/number)
    # shellcheck disable=SC2086 # names
    restart $server_units
    check state "$(loginctl show-session "$number" -p State --value)" active
    wait $!
    rm /home/alice/number
    wait_for 20 sh -c "! loginctl show-session $number"
}

# The socket is systemd's: it takes them while the monitor is away, here for two seconds.
clients_that_come_meanwhile_wait() {
    local clients=() client
    mkdir -p /run/systemd/system/sallyport.service.d
    printf '[Service]\nExecStartPre=+/bin/sleep 2\n' >/run/systemd/system/sallyport.service.d/test.conf
    systemctl daemon-reload
    systemctl restart --no-block sallyport.service
    wait_for 5 sh -c 'systemctl show -P SubState sallyport.service | grep -q start-pre'
    for _ in 1 2 3 4; do
        login alice true &
        clients+=($!)
    done
    for client in "${clients[@]}"; do
        wait "$client"
    done
    rm -r /run/systemd/system/sallyport.service.d
    systemctl daemon-reload
}

# systemd would refuse to start a socket whose service runs, and leave the port closed.
restart_of_the_socket_leaves_the_port_open() {
    systemctl restart sallyport.socket
    wait_for 10 sh -c "ss -Hltn 'sport = 22' | grep -q ."
    login alice true
}

nothing_of_it_failed() {
    check "failed units" "$(systemctl --failed --no-legend --plain)" ""
}

login alice true
claim signer_is_restarted_under_a_transfer
claim workers_are_restarted_under_a_transfer
claim logins_are_restarted_under_a_transfer
claim monitor_is_restarted_under_a_transfer
claim all_are_restarted_under_a_transfer
claim session_of_logind_outlives_it_too
claim clients_that_come_meanwhile_wait
claim restart_of_the_socket_leaves_the_port_open
claim nothing_of_it_failed
claims_end
