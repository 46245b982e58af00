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
        trap 'echo "WHY ${BASH_COMMAND:0:200} (line $LINENO)"' ERR
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
