#!/bin/bash
# PAM with the modules that Debian has: what they make of a session, what they say to whom, and what they cannot hold up.
# shellcheck disable=SC2317 # claims are called by name
. /claims/lib.sh
. /claims/lib/server.sh

password='correct horse battery'

# account NAME [OPTION...]: a user with that password and no key. Options are useradd's.
account() {
    useradd -s /bin/bash "${@:2}" "$1"
    chpasswd <<<"$1:$password"
}

# pam_for NAME TYPE CONTROL MODULE...: logins of that user go through Debian's stack with this line before its own of that type.
pam_for() {
    local at
    {
        for at in auth account session; do
            [ "$at" != "$2" ] || printf '%s\n' "${*:2}"
            printf '@include common-%s\n' "$at"
        done
        printf '@include common-password\n'
    } >"/etc/pam.d/of-$1"
    printf 'Match User %s\n  PAMServiceName of-%s\n' "$1" "$1" >"/etc/sallyport/conf.d/of-$1.conf"
    systemctl reload sallyport.service
}

# Answers as a person at the keyboard: every prompt is noted, and gets what ANSWER has.
typist() {
    cat >/root/typist <<'END'
#!/bin/sh
printf '%s\n' "$1" >>/root/prompts
printf '%s\n' "$ANSWER"
END
    chmod 755 /root/typist
}

# dialogue USER ANSWER COMMAND: by keyboard-interactive alone; prompts land in /root/prompts.
dialogue() {
    rm -f /root/prompts
    ANSWER=$2 SSH_ASKPASS=/root/typist SSH_ASKPASS_REQUIRE=force timeout 30 ssh -o PreferredAuthentications=keyboard-interactive \
        -o StrictHostKeyChecking=accept-new -o NumberOfPasswordPrompts=1 "$1@127.0.0.1" "$3"
}

a_server_is_there() {
    server_token
    server_user
    typist
    printf 'LoginGraceTime 8\n' >/etc/sallyport/conf.d/00-grace.conf
    systemctl enable --now sallyport.socket
    check "who" "$(login id -un)" alice
}

a_password_is_asked_for_by_debians_own_stack() {
    account bert -m
    check "who" "$(dialogue bert "$password" 'id -un')" bert
    check_in "prompt" "$(cat /root/prompts)" 'Password:'
    ! dialogue bert wrong true || wrong "a wrong password"
}

limits_environment_and_mask_are_pams() {
    local said
    printf 'alice hard nofile 777\nalice soft nofile 700\n' >/etc/security/limits.d/alice.conf
    echo 'GREETING=hello' >>/etc/environment
    echo 'LANG=C.UTF-8' >/etc/default/locale
    said=$(login 'ulimit -Hn; ulimit -Sn; echo "$GREETING"; echo "$LANG"; cat /proc/self/loginuid; umask')
    check "what the session has" "$said" "777
700
hello
C.UTF-8
$(id -u alice)
0022"
}

# The terminal's greeting; nothing of it where a program runs.
the_message_of_the_day_is_for_terminals() {
    echo 'the message of today' >/etc/motd
    check_in "a terminal" "$(echo exit | timeout 30 ssh -tt -i "$user_key" -o BatchMode=yes alice@127.0.0.1 2>&1)" 'the message of today'
    check "a program" "$(login 'echo no more')" 'no more'
}

logins_are_on_record() {
    login true
    if [ -e /usr/lib/"$(uname -m)"-linux-gnu/security/pam_lastlog.so ]; then
        check_in "lastlog" "$(lastlog -u alice)" '127\.0\.0\.1'
        check_in "wtmp" "$(last -w alice)" '^alice +ssh +127\.0\.0\.1'
    elif command -v wtmpdb >/dev/null; then
        check_in "wtmpdb" "$(wtmpdb last)" '^alice'
    else
        skip "this distribution keeps such records by packages that are not installed"
    fi
}

a_home_is_made_at_the_first_login() {
    account newcomer -M
    [ ! -e /home/newcomer ]
    pam_for newcomer session required pam_mkhomedir.so
    check "where" "$(dialogue newcomer "$password" pwd)" /home/newcomer
    check "whose" "$(stat -c %U /home/newcomer)" newcomer
}

while_there_is_nologin_only_root_comes_in() {
    local said
    echo 'under repair until noon' >/etc/nologin
    said=$(login true 2>&1) && wrong "alice has come in"
    rm /etc/nologin
    check_in "why" "$said" 'under repair until noon'
    check "who" "$(login id -un)" alice
}

an_account_that_has_expired_is_told_so() {
    local said
    chage -E 0 alice
    said=$(login true 2>&1) && wrong "alice has come in"
    chage -E -1 alice
    check_in "why" "$said" '[Ee]xpired|Access denied by the account rules'
    check "who" "$(login id -un)" alice
}

# What a stranger sees who tries three wrong passwords and then a fourth: how it was refused, and what was said before.
seen_by_a_stranger() {
    local i
    for i in 1 2 3 4; do
        dialogue "$1" "wrong $i" true 2>&1 || true
    done | sed "s/$1/NAME/g"
    cat /root/prompts | sed "s/$1/NAME/g"
}

# pam_faillock says before any prompt that an account is locked, and it has to exist for that.
a_locked_account_looks_like_one_that_does_not_exist() {
    local known unknown
    account locked -m
    cat >/etc/pam.d/of-locked <<'END'
auth    required        pam_faillock.so preauth deny=3
auth    sufficient      pam_unix.so
auth    [default=die]   pam_faillock.so authfail deny=3
account required        pam_faillock.so
@include common-account
@include common-session
@include common-password
END
    printf 'Match User locked,ghost\n  PAMServiceName of-locked\n' >/etc/sallyport/conf.d/of-locked.conf
    systemctl reload sallyport.service
    known=$(seen_by_a_stranger locked)
    unknown=$(seen_by_a_stranger ghost)
    check_in "faillock has counted" "$(faillock --user locked)" '127\.0\.0\.1'
    check "the locked one" "$known" "$unknown"
    ! dialogue locked "$password" true 2>/dev/null || wrong "the right password opens a locked account"
    faillock --user locked --reset
    check "who" "$(dialogue locked "$password" 'id -un')" locked
}

open_sessions() {
    loginctl list-sessions --no-legend | grep -cw "$1" || true
}

a_session_that_pam_refuses_ends_the_connection_and_leaves_nothing() {
    local said
    account refused -m
    pam_for refused session requisite pam_deny.so
    said=$(dialogue refused "$password" 'echo came in' 2>&1) && wrong "it was let in"
    ! grep -q 'came in' <<<"$said"
    check_in "why" "$said" 'session could not be opened'
    # The same where logind has a session already when a later module refuses.
    printf 'auth include common-auth\naccount include common-account\nsession include common-session\nsession required pam_deny.so\n' \
        >/etc/pam.d/of-refused
    said=$(dialogue refused "$password" 'echo came in' 2>&1) && wrong "it was let in"
    wait_for 10 check "sessions left" "$(open_sessions refused)" 0
}

# Nobody else waits, and LoginGraceTime ends it.
a_module_that_hangs_is_cut_off_and_holds_up_nobody() {
    local client started
    account patient -m
    pam_for patient auth required pam_exec.so /bin/sleep 301
    dialogue patient "$password" true >/root/patient.out 2>&1 &
    client=$!
    wait_for 10 pgrep -f '^/bin/sleep 301'
    started=$SECONDS
    check "who" "$(login id -un)" alice
    [ $((SECONDS - started)) -le 4 ] || wrong "it took $((SECONDS - started)) s"
    ! wait "$client" || wrong "the one that waits was let in"
    [ $((SECONDS - started)) -le 15 ] || wrong "it was cut off after $((SECONDS - started)) s"
    wait_for 5 eval '! pgrep -f "^sallyport-session --login"'
}

sessions_end_with_their_connections() {
    hold one
    [ "$(open_sessions alice)" -ge 1 ]
    check_in "remote host" "$(loginctl show-session -p RemoteHost -p Remote -p Service "$(loginctl list-sessions --no-legend |
        awk '/alice/ {print $1; exit}')")" 'RemoteHost=127.0.0.1'
    let_go one
    wait_for 10 eval '[ "$(open_sessions alice)" = 0 ]'
}

claim a_server_is_there
claim a_password_is_asked_for_by_debians_own_stack
claim limits_environment_and_mask_are_pams
claim the_message_of_the_day_is_for_terminals
claim logins_are_on_record
claim a_home_is_made_at_the_first_login
claim while_there_is_nologin_only_root_comes_in
claim an_account_that_has_expired_is_told_so
claim a_locked_account_looks_like_one_that_does_not_exist
claim a_session_that_pam_refuses_ends_the_connection_and_leaves_nothing
claim a_module_that_hangs_is_cut_off_and_holds_up_nobody
claim sessions_end_with_their_connections
claims_end
