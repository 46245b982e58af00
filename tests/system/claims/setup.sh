#!/bin/bash
# sallyport-setup, where it finds something else than an empty machine.
# layer: none
# shellcheck disable=SC2317 # claims are called by name
. /claims/lib.sh

PIN=/etc/credstore.encrypted/sallyport.pin
key_count() {
    sallyportd -T | grep -c '^hostkey pkcs11:'
}

arguments_are_checked() {
    install_package 0.1.0-1
    local status
    for wrong_one in --nonsense "--pin nowhere" --type; do
        status=0
        # shellcheck disable=SC2086
        sallyport-setup $wrong_one || status=$?
        check "status of $wrong_one" "$status" 64
    done
    fails sallyport-setup --type ed448
}

interrupted_run_is_finished_by_the_next() {
    (ulimit -f 0 && exec sallyport-setup --type ed25519) && wrong "it made files without being allowed to"
    sallyport-setup --type ed25519
    check "keys" "$(key_count)" 1
}

another_type_is_added() {
    sallyport-setup --type ecdsa-p384
    check "keys" "$(key_count)" 2
}

token_without_its_pin_is_left_alone() {
    local said
    mv "$PIN" /root/pin
    said=$(sallyport-setup 2>&1) && wrong "it went on: $said"
    check_in "what it says" "$said" 'no PIN for it'
    mv /root/pin "$PIN"
    sallyport-setup --type ed25519
}

foreign_keys_are_left_alone() {
    local said
    echo 'HostKey pkcs11:token=other;object=mine;type=private' >/etc/sallyport/conf.d/00-mine.conf
    said=$(sallyport-setup 2>&1) && wrong "it went on: $said"
    check_in "what it says" "$said" 'token=other'
    said=$(sallyport-setup --remove --yes 2>&1) && wrong "it removed: $said"
    check_in "what it says of a removal" "$said" 'token=other'
    [ -s "$PIN" ]
    rm /etc/sallyport/conf.d/00-mine.conf
}

plain_pin_is_never_on_the_disk() {
    systemd-creds decrypt --name=pin "$PIN" - >/run/pin
    fails grep -rqsF -f /run/pin /etc /var /root /usr/lib/systemd
    fails grep -qF -f /run/pin <(journalctl -b)
    rm /run/pin
    check "scratch" "$(ls -d /run/sallyport-setup* 2>/dev/null)" ""
}

tool_works_with_the_credential() {
    systemd-run -q -P --wait -p User=sallyport-signer -p LoadCredentialEncrypted=pin:sallyport.pin sallyport key list | grep -q host-ed25519
}

pin_in_a_file_serves_as_well() {
    sallyport-setup --remove --yes
    sallyport-setup --type ed25519 --pin file --so-pin-file /root/so-pin
    check "the file" "$(stat -c '%U %a' /etc/sallyport/pin)" "sallyport-signer 400"
    check "the security officer's" "$(stat -c '%U %a' /root/so-pin)" "root 400"
    systemctl start sallyport.socket
    wait_for 20 known_hosts_make
}

claim arguments_are_checked
claim interrupted_run_is_finished_by_the_next
claim another_type_is_added
claim token_without_its_pin_is_left_alone
claim foreign_keys_are_left_alone
claim plain_pin_is_never_on_the_disk
claim tool_works_with_the_credential
claim pin_in_a_file_serves_as_well
claims_end
