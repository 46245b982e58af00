# What quickstart and tests/run say, and how they give up. Sourced; output goes to standard output, errors to standard
# error.

# step TEXT...: one line per thing done.
step() {
    printf '==> %s\n' "$*"
}

# fail TEXT...: ends the script with a reason that a person can act on.
fail() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 1
}

# quietly LOG COMMAND...: runs it with its output in LOG, and shows the end of that if it fails.
quietly() {
    local log=$1
    shift
    "$@" >"$log" 2>&1 </dev/null && return 0
    local status=$?
    tail -n 30 "$log" >&2
    return "$status"
}
