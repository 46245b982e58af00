#!/bin/bash
# Makes the machine that most claims begin with: sallyport installed, host keys made, its socket enabled, and users with
# passwords and keys. What it writes is kept as a layer.
. /claims/lib.sh
set -e

add_user() {
    useradd -m -s /bin/bash "$1"
    printf '%s:%s\n' "$1" "$2" | chpasswd
    install -d -m 0700 -o "$1" -g "$1" "/home/$1/.ssh"
    install -m 0600 -o "$1" -g "$1" /root/key.pub "/home/$1/.ssh/authorized_keys"
}

install_package 0.1.0-1
sallyport-setup --type ed25519 --type ecdsa-p256
ssh-keygen -q -t ed25519 -N '' -C test -f /root/key
for name in alice bob carol dave erin; do
    add_user "$name" "$(password_of "$name")"
done
systemctl enable --now sallyport.socket
