#!/bin/bash
# Debian's own PAM stacks and modules behind every method: passwords, one-time codes, expiry, lock-outs.
# shellcheck disable=SC2317 # claims are called by name
. /claims/lib.sh

pam_file=/etc/pam.d/sallyport
secret_of_bob=3132333435363738393031323334353637383930

password_logs_in() {
    check "password" "$(login_typed password alice "password=$(password_of alice)" -- id -un)" alice
    check "keyboard-interactive" "$(login_typed keyboard-interactive alice "password=$(password_of alice)" -- id -un)" alice
}

wrong_password_and_unknown_user_look_alike() {
    local known unknown
    known=$(login_typed password alice password=wrong -- true 2>&1) && wrong "a wrong password logs in"
    unknown=$(login_typed password nobody-of-that-name password=wrong -- true 2>&1) && wrong "an unknown user logs in"
    check "what an unknown user is told" "${unknown//nobody-of-that-name/alice}" "$known"
}

# A second factor behind the password, in the same dialogue (libpam-oath).
totp_begin() {
    cp "$pam_file" /root/pam.before
    printf 'HOTP/T30/6 bob - %s\n' "$secret_of_bob" >/etc/users.oath
    chmod 0600 /etc/users.oath
    sed -i '/^@include common-auth/a auth required pam_oath.so usersfile=/etc/users.oath window=5' "$pam_file"
}

totp_end() {
    cp /root/pam.before "$pam_file"
}

totp_and_password_log_in() {
    totp_begin
    check "login" "$(login_typed keyboard-interactive bob "one-time=$(oathtool --totp "$secret_of_bob")" "password=$(password_of bob)" -- id -un)" bob
    check "prompts" "$(wc -l </root/prompts)" 2
}

either_alone_does_not() {
    fails login_typed keyboard-interactive bob one-time=000000 "password=$(password_of bob)" -- true
    fails login_typed keyboard-interactive bob "one-time=$(oathtool --totp "$secret_of_bob")" password=wrong -- true
    fails login_typed password bob "password=$(password_of bob)" -- true
    totp_end
}

# expired METHODS USER: the password is changed in the dialogue, and the new one is in force.
expired() {
    local methods=$1 user=$2 new="New-$2-0815-x"
    chage -d 0 "$user"
    check "the login that changes it" "$(login_typed "$methods" "$user" "new password=$new" "retype=$new" \
        "current password=$(password_of "$user")" "old password=$(password_of "$user")" "password=$(password_of "$user")" -- id -un)" "$user"
    check "the new one" "$(login_typed password "$user" "password=$new" -- id -un)" "$user"
    fails login_typed password "$user" "password=$(password_of "$user")" -- true
}

expired_password_is_changed_in_password() {
    expired password carol
}

expired_password_is_changed_in_keyboard_interactive() {
    expired keyboard-interactive dave
}

expired_password_is_changed_behind_a_key() {
    expired publickey,keyboard-interactive erin
}

expired_password_without_a_dialogue_is_refused() {
    local said
    chage -d 0 bob
    said=$(login bob true 2>&1) && wrong "bob came in"
    chage -d 20000 bob
    login bob true
}

lock_out_holds_for_the_right_password_too() {
    local round
    printf '%s\n' 'auth required pam_faillock.so preauth deny=3 unlock_time=600' \
        'auth sufficient pam_unix.so' 'auth [default=die] pam_faillock.so authfail deny=3 unlock_time=600' >/root/auth
    cp "$pam_file" /root/pam.before
    sed -i -e '/^@include common-auth/{r /root/auth' -e 'd}' -e 's/^@include common-account/account required pam_faillock.so\n&/' "$pam_file"
    for round in 1 2 3; do
        fails login_typed password alice password=wrong -- true
    done
    check_in "tally" "$(faillock --user alice)" '127.0.0.1'
    fails login_typed password alice "password=$(password_of alice)" -- true
}

# "The account is locked" before the password would tell that the account exists.
lock_out_is_not_told_before_the_password() {
    local known unknown
    known=$(login_typed keyboard-interactive alice password=x -- true 2>&1 | sed 's/alice/NAME/g') || true
    unknown=$(login_typed keyboard-interactive nobody-of-that-name password=x -- true 2>&1 | sed 's/nobody-of-that-name/NAME/g') || true
    check "what is said to a locked user" "$known" "$unknown"
}

lock_out_ends() {
    faillock --user alice --reset
    check "login" "$(login_typed password alice "password=$(password_of alice)" -- id -un)" alice
    cp /root/pam.before "$pam_file"
}

claim password_logs_in
claim wrong_password_and_unknown_user_look_alike
claim totp_and_password_log_in
claim either_alone_does_not
claim expired_password_is_changed_in_password
claim expired_password_is_changed_in_keyboard_interactive
claim expired_password_is_changed_behind_a_key
claim expired_password_without_a_dialogue_is_refused
claim lock_out_holds_for_the_right_password_too
claim lock_out_is_not_told_before_the_password
claim lock_out_ends
claims_end
