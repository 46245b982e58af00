#!/bin/bash
# Programs that die or cannot start, again and again: the port goes on answering, and all is well once they can.
# shellcheck disable=SC2317 # claims are called by name
. /claims/lib.sh

pid_of() {
    systemctl show -P MainPID "$1"
}

socket_is_open() {
    check "state of the socket" "$(systemctl is-active sallyport.socket)" active
    ss -Hltn 'sport = 22' | grep -q LISTEN
}

# dies UNIT: twelve times, as fast as it comes up; clients come in between.
dies() {
    local unit=$1 round pid
    login alice true
    for round in $(seq 1 12); do
        pid=$(pid_of "$unit")
        [ "$pid" = 0 ] || kill -KILL "$pid"
        sleep 0.2
        (exec 3<>/dev/tcp/127.0.0.1/22) || wrong "the port is closed after $round"
    done
    socket_is_open
    wait_for 60 login alice true
    check "state of $unit" "$(systemctl is-active "$unit")" active
}

# cannot_start UNIT: for eight seconds, with forty clients. (systemd's own limits closed the port after five or twenty.)
cannot_start() {
    local unit=$1 clients=()
    mkdir -p "/run/systemd/system/$unit.d"
    printf '[Service]\nExecStart=\nExecStart=/bin/false\n' >"/run/systemd/system/$unit.d/test.conf"
    systemctl daemon-reload
    systemctl kill -s KILL --kill-whom=main "$unit" || true
    for _ in $(seq 1 40); do
        timeout 8 bash -c 'exec 3<>/dev/tcp/127.0.0.1/22; sleep 0.5' &
        clients+=($!)
        sleep 0.2
    done
    wait "${clients[@]}" || true
    socket_is_open
    rm -r "/run/systemd/system/$unit.d"
    systemctl daemon-reload
    wait_for 60 login alice true
}

monitor_dies_again_and_again() { dies sallyport.service; }
signer_dies_again_and_again() { dies sallyport-signer.service; }
workers_parent_dies_again_and_again() { dies sallyport-worker.service; }
logins_parent_dies_again_and_again() { dies sallyport-session.service; }
monitor_cannot_start() { cannot_start sallyport.service; }
workers_parent_cannot_start() { cannot_start sallyport-worker.service; }

token_process_dies_and_is_started_again() {
    local pid
    login alice true
    pid=$(ps -eo pid=,comm= | awk '$2 == "sallyport-token" {print $1; exit}')
    [ -n "$pid" ] || wrong "there is no token process: $(server_processes | tr '\n' ' ')"
    kill -KILL "$pid"
    wait_for 30 login alice true
}

signer_s_death_ends_no_connection() {
    login alice 'sleep 4; echo still here' >/root/open &
    sleep 1
    kill -KILL "$(pid_of sallyport-signer.service)"
    wait $!
    check "what the open connection says" "$(cat /root/open)" "still here"
}

workers_parent_s_death_ends_no_connection() {
    login alice 'sleep 4; echo still here' >/root/open &
    sleep 1
    kill -KILL "$(pid_of sallyport-worker.service)"
    wait $!
    check "what the open connection says" "$(cat /root/open)" "still here"
}

# With keys renewed afterwards: the next one can have them signed.
monitor_s_death_ends_no_connection() {
    local round
    login alice -o RekeyLimit=150K 'for i in 1 2 3 4 5 6; do head -c 200000 /dev/zero; sleep 1; done' | wc -c >/root/open &
    sleep 1
    for round in 1 2; do
        kill -KILL "$(pid_of sallyport.service)"
        wait_for 20 login alice true
        sleep 1
    done
    wait $!
    check "octets of the open connection, after $round deaths" "$(cat /root/open)" 1200000
}

# What needs no new keys needs no monitor.
stop_ends_no_connection() {
    login alice 'sleep 5; echo still here' >/root/open &
    sleep 1
    systemctl stop sallyport.service sallyport-signer.service
    sleep 1
    systemctl start sallyport.service
    wait $!
    check "what the open connection says" "$(cat /root/open)" "still here"
    wait_for 20 login alice true
}

claim monitor_dies_again_and_again
claim signer_dies_again_and_again
claim workers_parent_dies_again_and_again
claim logins_parent_dies_again_and_again
claim token_process_dies_and_is_started_again
claim signer_s_death_ends_no_connection
claim workers_parent_s_death_ends_no_connection
claim monitor_s_death_ends_no_connection
claim stop_ends_no_connection
claim monitor_cannot_start
claim workers_parent_cannot_start
claims_end
