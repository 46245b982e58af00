#!/bin/bash
# What Debian's PAM modules make of a session, what becomes of one that PAM refuses, and of a module that hangs.
# shellcheck disable=SC2317 # claims are called by name
. /claims/lib.sh

# stack_of USER LINE...: logins of that user go through these lines of PAM.
stack_of() {
    printf '%s\n' "${@:2}" >"/etc/pam.d/of-$1"
    printf '\nMatch User %s\n    PAMServiceName of-%s\n' "$1" "$1" >>/etc/sallyport/sallyport.conf
    systemctl reload sallyport.service
}

typed() {
    login_typed keyboard-interactive "$1" "password=$(password_of "$1")" -- "${@:2}"
}

environment_is_pams() {
    echo 'GREETING=hello' >>/etc/environment
    echo 'LANG=C.UTF-8' >/etc/default/locale
    check "what the session has" "$(login alice 'echo "$GREETING $LANG $(cat /proc/self/loginuid) $(umask)"')" "hello C.UTF-8 $(id -u alice) $(su - alice -c umask)"
}

message_of_the_day_is_for_terminals() {
    echo 'the message of today' >/etc/motd
    check_in "a terminal" "$(echo exit | login alice -tt 2>&1)" 'the message of today'
    check "a program" "$(login alice 'echo no more' 2>&1)" 'no more'
}

logins_are_on_record() {
    login alice true
    if compgen -G '/usr/lib/*/security/pam_lastlog.so' >/dev/null; then
        check_in "lastlog" "$(lastlog -u alice)" '127\.0\.0\.1'
        check_in "wtmp" "$(last -w alice)" '^alice +ssh +127\.0\.0\.1'
    else
        check_in "lastlog2" "$(lastlog2 -u alice)" '127\.0\.0\.1'
        check_in "wtmpdb" "$(wtmpdb last)" '^alice +ssh .*127\.0\.0\.1'
    fi
}

home_is_made_at_the_first_login() {
    useradd -M -s /bin/bash newcomer
    chpasswd <<<"newcomer:$(password_of newcomer)"
    [ ! -e /home/newcomer ]
    stack_of newcomer '@include common-auth' '@include common-account' '@include common-session' 'session required pam_mkhomedir.so'
    check "where" "$(typed newcomer pwd)" /home/newcomer
    check "whose" "$(stat -c %U /home/newcomer)" newcomer
}

group_of_the_hour_is_in_the_session() {
    groupadd watch
    echo '*;*;dave;Al0000-2400;watch' >>/etc/security/group.conf
    stack_of dave 'auth required pam_group.so' '@include common-auth' '@include common-account' '@include common-session'
    check_in "groups" "$(login dave id -Gn)" '(^| )watch( |$)'
}

# Numbers; not that of the user's manager, which systemd 257 lists as well.
sessions_of() {
    loginctl list-sessions --no-legend | awk -v user="$1" '$3 == user && !/manager/ {print $1}'
}

no_session_of() {
    [ -z "$(sessions_of "$1")" ]
}

# Also where logind has a session already when a later module refuses.
session_that_pam_refuses_ends_the_connection_and_leaves_nothing() {
    local said
    stack_of erin '@include common-auth' '@include common-account' '@include common-session' 'session required pam_deny.so'
    said=$(typed erin 'echo came in' 2>&1) && wrong "let in with a password"
    check_in "why" "$said" 'session could not be opened'
    said+=$(login erin 'echo came in' 2>&1) && wrong "let in with a key"
    if grep -q 'came in' <<<"$said"; then wrong "a program has run"; fi
    wait_for 10 no_session_of erin
    check "who else" "$(login alice id -un)" alice
}

is_gone() {
    ! kill -0 "$1"
}

# Nobody else waits for it, and LoginGraceTime ends it.
module_that_hangs_is_cut_off_and_holds_up_nobody() {
    local client began login_process
    sed -i '1i LoginGraceTime 8' /etc/sallyport/sallyport.conf
    stack_of carol 'auth required pam_exec.so /bin/sleep 301' '@include common-auth' '@include common-account' '@include common-session'
    typed carol true >/root/carol.out 2>&1 &
    client=$!
    wait_for 10 pgrep -f '^/bin/sleep 301'
    login_process=$(ps -o ppid= -p "$(pgrep -f '^/bin/sleep 301')")
    check_in "it hangs in" "$(tr '\0' ' ' <"/proc/${login_process// /}/cmdline")" 'sallyport-session --login'
    began=$SECONDS
    check "who" "$(login alice id -un)" alice
    [ $((SECONDS - began)) -le 4 ] || wrong "somebody else has waited for $((SECONDS - began)) s"
    if wait "$client"; then wrong "it was let in"; fi
    [ $((SECONDS - began)) -le 15 ] || wrong "it was cut off after $((SECONDS - began)) s"
    wait_for 5 is_gone "${login_process// /}"
}

has_session() {
    [ -n "$(sessions_of "$1")" ]
}

remote_host_is_known_to_logind() {
    local session
    login alice 'sleep 20' &
    wait_for 10 has_session alice
    session=$(sessions_of alice | tail -n 1)
    check "remote host" "$(loginctl show-session -p RemoteHost --value "$session")" 127.0.0.1
    check "service" "$(loginctl show-session -p Service --value "$session")" sallyport
    kill %1
}

claim environment_is_pams
claim message_of_the_day_is_for_terminals
claim logins_are_on_record
claim home_is_made_at_the_first_login
claim group_of_the_hour_is_in_the_session
claim remote_host_is_known_to_logind
claim session_that_pam_refuses_ends_the_connection_and_leaves_nothing
claim module_that_hangs_is_cut_off_and_holds_up_nobody
claims_end
