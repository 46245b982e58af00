#!/bin/bash
# HAProxy in front, by a socket unit of its own: who logs in is who has come to HAProxy, everywhere.
# shellcheck disable=SC2317 # claims are called by name
. /claims/lib.sh

balancer_begin() {
    cat >/etc/systemd/system/sallyport-balanced.socket <<'END'
[Socket]
ListenStream=127.0.0.1:2200
FileDescriptorName=balanced
Service=sallyport.service
TriggerLimitIntervalSec=0
END
    cat >/etc/haproxy/haproxy.cfg <<'END'
defaults
    mode tcp
    timeout connect 5s
    timeout client 1m
    timeout server 1m
listen ssh
    bind 127.0.0.1:2201
    server here 127.0.0.1:2200 send-proxy-v2
END
    printf 'ProxyProtocol balanced\nProxyTrusted 127.0.0.1\n' >/etc/sallyport/conf.d/50-balancer.conf
    systemctl stop sallyport.service
    systemctl daemon-reload
    systemctl start sallyport-balanced.socket haproxy.service
    wait_for 20 sh -c "ss -Hltn 'sport = 2201' | grep -q LISTEN"
}

login_through_the_balancer_is_the_client_s() {
    local shown
    balancer_begin
    # The same host key, by another name of this host.
    known_hosts_make
    sed 's/^127.0.0.1/[127.0.0.1]:2201/' /root/known_hosts >>/root/known_hosts.balanced
    cat /root/known_hosts.balanced >>/root/known_hosts
    # shellcheck disable=SC2016 # expanded on the other side
    shown=$(login alice -p 2201 -b 127.0.0.77 'echo "$SSH_CONNECTION"; loginctl show-session "$XDG_SESSION_ID" -p RemoteHost')
    check_in "the session" "$shown" '^127.0.0.77 '
    check_in "logind" "$shown" '^RemoteHost=127.0.0.77$'
    journalctl --sync
    check_in "the journal" "$(journalctl -b -n 1 -o cat --output-fields=SALLYPORT_PEER,SALLYPORT_BALANCER SALLYPORT_EVENT=login)" '127.0.0.77'
    check "the balancer in the journal" "$(journalctl -b -n 1 -o cat --output-fields=SALLYPORT_BALANCER SALLYPORT_EVENT=login)" 127.0.0.1
}

client_that_comes_directly_is_nobody_else() {
    local shown
    # shellcheck disable=SC2016
    shown=$(login alice 'echo "$SSH_CONNECTION"')
    check_in "the session" "$shown" '^127.0.0.1 '
}

client_without_the_header_is_refused_there() {
    fails login alice -p 2200 -o StrictHostKeyChecking=no -o UserKnownHostsFile=/root/other true
}

claim login_through_the_balancer_is_the_client_s
claim client_that_comes_directly_is_nobody_else
claim client_without_the_header_is_refused_there
claims_end
