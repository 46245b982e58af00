#!/bin/bash
# What is in the journal of an installed system, and what reads it.
# shellcheck disable=SC2317 # claims are called by name
. /claims/lib.sh

# field NAME MATCH...: of the newest entry.
field() {
    local name=$1
    shift
    journalctl --sync
    journalctl -b -n 1 -o cat --output-fields="$name" "$@"
}

login_is_an_entry_with_fields() {
    login alice true
    check "user" "$(field SALLYPORT_USER SALLYPORT_EVENT=login)" alice
    check "peer" "$(field SALLYPORT_PEER SALLYPORT_EVENT=login)" 127.0.0.1
    check_in "sentence" "$(field MESSAGE SALLYPORT_EVENT=login)" '^User alice .*127.0.0.1'
    check_in "id of the message" "$(field MESSAGE_ID SALLYPORT_EVENT=login)" '^[0-9a-f]{32}$'
}

# Fields that the journal adds by itself, and no program can forge.
entries_are_the_monitor_s() {
    check "unit" "$(field _SYSTEMD_UNIT SALLYPORT_EVENT=login)" sallyport.service
    check "user" "$(field _UID SALLYPORT_EVENT=login)" "$(id -u sallyport)"
}

connection_has_one_id_from_its_first_to_its_last_entry() {
    local id events
    login alice true
    id=$(field SALLYPORT_CONNECTION SALLYPORT_EVENT=login)
    wait_for 10 sh -c "journalctl -b SALLYPORT_CONNECTION=$id SALLYPORT_EVENT=ended | grep -q sallyportd"
    events=$(journalctl -b -o cat --output-fields=SALLYPORT_EVENT "SALLYPORT_CONNECTION=$id")
    check_in "first" "$(head -n 1 <<<"$events")" '^accepted$'
    check_in "last" "$(tail -n 1 <<<"$events")" '^ended$'
    check_in "between" "$events" '^login$'
}

catalog_explains_entries() {
    local explained
    explained=$(journalctl -b -x -n 1 SALLYPORT_EVENT=login)
    check_in "what journalctl -x says" "$explained" '^-- ?Subject: |^░░ Subject: '
}

decisions_read_like_sshd_s() {
    login alice true
    check_in "sentence" "$(journalctl -b -o cat -u sallyport.service)" '^Accepted publickey for alice from 127.0.0.1 port [0-9]+ ssh2: ED25519 SHA256:'
    fails login_typed password alice password=wrong -- true
    check_in "sentence" "$(journalctl -b -o cat -u sallyport.service)" '^Failed password for alice from 127.0.0.1 port [0-9]+ ssh2'
    fails login_typed password 'no-such-user' password=wrong -- true
    check_in "sentence" "$(journalctl -b -o cat -u sallyport.service)" '^Failed password for invalid user no-such-user from 127.0.0.1 port [0-9]+ ssh2'
}

fail2ban_bans_who_fails() {
    local round
    cp /usr/share/doc/sallyport/fail2ban/filter.d/sallyport.conf /etc/fail2ban/filter.d/
    cp /usr/share/doc/sallyport/fail2ban/jail.d/sallyport.conf /etc/fail2ban/jail.d/
    # No firewall is needed to see who would be banned; what Debian has enabled is sshd's, which is not running.
    printf '[DEFAULT]\nbanaction = noop\nmaxretry = 3\nignoreself = false\nignoreip =\n[sshd]\nenabled = false\n' >/etc/fail2ban/jail.d/zz-test.conf
    printf '[Definition]\nactionban = true\nactionunban = true\n' >/etc/fail2ban/action.d/noop.conf
    systemctl start fail2ban.service
    wait_for 30 fail2ban-client status sallyport
    for round in 1 2 3 4; do
        fails login_typed password alice password=wrong -- -b 127.0.0.66 true
    done
    wait_for 30 sh -c 'fail2ban-client status sallyport | grep "Banned IP list" | grep -q 127.0.0.66'
    systemctl stop fail2ban.service
}

logins_are_in_the_audit_trail() {
    auditctl -s >/root/audit 2>&1 || skip "the kernel keeps its audit trail for the first pid namespace alone: $(tail -n 1 /root/audit)"
    systemctl start auditd.service
    login alice true
    wait_for 10 sh -c 'ausearch -m USER_LOGIN -ts recent | grep -q "acct=.alice"'
}

claim login_is_an_entry_with_fields
claim entries_are_the_monitor_s
claim connection_has_one_id_from_its_first_to_its_last_entry
claim catalog_explains_entries
claim decisions_read_like_sshd_s
claim fail2ban_bans_who_fails
claim logins_are_in_the_audit_trail
claims_end
