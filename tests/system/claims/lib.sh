# What the claims' scripts share, in the guest. Sourced.
#
# A claim is a function. It holds if none of its commands fails; then `ok  NAME` is printed, and else `FAIL NAME: why` with
# what it said below. One that this guest cannot decide calls skip.

claims_failed=0

# The commands run with errexit, so a condition stands on a line of its own; `check` says what was wanted.
claim() {
    local name=$1 log status why
    log=$(mktemp)
    (
        set -Eeuo pipefail
        # Not for what fails in $(...): that is the business of the command around it.
        trap '[ "$BASH_SUBSHELL" -gt 1 ] || echo "WHY ${BASH_COMMAND:0:200} (line $LINENO)"' ERR
        "$@"
    ) >"$log" 2>&1 </dev/null
    status=$?
    why=$(grep '^WHY ' "$log" | head -n 1 | cut -c5-)
    case $status in
    0) printf 'ok  %s\n' "$name" ;;
    77) printf 'skip %s: %s\n' "$name" "$why" ;;
    *)
        printf 'FAIL %s: %s\n' "$name" "${why:-status $status}"
        grep -v '^WHY ' "$log" | tail -n 25 | sed 's/^/     | /'
        claims_failed=1
        ;;
    esac
    rm -f "$log"
    return 0
}

# Ends the script, so that the journal is kept if a claim failed.
claims_end() {
    exit "$claims_failed"
}

skip() {
    echo "WHY $*"
    exit 77
}

wrong() {
    echo "WHY $*"
    exit 1
}

# check WHAT ACTUAL WANTED
check() {
    [ "$2" = "$3" ] || wrong "$1 is \"${2:0:200}\", not \"$3\""
}

# check_in WHAT TEXT PATTERN (an extended regular expression)
check_in() {
    grep -qE -- "$3" <<<"$2" || wrong "$1: no \"$3\" in \"${2:0:300}\""
}

# wait_for SECONDS COMMAND...: until it succeeds.
wait_for() {
    local tries=$(($1 * 10))
    shift
    until "$@" >/dev/null 2>&1; do
        [ $((tries--)) -gt 0 ] || wrong "did not come about: $*"
        sleep 0.1
    done
}

# ---- the package --------------------------------------------------------------------------------------------

# install_package VERSION: from /debs, as an administrator without a network does it.
install_package() {
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "/debs/sallyport_$1_$(dpkg --print-architecture).deb"
}

# Those that serve; sockets are PID 1's.
server_processes() {
    ps -eo pid=,comm= | awk '$2 ~ /^sallyport/'
}

server_units="sallyport.service sallyport-signer.service sallyport-worker.service sallyport-session.service"

# ---- clients ------------------------------------------------------------------------------------------------

password_of() {
    printf 'Old-%s-4711' "$1"
}

# The host key as the first client sees it; from then on nothing else is taken for this host.
known_hosts_make() {
    [ -s /root/known_hosts ] || ssh-keyscan -t ed25519 127.0.0.1 2>/dev/null >/root/known_hosts
    [ -s /root/known_hosts ]
}

# login USER [OPTION...] [COMMAND]: with root's key, at most 60 seconds.
login() {
    local user=$1
    shift
    known_hosts_make
    timeout 60 ssh -F none -i /root/key -o IdentitiesOnly=yes -o BatchMode=yes -o ConnectTimeout=30 -o LogLevel=ERROR \
        -o UserKnownHostsFile=/root/known_hosts -o StrictHostKeyChecking=yes "$user@127.0.0.1" "$@"
}

# login_typed METHODS USER "PATTERN=ANSWER"... -- [OPTION...] [COMMAND]: somebody types an answer to each prompt that has the
# pattern. All prompts are in /root/prompts afterwards; one that nobody has an answer to ends the login.
login_typed() {
    local methods=$1 user=$2
    shift 2
    : >/root/prompts
    : >/root/answers
    while [ "$1" != -- ]; do
        printf '%s\n' "$1" >>/root/answers
        shift
    done
    shift
    cat >/root/askpass <<'END'
#!/bin/bash
printf '%s\n' "$1" >>/root/prompts
while IFS= read -r line; do
    if [[ ${1,,} == *"${line%%=*}"* ]]; then
        printf '%s\n' "${line#*=}"
        exit 0
    fi
done </root/answers
exit 1
END
    chmod 755 /root/askpass
    known_hosts_make
    SSH_ASKPASS=/root/askpass SSH_ASKPASS_REQUIRE=force timeout 60 ssh -F none -i /root/key -o IdentitiesOnly=yes \
        -o "PreferredAuthentications=$methods" -o NumberOfPasswordPrompts=1 -o ConnectTimeout=30 -o LogLevel=INFO \
        -o UserKnownHostsFile=/root/known_hosts -o StrictHostKeyChecking=yes "$user@127.0.0.1" "$@"
}

# Fails if it succeeds: errexit does not see a command behind "!".
fails() {
    if "$@"; then wrong "succeeded: $*"; fi
}
