#!/bin/bash
# Removal stops the server; purging leaves nothing but host keys, and those only until somebody says so.
# layer: none
# shellcheck disable=SC2317 # claims are called by name
. /claims/lib.sh

# Files of the system, but for what is the package manager's, the journal's and the user database's own.
files() {
    find / -xdev \( -path /proc -o -path /sys -o -path /run -o -path /tmp -o -path /io -o -path /root -o -path /home -o -path /debs \
        -o -path /claims -o -path /var/lib/dpkg -o -path /var/log -o -path /var/cache -o -path /var/lib/apt -o -path /var/lib/systemd \
        -o -path /var/lib/deb-systemd -o -path '/var/tmp/*' -o -path '/etc/*-' -o -path /etc/credstore.encrypted \) -prune -o -print | sort
}

begin() {
    files >/root/files.before
    install_package 0.1.0-1
    useradd -m -s /bin/bash alice
    ssh-keygen -q -t ed25519 -N '' -f /root/key
    install -d -m 0700 -o alice -g alice /home/alice/.ssh
    install -m 0600 -o alice -g alice /root/key.pub /home/alice/.ssh/authorized_keys
}

purge() {
    DEBIAN_FRONTEND=noninteractive apt-get purge -y -qq sallyport
}

# Users of packages stay, in /etc/passwd and its like; directories of /etc that others share as well.
nothing_left() {
    files >/root/files.after
    diff /root/files.before /root/files.after
    check "processes" "$(server_processes)" ""
    check "units" "$(systemctl list-units --all --no-legend 'sallyport*'; systemctl list-unit-files --no-legend 'sallyport*')" ""
    check "runtime directory" "$(ls -d /run/sallyport* 2>/dev/null)" ""
    check "port 22" "$(ss -Hltn 'sport = 22')" ""
    check "what systemd's helper remembers" "$(find /var/lib/systemd -name '*sallyport*')" ""
}

unused_package_leaves_nothing() {
    begin
    purge
    nothing_left
}

removal_stops_the_server() {
    install_package 0.1.0-1
    sallyport-setup --type ed25519 >/root/setup
    systemctl enable --now sallyport.socket
    login alice 'sleep 60' &
    wait_for 20 pgrep -u alice -x sleep
    DEBIAN_FRONTEND=noninteractive apt-get remove -y -qq sallyport
    wait_for 15 sh -c '! ps -eo comm= | grep -q ^sallyport'
    wait $! && wrong "the open connection ended well"
    check "port 22" "$(ss -Hltn 'sport = 22')" ""
    check "failed units" "$(systemctl --failed --no-legend --plain)" ""
}

removed_and_installed_again_it_serves() {
    install_package 0.1.0-1
    systemctl enable --now sallyport.socket
    check "host key" "$(ssh-keyscan -t ed25519 127.0.0.1 2>/dev/null)" "$(cat /root/known_hosts)"
    login alice true
}

purge_keeps_host_keys_and_says_so() {
    local said
    said=$(purge 2>&1)
    check_in "what it says" "$said" 'token with host keys in /var/lib/sallyport-token stays'
    check "what is left" "$(find /etc/sallyport /var/lib/sallyport-signer /run/sallyport 2>/dev/null)" ""
    [ -n "$(find /var/lib/sallyport-token -name token.object)" ]
    [ -s /etc/credstore.encrypted/sallyport.pin ]
}

kept_keys_serve_again() {
    install_package 0.1.0-1
    sallyport-setup --type ed25519 >/root/setup.again
    check "fingerprints" "$(grep SHA256 /root/setup.again)" "$(grep SHA256 /root/setup)"
    systemctl enable --now sallyport.socket
    login alice true
}

keys_are_destroyed_on_demand_alone() {
    fails sallyport-setup --remove --yes
    systemctl disable --now sallyport.socket
    systemctl stop 'sallyport*'
    echo no | fails sallyport-setup --remove
    [ -n "$(find /var/lib/sallyport-token -name token.object)" ]
    sallyport-setup --remove --yes
    check "what is left" "$(ls -A /var/lib/sallyport-token 2>/dev/null; ls /etc/credstore.encrypted/sallyport.pin 2>/dev/null)" ""
}

# Of a token elsewhere: nobody else has it, perhaps.
purge_keeps_a_pin_of_the_administrators() {
    install -m 0400 -o sallyport-signer /dev/null /etc/sallyport/pin
    purge
    check "what is left" "$(find /etc/sallyport -type f)" /etc/sallyport/pin
    rm /etc/sallyport/pin
    install_package 0.1.0-1
}

then_purge_leaves_nothing() {
    purge
    nothing_left
}

claim unused_package_leaves_nothing
claim removal_stops_the_server
claim removed_and_installed_again_it_serves
claim purge_keeps_host_keys_and_says_so
claim kept_keys_serve_again
claim keys_are_destroyed_on_demand_alone
claim purge_keeps_a_pin_of_the_administrators
claim then_purge_leaves_nothing
claims_end
