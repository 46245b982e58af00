#!/bin/bash
# A configuration that cannot be used changes nothing, at a reload, at a restart and at a start.
# shellcheck disable=SC2317 # claims are called by name
. /claims/lib.sh

drop_in=/etc/sallyport/conf.d/00-test.conf

log_of_server() {
    journalctl -b -u sallyport.service -o cat --no-pager
}

begin() {
    rm -f "$drop_in"
    login alice true
}

good_one_counts_for_new_connections() {
    begin
    login alice 'sleep 6; echo still here' >/root/open &
    sleep 1
    echo "the banner" >/etc/banner
    echo "Banner /etc/banner" >"$drop_in"
    systemctl reload sallyport.service
    wait_for 10 sh -c 'ssh -F none -o BatchMode=yes -o UserKnownHostsFile=/root/known_hosts nobody@127.0.0.1 true 2>&1 | grep -q "the banner"'
    wait $!
    check "the open connection" "$(cat /root/open)" "still here"
}

bad_one_changes_nothing_at_a_reload() {
    local before
    begin
    systemctl reload sallyport.service
    before=$(systemctl show -P MainPID sallyport.service)
    echo "ThisIsNoKeyword yes" >"$drop_in"
    systemctl reload sallyport.service || true
    wait_for 10 sh -c "journalctl -b -u sallyport.service -o cat | grep -q '$drop_in.*1.*ThisIsNoKeyword'"
    login alice true
    check "the monitor" "$(systemctl show -P MainPID sallyport.service)" "$before"
}

bad_one_changes_nothing_at_a_restart() {
    systemctl restart sallyport.service
    login alice true
}

# After a boot nothing is in force: the port stays open, the log says why, and clients are served once it is mended.
bad_one_at_a_start_leaves_the_port_open() {
    local since
    since=$(date '+%F %T')
    systemctl stop 'sallyport*.service' 'sallyport*.socket'
    rm -rf /run/sallyport/*
    systemctl start sallyport.socket
    timeout 5 ssh-keyscan -T 4 127.0.0.1 || true
    check "state of the socket" "$(systemctl is-active sallyport.socket)" active
    journalctl --since "$since" -u sallyport.service -o cat | grep -q "$drop_in.*ThisIsNoKeyword"
    rm "$drop_in"
    wait_for 60 login alice true
}

token_that_has_no_such_key_is_refused() {
    begin
    echo "HostKey pkcs11:token=sallyport;object=no-such-key;type=private" >"$drop_in"
    systemctl reload sallyport.service || true
    wait_for 20 sh -c 'journalctl -b -u sallyport.service -o cat | grep -q no-such-key'
    login alice true
    rm "$drop_in"
    systemctl reload sallyport.service
    login alice true
}

claim good_one_counts_for_new_connections
claim bad_one_changes_nothing_at_a_reload
claim bad_one_changes_nothing_at_a_restart
claim bad_one_at_a_start_leaves_the_port_open
claim token_that_has_no_such_key_is_refused
claims_end
