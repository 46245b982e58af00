# A software token (SoftHSM2) with host keys made inside it. Sourced; needs say.sh. Everything is done with OpenSC's
# pkcs11-tool, which makes Ed25519 keys in the token on Debian 12 and 13 alike; PINs go by environment, never by
# command line.

token_module=/usr/lib/softhsm/libsofthsm2.so
token_label=sallyport

token_random() {
    od -An -N16 -tx1 /dev/urandom | tr -d ' \n'
}

# token_tool DIR ARGUMENT...
token_tool() {
    local dir=$1
    shift
    SOFTHSM2_CONF=$dir/softhsm2.conf SALLYPORT_PIN=$(cat "$dir/pin") \
        pkcs11-tool --module "$token_module" --token-label "$token_label" "$@"
}

# token_make DIR OWNER NAME=TYPE...: DIR gets softhsm2.conf, pin (0400) and tokens/, all owned by OWNER (uid:gid).
# TYPE as pkcs11-tool says it: EC:edwards25519, EC:prime256v1, rsa:3072.
token_make() {
    local dir=$1 owner=$2 security_officer key number=0
    shift 2
    mkdir -p "$dir/tokens"
    printf '%s\n' "directories.tokendir = $dir/tokens" 'objectstore.backend = file' 'log.level = ERROR' \
        'slots.removable = false' >"$dir/softhsm2.conf"
    (umask 077 && token_random >"$dir/pin")
    security_officer=$(token_random)
    SOFTHSM2_CONF=$dir/softhsm2.conf SALLYPORT_SO=$security_officer pkcs11-tool --module "$token_module" \
        --init-token --label "$token_label" --so-pin env:SALLYPORT_SO || return
    SALLYPORT_SO=$security_officer token_tool "$dir" --login --login-type so --so-pin env:SALLYPORT_SO \
        --init-pin --new-pin env:SALLYPORT_PIN || return
    for key in "$@"; do
        number=$((number + 1))
        token_tool "$dir" --login --pin env:SALLYPORT_PIN --keypairgen --key-type "${key#*=}" \
            --usage-sign --label "${key%%=*}" --id "$(printf '%02x' "$number")" || return
    done
    chmod 0400 "$dir/pin"
    chown -R "$owner" "$dir/tokens" "$dir/pin" "$dir/softhsm2.conf"
    chmod 0700 "$dir/tokens"
}

# token_uri NAME
token_uri() {
    printf 'pkcs11:token=%s;object=%s;type=private' "$token_label" "$1"
}

token_hex_bytes() {
    printf '%b' "$(sed 's/../\\x&/g' <<<"$1")"
}

# token_hex_string TEXT-IN-HEX: the string of RFC 4251 section 5, in hex.
token_hex_string() {
    printf '%08x%s' $((${#1} / 2)) "$1"
}

token_hex_text() {
    token_hex_string "$(printf %s "$1" | od -An -v -tx1 | tr -d ' \n')"
}

# token_hex_ecdsa CURVE POINT-IN-HEX: the blob of RFC 5656 section 3.1.
token_hex_ecdsa() {
    printf '%s%s%s' "$(token_hex_text "ecdsa-sha2-$1")" "$(token_hex_text "$1")" "$(token_hex_string "$2")"
}

# token_public DIR NAME: the public key as the token has it, as a line of known_hosts without the host. It is read here
# without the server's help, so that the two can be compared. Curve points come as DER octet strings (04, a length of
# one octet or 81 and one); pkcs11-tool's own export of them fails on Debian 12.
token_public() {
    local listed point curve blob
    listed=$(token_tool "$1" --list-objects --type pubkey 2>/dev/null |
        awk -v name="$2" '/^Public Key/ {p = ""; c = "none"} $1 == "EC_POINT:" {p = $2} $1 == "EC_PARAMS:" {c = $2}
            $1 == "label:" {if ($2 == name) {print c, p}}')
    read -r curve point <<<"$listed"
    case $curve in
    130c656477617264733235353139 | 06032b6570) # edwards25519 by name, or its object identifier
        blob=$(token_hex_text ssh-ed25519)$(token_hex_string "${point#0420}")
        ;;
    06082a8648ce3d030107) blob=$(token_hex_ecdsa nistp256 "${point#0441}") ;;
    06052b81040022) blob=$(token_hex_ecdsa nistp384 "${point#0461}") ;;
    06052b81040023) blob=$(token_hex_ecdsa nistp521 "${point#048185}") ;;
    none)
        {
            printf -- '-----BEGIN PUBLIC KEY-----\n'
            token_tool "$1" --read-object --type pubkey --label "$2" 2>/dev/null | base64
            printf -- '-----END PUBLIC KEY-----\n'
        } | ssh-keygen -i -m PKCS8 -f /dev/stdin
        return
        ;;
    *) return 1 ;;
    esac
    # The blob's first string is the algorithm's name.
    printf '%s %s\n' "$(token_hex_bytes "${blob:8:$((2 * 0x${blob:0:8}))}")" "$(token_hex_bytes "$blob" | base64 -w0)"
}
