#!/bin/bash
# sallyport and openssh-server on one machine: who has the port keeps it, and each serves on its own.
# layer: none
# shellcheck disable=SC2317 # claims are called by name
. /claims/lib.sh

login_sshd() {
    timeout 30 ssh -F none -p "${1:-22}" -i /root/key -o BatchMode=yes -o StrictHostKeyChecking=no -o UserKnownHostsFile=/root/known_sshd \
        -o LogLevel=ERROR alice@127.0.0.1 id -un
}

sshd_begin() {
    useradd -m -s /bin/bash alice
    ssh-keygen -q -t ed25519 -N '' -f /root/key
    install -d -m 0700 -o alice -g alice /home/alice/.ssh
    install -m 0600 -o alice -g alice /root/key.pub /home/alice/.ssh/authorized_keys
    ssh-keygen -A
    systemctl start ssh.service
    check "login" "$(login_sshd)" alice
}

installation_leaves_sshd_alone() {
    local before
    sshd_begin
    before=$(systemctl show -P MainPID ssh.service)
    install_package 0.1.0-1
    sallyport-setup --type ed25519
    check "sshd" "$(systemctl show -P MainPID ssh.service)" "$before"
    check "login" "$(login_sshd)" alice
}

taken_port_is_not_taken_away() {
    fails systemctl start sallyport.socket
    check_in "what the log says" "$(journalctl -b -u sallyport.socket -o cat)" 'Failed to listen on sockets'
    check "login" "$(login_sshd)" alice
    systemctl reset-failed sallyport.socket
}

both_serve_on_ports_of_their_own() {
    mkdir -p /etc/systemd/system/sallyport.socket.d
    printf '[Socket]\nListenStream=\nListenStream=2222\n' >/etc/systemd/system/sallyport.socket.d/port.conf
    systemctl daemon-reload
    systemctl enable --now sallyport.socket
    ssh-keyscan -t ed25519 -p 2222 127.0.0.1 2>/dev/null >/root/known_hosts
    check "login to sallyport" "$(login alice -p 2222 id -un)" alice
    check "login to sshd" "$(login_sshd)" alice
    check_in "who is who" "$(ssh-keyscan -p 2222 127.0.0.1 2>&1 | head -n 1)" sallyport
    check_in "who is who" "$(ssh-keyscan -p 22 127.0.0.1 2>&1 | head -n 1)" OpenSSH
}

port_is_handed_over_with_connections_open() {
    login_sshd_open() { timeout 30 ssh -F none -i /root/key -o BatchMode=yes -o StrictHostKeyChecking=no \
        -o UserKnownHostsFile=/root/known_sshd -o LogLevel=ERROR alice@127.0.0.1 'sleep 6; echo still here'; }
    login_sshd_open >/root/open-sshd &
    login alice -p 2222 'sleep 6; echo still here' >/root/open &
    sleep 1
    systemctl stop ssh.service
    rm -r /etc/systemd/system/sallyport.socket.d
    systemctl daemon-reload
    systemctl restart sallyport.socket
    wait
    check "sshd's open connection" "$(cat /root/open-sshd)" "still here"
    check "sallyport's open connection" "$(cat /root/open)" "still here"
    ssh-keyscan -t ed25519 127.0.0.1 2>/dev/null >/root/known_hosts
    check "login" "$(login alice id -un)" alice
}

removal_leaves_sshd_alone() {
    DEBIAN_FRONTEND=noninteractive apt-get remove -y -qq sallyport
    systemctl start ssh.service
    check "login" "$(login_sshd)" alice
}

claim installation_leaves_sshd_alone
claim taken_port_is_not_taken_away
claim both_serve_on_ports_of_their_own
claim port_is_handed_over_with_connections_open
claim removal_leaves_sshd_alone
claims_end
