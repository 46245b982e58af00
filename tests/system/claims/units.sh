#!/bin/bash
# The installed units: what runs when, as whom, behind what; what a restart, a crash and a bad configuration cost.
# layer: none
# shellcheck disable=SC2317 # claims are called by name
. /claims/lib.sh
. /claims/lib/server.sh

the_token_and_a_user_are_made() {
    [ ! -d /debs ] || install_package 0.1.0-1
    server_token
    server_user
}

units_are_as_this_systemd_knows_them() {
    local said
    said=$(systemd-analyze verify --man=no "$(systemctl show -P FragmentPath sallyport.socket)" \
        $(for unit in $server_units; do systemctl show -P FragmentPath "$unit.service"; done) 2>&1 | grep -i sallyport) || true
    check "complaints" "$said" ""
}

nothing_runs_before_the_first_client() {
    local unit
    systemctl enable --now sallyport.socket
    check "state of the socket" "$(systemctl is-active sallyport.socket)" active
    for unit in $server_units; do
        check "$unit" "$(systemctl is-active "$unit.service" || true)" inactive
    done
    check "processes" "$(pgrep -c '^sallyport' || true)" 0
}

the_first_login_works_at_once() {
    local started=$EPOCHREALTIME said
    said=$(login id -un)
    echo "after $(bc <<<"$EPOCHREALTIME - $started" 2>/dev/null || echo "${EPOCHREALTIME%.*}") s"
    check "who" "$said" alice
    for unit in $server_units; do
        check "$unit" "$(systemctl is-active "$unit.service")" active
    done
}

programs_run_as_their_users() {
    check "monitor" "$(ps -o user:32= -p "$(main_pid sallyport)")" sallyport
    check "signer" "$(ps -o user:32= -p "$(main_pid sallyport-signer)")" sallyport-signer
    check "tokens" "$(ps -o user:32= -C sallyport-token | sort -u)" sallyport-signer
    check "zygote" "$(ps -o user:32= -p "$(main_pid sallyport-worker)")" sallyport-worker
    check "accept loop" "$(ps -o user:32= -p "$(main_pid sallyport-session)")" root
}

# exposure UNIT: tenths.
exposure() {
    systemd-analyze security --no-pager "$1.service" | sed -n 's/.*exposure level for .*: \([0-9]*\)\.\([0-9]\).*/\1\2/p'
}

exposure_is_what_was_promised() {
    local unit
    for unit in $server_units; do
        echo "$unit $(exposure "$unit")"
    done
    [ "$(exposure sallyport)" -le 10 ]
    [ "$(exposure sallyport-signer)" -le 5 ]
    [ "$(exposure sallyport-worker)" -le 5 ]
}

status_of() {
    sed -n "s/^$2:[[:space:]]*//p" "/proc/$1/status"
}

# The same for all three; the workers' own filter comes on top.
confined() {
    local pid=$1 kind
    check "capabilities of $pid" "$(status_of "$pid" CapBnd)$(status_of "$pid" CapPrm)$(status_of "$pid" CapEff)" \
        000000000000000000000000000000000000000000000000
    check "no_new_privs of $pid" "$(status_of "$pid" NoNewPrivs)" 1
    check "seccomp of $pid" "$(status_of "$pid" Seccomp)" 2
    for kind in net ipc mnt; do
        [ "$(readlink "/proc/$pid/ns/$kind")" != "$(readlink "/proc/1/ns/$kind")" ] || wrong "$pid shares $kind with the system"
    done
    check "interfaces of $pid" "$(nsenter -t "$pid" -n ip -brief link | awk '$1 != "lo"')" ""
}

programs_without_root_are_confined() {
    confined "$(main_pid sallyport)"
    confined "$(main_pid sallyport-signer)"
    confined "$(main_pid sallyport-worker)"
    confined "$(pgrep -o -x sallyport-token)"
}

# What the zygote's unit leaves in sight, and what the zygote has closed by itself on a kernel with Landlock.
workers_have_no_files() {
    local root
    root=/proc/$(main_pid sallyport-worker)/root
    [ ! -e "$root/etc/passwd" ] && [ ! -e "$root/home" ] && [ ! -e "$root/var" ] && [ ! -e "$root/root" ]
    [ ! -e "$root/run/sallyport/config.snapshot" ] && [ ! -e "$root/run/sallyport/signer.sock" ]
    ! touch "$root/usr/claim" 2>/dev/null || wrong "it can be written to"
    # What is closed then cannot be seen from outside (tests/unit/base/sandbox tries it): the zygote says when it is not.
    [ -z "$(systemctl show -P StatusText sallyport-worker.service)" ] ||
        check_in "status" "$(systemctl show -P StatusText sallyport-worker.service)" 'No Landlock in this kernel'
}

# Whatever a unit confines is inherited: nothing may be.
users_programs_are_not_confined() {
    local said kind
    said=$(login 'grep -E "^(CapBnd|NoNewPrivs|Seccomp):" /proc/self/status; readlink /proc/self/ns/{mnt,net,ipc,pid,user,uts}; ulimit -n; umask; env')
    check_in "bounding set" "$said" "^CapBnd:[[:space:]]*$(status_of 1 CapBnd)$"
    check_in "no_new_privs" "$said" "^NoNewPrivs:[[:space:]]*0$"
    check_in "seccomp" "$said" "^Seccomp:[[:space:]]*$(status_of 1 Seccomp)$"
    for kind in mnt net ipc pid user uts; do
        check_in "namespaces" "$said" "^$(readlink "/proc/1/ns/$kind" | sed 's/[][]/\\&/g')$"
    done
    check_in "umask" "$said" '^00[02]2$' # pam_umask's
    if grep -E '^(NOTIFY_SOCKET|WATCHDOG_|LISTEN_|CREDENTIALS_DIRECTORY|INVOCATION_ID|JOURNAL_STREAM|SYSTEMD_EXEC_PID)' <<<"$said"; then
        wrong "of the service's environment"
    fi
}

sessions_are_the_login_managers() {
    local said
    said=$(login 'grep ^0:: /proc/self/cgroup; echo "$XDG_SESSION_ID $XDG_RUNTIME_DIR"')
    check_in "cgroup" "$said" '/user.slice/user-[0-9]+.slice/session-.*\.scope'
    check_in "runtime directory" "$said" "/run/user/$(id -u alice)"
}

a_good_configuration_is_reloaded() {
    journal_mark /root/mark
    printf 'Banner /etc/sallyport/banner\n' >/etc/sallyport/conf.d/banner.conf
    echo "a banner" >/etc/sallyport/banner
    systemctl reload sallyport.service
    wait_for 10 journal_has /root/mark 'generation [0-9]+ is in force'
    check_in "banner" "$(ssh_level=INFO login true 2>&1)" '^a banner$'
    rm /etc/sallyport/conf.d/banner.conf
    systemctl reload sallyport.service
}

a_bad_configuration_is_refused_at_reload() {
    local before
    before=$(main_pid sallyport)
    journal_mark /root/mark
    printf 'PermitTTY perhaps\n' >/etc/sallyport/conf.d/bad.conf
    ! systemctl reload sallyport.service 2>/dev/null || wrong "systemctl reload says that it worked"
    wait_for 10 journal_has /root/mark 'sallyportd.*Configuration refused.*bad.conf.*PermitTTY'
    check "monitor" "$(main_pid sallyport)" "$before"
    check "who" "$(login id -un)" alice
}

# Nothing is wrong with the file itself: only the signer, which knows the keys, can say.
what_the_signer_refuses_is_told_to_who_reloads() {
    rm /etc/sallyport/conf.d/bad.conf
    printf 'HostKeyAlgorithms rsa-sha2-512\n' >/etc/sallyport/conf.d/refused.conf
    journal_mark /root/mark
    ! systemctl reload sallyport.service 2>/dev/null || wrong "systemctl reload says that it worked"
    journal_has /root/mark 'Configuration refused'
    rm /etc/sallyport/conf.d/refused.conf
    systemctl reload sallyport.service
    printf 'PermitTTY perhaps\n' >/etc/sallyport/conf.d/bad.conf
}

# The file is bad still. Whoever restarts the server then is not locked out.
a_bad_configuration_does_not_end_a_server_that_is_restarted() {
    journal_mark /root/mark
    systemctl restart sallyport.service
    journal_has /root/mark 'sallyport-launch.*bad.conf.*PermitTTY'
    journal_has /root/mark 'the one before stays in force'
    check "who" "$(login id -un)" alice
    rm /etc/sallyport/conf.d/bad.conf
    systemctl reload sallyport.service
}

stop_everything() {
    systemctl stop sallyport.socket sallyport.service # the rest comes only if somebody asks for it
    systemctl stop 'sallyport*'
    rm -f /run/sallyport/config.snapshot /run/sallyport/*.options
}

# The first configuration ever: there is none to fall back to. The client who came too early is served when it is mended, and
# nobody has to start anything.
a_client_waits_until_a_first_configuration_is_mended() {
    local client
    stop_everything
    printf 'PermitTTY perhaps\n' >/etc/sallyport/conf.d/bad.conf
    journal_mark /root/mark
    systemctl start sallyport.socket
    login id -un >/root/early 2>&1 &
    client=$!
    wait_for 10 journal_has /root/mark 'sallyport-launch.*bad.conf.*PermitTTY'
    sleep 3
    check "the port" "$(systemctl is-active sallyport.socket)" active
    rm /etc/sallyport/conf.d/bad.conf
    wait "$client"
    check "who" "$(cat /root/early)" alice
}

# connect N: opens and closes N connections.
connect() {
    local i
    for ((i = 0; i < $1; i++)); do
        timeout 1 bash -c 'exec 3<>/dev/tcp/127.0.0.1/22' 2>/dev/null || true
    done
}

no_number_of_failed_starts_closes_the_port() {
    stop_everything
    drop_in sallyport.service 'ExecStartPre=+/bin/false'
    systemctl start sallyport.socket
    connect 150
    sleep 2
    connect 150
    check "the port" "$(systemctl is-active sallyport.socket)" active
    drop_in_remove sallyport.service
    logs_in 30 # behind those that wait, some of whom have gone
}

no_number_of_clients_closes_the_port() {
    connect 400
    check "the port" "$(systemctl is-active sallyport.socket)" active
    logs_in 30
}

# fails_for PROGRAM: cannot start for a while; then somebody logs in.
recovers() {
    drop_in "$1.service" "ExecStartPre=/bin/false"
    kill -KILL "$(main_pid "$1")"
    sleep 4
    drop_in_remove "$1.service"
    logs_in 30
}

what_cannot_start_for_a_while_is_not_given_up() {
    local unit
    for unit in $server_units; do
        recovers "$unit"
        check "$unit" "$(systemctl is-active "$unit.service")" active
    done
}

# restarted UNIT: by another process.
restarted() {
    local before
    before=$(main_pid "$1")
    systemctl restart "$1.service"
    [ "$(main_pid "$1")" != "$before" ]
}

# crashed UNIT: started again by systemd.
crashed() {
    local before
    before=$(main_pid "$1")
    kill -KILL "$before"
    wait_for 20 is_replaced "$1" "$before"
}

# outlived WHAT COMMAND...: by an open connection, while others come.
outlived() {
    echo "$1"
    "${@:2}"
    held open
    logs_in 20
    held open
}

open_connections_outlive_the_restart_of_any_unit() {
    local unit
    hold open
    for unit in $server_units; do
        outlived "restart of $unit.service" restarted "$unit"
    done
    let_go open
}

open_connections_outlive_the_crash_of_any_program() {
    local unit
    hold open
    for unit in $server_units; do
        outlived "crash of $unit.service" crashed "$unit"
    done
    let_go open
}

open_connections_outlive_the_restart_of_everything() {
    hold open
    outlived "all programs" systemctl restart sallyport.service sallyport-signer.service sallyport-worker.service \
        sallyport-session.service
    outlived "all units" systemctl restart 'sallyport*'
    let_go open
}

# systemd refuses to start a socket whose service runs: the service has to go with it, and come again.
sockets_can_be_restarted() {
    local unit
    hold open
    for unit in sallyport sallyport-control sallyport-signer sallyport-worker sallyport-session; do
        outlived "restart of $unit.socket" systemctl restart "$unit.socket"
        check "$unit.socket" "$(systemctl is-active "$unit.socket")" active
    done
    let_go open
}

# Where systemd keeps descriptors of a service that is stopped (254 and later).
open_connections_outlive_a_stop() {
    [ "$(systemctl show -P FileDescriptorStorePreserve sallyport.service)" = yes ] || skip "an older systemd"
    hold open
    systemctl stop sallyport.service
    sleep 1
    outlived "a stop" systemctl start sallyport.service
    let_go open
}

# hangs UNIT: a program that hangs is started again.
hangs() {
    local before
    before=$(main_pid "$1")
    kill -STOP "$before"
    wait_for 20 is_replaced "$1" "$before"
    logs_in 20
}

a_program_that_hangs_is_started_again() {
    local unit
    for unit in $server_units; do
        drop_in "$unit.service" 'WatchdogSec=2s'
        systemctl restart "$unit.service"
        logs_in 20
        hangs "$unit"
        drop_in_remove "$unit.service"
    done
    systemctl restart 'sallyport*.service'
}

an_idle_signer_asks_its_token_for_a_proof() {
    drop_in sallyport-signer.service 'WatchdogSec=1s'
    systemctl restart sallyport-signer.service
    logs_in 10
    journal_mark /root/mark
    wait_for 15 journal_has /root/mark 'signature [0-9]+, watch with'
    drop_in_remove sallyport-signer.service
    systemctl restart sallyport-signer.service
}

the_pin_comes_as_a_credential() {
    sed -i 's,^TokenPIN.*,TokenPIN credential:pin,' /etc/sallyport/conf.d/token.conf
    mv /etc/sallyport/pin /root/pin
    chmod 0600 /root/pin && chown root:root /root/pin
    drop_in sallyport-signer.service LoadCredential=pin:/root/pin
    stop_everything
    systemctl start sallyport.socket
    check "who" "$(login id -un)" alice
    drop_in_remove sallyport-signer.service
}

the_pin_comes_as_an_encrypted_credential() {
    stop_everything
    mkdir -p -m 0700 /etc/credstore.encrypted
    systemd-creds encrypt --name=pin /root/pin /etc/credstore.encrypted/sallyport.pin || skip "systemd-creds cannot encrypt here"
    systemctl start sallyport.socket
    check "who" "$(login id -un)" alice
    rm /etc/credstore.encrypted/sallyport.pin
}

without_a_pin_the_log_says_so() {
    stop_everything
    journal_mark /root/mark
    systemctl start sallyport.socket
    ! login true 2>/dev/null || wrong "a login without a PIN"
    wait_for 10 journal_has /root/mark 'PIN in credential:pin'
    install -m 0400 -o sallyport-signer /root/pin /etc/sallyport/pin
    sed -i 's,^TokenPIN.*,TokenPIN file:/etc/sallyport/pin,' /etc/sallyport/conf.d/token.conf
    stop_everything
    systemctl start sallyport.socket
    check "who" "$(login id -un)" alice
}

a_group_may_ask_on_the_control_socket() {
    groupadd --system operators
    useradd -G operators bob
    sallyport policy running >/dev/null
    ! runuser -u bob -- sallyport policy running >/dev/null 2>&1 || wrong "before it was allowed"
    printf 'ControlGroup operators\n' >/etc/sallyport/conf.d/group.conf
    systemctl reload sallyport.service
    check "owner and mode" "$(stat -c '%U %G %a' /run/sallyport/control.sock)" "root operators 660"
    runuser -u bob -- sallyport policy running
    ! runuser -u alice -- sallyport policy running >/dev/null 2>&1 || wrong "somebody else"
    rm /etc/sallyport/conf.d/group.conf
    systemctl reload sallyport.service
    check "owner and mode" "$(stat -c '%U %G %a' /run/sallyport/control.sock)" "root root 600"
}

# Root tells the signer itself whom to believe about policies; a signer that runs is started again with it.
a_restart_of_the_server_tells_the_signer_whom_to_believe() {
    local signer policy=/etc/sallyport/policy.d/SITE.policy
    mkdir -p /etc/sallyport/policy.d
    ssh-keygen -q -t ed25519 -N '' -f /root/site-key
    printf 'site@example %s\n' "$(cut -d' ' -f1,2 /root/site-key.pub)" >"/etc/sallyport/who may sign"
    printf 'Name SITE\nDescription signed\nSerial 5\nInherit DEFAULT\n' >"$policy"
    ssh-keygen -q -Y sign -n sallyport-policy -f /root/site-key "$policy"
    printf 'PolicyTrust "/etc/sallyport/who may sign"\nPolicy SITE\n' >/etc/sallyport/conf.d/trust.conf
    signer=$(main_pid sallyport-signer)
    hold open
    systemctl restart sallyport.service
    wait_for 10 is_replaced sallyport-signer "$signer"
    logs_in 20
    held open
    let_go open
    sed -i 's/Serial 5/Serial 6/' "$policy"
    if systemctl reload sallyport.service 2>/dev/null; then wrong "a policy that nobody has signed"; fi
    rm "$policy.sig"
    ssh-keygen -q -Y sign -n sallyport-policy -f /root/site-key "$policy"
    systemctl reload sallyport.service
    rm /etc/sallyport/conf.d/trust.conf
    systemctl restart sallyport.service
    logs_in 20
}

# The examples as they are, but for the address.
a_second_listener_is_added_to_a_server_that_runs() {
    local examples=/usr/share/doc/sallyport/examples
    [ -d "$examples" ] || skip "no examples are installed"
    sed 's/^ListenStream=.*/ListenStream=127.0.0.2:2222/' "$examples/sallyport-management.socket" \
        >/etc/systemd/system/sallyport-management.socket
    mkdir -p /etc/systemd/system/sallyport.service.d
    cp "$examples/sallyport.service.d-management.conf" /etc/systemd/system/sallyport.service.d/management.conf
    printf 'Match Listener management\n    ForceCommand echo by the side door\n' >/etc/sallyport/conf.d/zz.conf
    systemctl daemon-reload
    systemctl enable sallyport-management.socket
    systemctl reload sallyport.service
    hold open
    outlived "another listener" systemctl restart sallyport-management.socket
    check "the side door" "$(login_at 127.0.0.2 2222 true)" "by the side door"
    check "the front door" "$(login echo by the front door)" "by the front door"
    outlived "its restart" systemctl restart sallyport-management.socket
    check "the side door" "$(login_at 127.0.0.2 2222 true)" "by the side door"
    let_go open
}

# It starts the server as well, and without the first.
the_second_listener_alone_starts_the_server() {
    systemctl stop sallyport-management.socket
    stop_everything
    systemctl start sallyport-management.socket
    check "the side door" "$(login_at 127.0.0.2 2222 true)" "by the side door"
    check "the front door" "$(systemctl is-active sallyport.socket || true)" inactive
    systemctl disable --now sallyport-management.socket
    rm -r /etc/systemd/system/sallyport.service.d /etc/systemd/system/sallyport-management.socket /etc/sallyport/conf.d/zz.conf
    systemctl daemon-reload
    stop_everything
    systemctl start sallyport.socket
    check "who" "$(login id -un)" alice
}

examples_are_drop_ins_that_systemd_knows() {
    local name said
    [ -d /usr/share/doc/sallyport/examples ] || skip "no examples are installed"
    mkdir -p /run/systemd/system/sallyport-signer.service.d
    for name in /usr/share/doc/sallyport/examples/sallyport-signer.service.d-*.conf; do
        cp "$name" "/run/systemd/system/sallyport-signer.service.d/"
    done
    said=$(systemd-analyze verify --man=no sallyport-signer.service 2>&1 | grep -i sallyport) || true
    rm -r /run/systemd/system/sallyport-signer.service.d
    check "complaints" "$said" ""
}

a_service_without_its_socket_says_so() {
    stop_everything
    journal_mark /root/mark
    systemctl start --no-block sallyport.service
    wait_for 10 journal_has /root/mark 'No listening socket was handed over'
    stop_everything
    systemctl start sallyport.socket
    check "who" "$(login id -un)" alice
}

claim the_token_and_a_user_are_made
claim units_are_as_this_systemd_knows_them
claim nothing_runs_before_the_first_client
claim the_first_login_works_at_once
claim programs_run_as_their_users
claim exposure_is_what_was_promised
claim programs_without_root_are_confined
claim workers_have_no_files
claim users_programs_are_not_confined
claim sessions_are_the_login_managers
claim a_good_configuration_is_reloaded
claim a_bad_configuration_is_refused_at_reload
claim what_the_signer_refuses_is_told_to_who_reloads
claim a_bad_configuration_does_not_end_a_server_that_is_restarted
claim a_client_waits_until_a_first_configuration_is_mended
claim no_number_of_failed_starts_closes_the_port
claim no_number_of_clients_closes_the_port
claim what_cannot_start_for_a_while_is_not_given_up
claim open_connections_outlive_the_restart_of_any_unit
claim open_connections_outlive_the_crash_of_any_program
claim open_connections_outlive_the_restart_of_everything
claim open_connections_outlive_a_stop
claim sockets_can_be_restarted
claim a_program_that_hangs_is_started_again
claim an_idle_signer_asks_its_token_for_a_proof
claim the_pin_comes_as_a_credential
claim the_pin_comes_as_an_encrypted_credential
claim without_a_pin_the_log_says_so
claim a_group_may_ask_on_the_control_socket
claim a_restart_of_the_server_tells_the_signer_whom_to_believe
claim a_second_listener_is_added_to_a_server_that_runs
claim the_second_listener_alone_starts_the_server
claim examples_are_drop_ins_that_systemd_knows
claim a_service_without_its_socket_says_so
claims_end
