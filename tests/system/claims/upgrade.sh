#!/bin/bash
# A newer package over a running server: nobody's connection ends, and no question of dpkg's takes the server away.
# shellcheck disable=SC2317 # claims are called by name
. /claims/lib.sh

main_pids() {
    local unit
    for unit in $server_units; do systemctl show -P MainPID "$unit"; done
}

# Keys are renewed for each megabyte, so also after it.
upgrade_ends_no_connection() {
    local before rekeys client
    login alice true
    before=$(main_pids)
    for _ in $(seq 1 120); do
        head -c 75000 /dev/urandom
        sleep 0.1
    done | tee /root/sent | timeout 100 ssh -v -F none -i /root/key -o BatchMode=yes -o RekeyLimit=1M \
        -o UserKnownHostsFile=/root/known_hosts alice@127.0.0.1 'cat >received' 2>/root/trace &
    client=$!
    wait_for 20 grep -q 'Sending command' /root/trace
    sleep 1
    install_package 0.1.0-2
    rekeys=$(grep -c 'SSH2_MSG_NEWKEYS received' /root/trace)
    kill -0 "$client" || wrong "the transfer was over before the upgrade"
    wait "$client"
    cmp /root/sent /home/alice/received
    [ "$(grep -c 'SSH2_MSG_NEWKEYS received' /root/trace)" -gt "$rekeys" ] || wrong "keys were not renewed after it"
    check "processes that are still the same" "$(comm -12 <(sort <<<"$before") <(main_pids | sort))" ""
}

new_version_serves() {
    check version "$(dpkg-query -W -f '${Version}' sallyport)" 0.1.0-2
    login alice true
    check "failed units" "$(systemctl --failed --no-legend --plain)" ""
    check "state of the socket" "$(systemctl is-enabled sallyport.socket) $(systemctl is-active sallyport.socket)" "enabled active"
}

host_key_is_the_same() {
    check "host key" "$(ssh-keyscan -t ed25519 127.0.0.1 2>/dev/null)" "$(cat /root/known_hosts)"
}

# A package whose configuration file differs from the installed one, which the administrator has changed as well.
package_that_asks() {
    rm -rf /root/package && dpkg-deb -R "/debs/sallyport_0.1.0-2_$(dpkg --print-architecture).deb" /root/package
    sed -i 's/^Version: .*/Version: 0.1.0-3/' /root/package/DEBIAN/control
    echo "# a line of the newer version" >>/root/package/etc/sallyport/sallyport.conf
    echo "# a line of the newer version" >>/root/package/etc/pam.d/sallyport
    dpkg-deb -b /root/package /root/newer.deb
    echo "# a line of the administrator's" >>/etc/sallyport/sallyport.conf
    echo "# a line of the administrator's" >>/etc/pam.d/sallyport
}

# dpkg finds nobody who answers, and stops in the middle.
question_about_a_file_takes_nothing_away() {
    package_that_asks
    login alice 'sleep 5; echo still here' >/root/open &
    sleep 1
    fails dpkg -i /root/newer.deb
    check_in "state of the package" "$(dpkg-query -W -f '${db:Status-Status}' sallyport)" '^(unpacked|half-configured)$'
    login alice true
    systemctl restart sallyport.service
    login alice true
    wait $!
    check "the open connection" "$(cat /root/open)" "still here"
}

answer_is_kept() {
    dpkg --force-confold --configure sallyport
    check "version" "$(dpkg-query -W -f '${Version} ${db:Status-Status}' sallyport)" "0.1.0-3 installed"
    grep -q "a line of the administrator's" /etc/sallyport/sallyport.conf
    login alice true
}

drop_ins_ask_nothing() {
    cp /root/package/etc/sallyport/sallyport.conf /etc/sallyport/sallyport.conf
    cp /root/package/etc/pam.d/sallyport /etc/pam.d/sallyport
    echo "MaxAuthTries 4" >/etc/sallyport/conf.d/50-site.conf
    sed -i 's/^Version: .*/Version: 0.1.0-4/' /root/package/DEBIAN/control
    echo "# a line of the newest version" >>/root/package/etc/sallyport/sallyport.conf
    dpkg-deb -b /root/package /root/newest.deb
    dpkg -i /root/newest.deb
    sallyportd -T | grep -qx 'maxauthtries 4'
    login alice true
}

claim upgrade_ends_no_connection
claim new_version_serves
claim host_key_is_the_same
claim question_about_a_file_takes_nothing_away
claim answer_is_kept
claim drop_ins_ask_nothing
claims_end
