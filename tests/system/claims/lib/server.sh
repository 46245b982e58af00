# A server as an administrator sets one up, and a user who logs in. Sourced, after lib.sh; sallyport is installed.

server_units="sallyport sallyport-signer sallyport-worker sallyport-session"
user_key=/root/user-key

# A token in files, two keys, and a PIN where TokenPIN has it.
server_token() {
    printf '%s\n' 'directories.tokendir = /var/lib/sallyport-token' 'objectstore.backend = file' 'log.level = ERROR' \
        >/etc/sallyport/softhsm2.conf
    mkdir -p /etc/sallyport/conf.d
    cat >/etc/sallyport/conf.d/token.conf <<'END'
TokenModule /usr/lib/softhsm/libsofthsm2.so
TokenEnvironment SOFTHSM2_CONF=/etc/sallyport/softhsm2.conf
TokenPIN file:/etc/sallyport/pin
HostKey pkcs11:token=host;object=first;type=private
END
    printf 'Include /etc/sallyport/conf.d/*.conf\n' >/etc/sallyport/sallyport.conf
    sallyport token init --label host --so-pin-file /root/so-pin
    sallyport key generate --type ed25519 --label first
}

server_user() {
    useradd -m -s /bin/bash alice
    ssh-keygen -q -t ed25519 -N '' -f "$user_key"
    install -d -o alice -g alice -m 0700 /home/alice/.ssh
    install -o alice -g alice -m 0600 "$user_key.pub" /home/alice/.ssh/authorized_keys
}

# login_at ADDRESS PORT COMMAND...: as alice. ssh_level: what the client itself says.
login_at() {
    timeout 30 ssh -i "$user_key" -o BatchMode=yes -o StrictHostKeyChecking=accept-new -o ConnectTimeout=20 \
        -o LogLevel="${ssh_level:-ERROR}" -p "$2" "alice@$1" "${@:3}"
}

login() {
    login_at 127.0.0.1 22 "$@"
}

# logs_in SECONDS: somebody can, within that time.
logs_in() {
    local until=$((SECONDS + $1))
    until login true; do
        [ "$SECONDS" -lt "$until" ] || wrong "nobody can log in"
        sleep 0.2
    done
}

# A connection that stays: hold NAME, held NAME (fails if it does not answer any more), let_go NAME.
hold() {
    mkfifo "/root/held-$1"
    ssh -i "$user_key" -o BatchMode=yes -o StrictHostKeyChecking=accept-new -o LogLevel=ERROR alice@127.0.0.1 \
        'while read -r line; do echo "got $line"; done' <"/root/held-$1" >"/root/held-$1.out" 2>&1 &
    echo "$!" >"/root/held-$1.pid"
    sleep infinity >"/root/held-$1" &
    echo "$!" >"/root/held-$1.writer"
    held "$1"
}

held() {
    local word="word-$RANDOM$RANDOM"
    timeout 5 bash -c "echo $word >/root/held-$1"
    wait_for 10 grep -qx "got $word" "/root/held-$1.out"
}

let_go() {
    kill "$(cat "/root/held-$1.writer")" "$(cat "/root/held-$1.pid")" 2>/dev/null || true
    rm -f "/root/held-$1"*
}

# The process of a unit; fails if there is none.
main_pid() {
    local pid
    pid=$(systemctl show -P MainPID "$1.service")
    [ "$pid" != 0 ] && echo "$pid"
}

# Whether a unit has another process than that.
is_replaced() {
    local pid
    pid=$(main_pid "$1") && [ "$pid" != "$2" ]
}

# drop_in UNIT LINE...: in its [Service] section; drop_in_remove UNIT.
drop_in() {
    mkdir -p "/run/systemd/system/$1.d"
    printf '%s\n' '[Service]' "${@:2}" >"/run/systemd/system/$1.d/claim.conf"
    systemctl daemon-reload
}

drop_in_remove() {
    rm -rf "/run/systemd/system/$1.d"
    systemctl daemon-reload
}

# journal_since CURSOR-FILE PATTERN: whether a line of the programs or of systemd about them matches.
journal_mark() {
    journalctl -q --sync
    journalctl -q -n 1 --show-cursor -o cat | sed -n 's/^-- cursor: //p' >"$1"
}

journal_has() {
    journalctl -q --sync
    journalctl -q --after-cursor="$(cat "$1")" -o short-precise | grep -qE -- "$2"
}
