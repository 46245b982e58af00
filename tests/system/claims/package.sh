#!/bin/bash
# The test that the package itself brings (autopkgtest), and what a module is built against.
# layer: none
# shellcheck disable=SC2317 # claims are called by name
. /claims/lib.sh

its_own_test_passes() {
    install_package 0.1.0-1
    check_in "what it says" "$(/packaging/debian/tests/login 2>&1)" 'sallyport-test has logged in'
}

files_belong_to_root() {
    local path
    for path in $(dpkg -L sallyport | grep -E '^/(usr|lib|etc)/.*sallyport'); do
        check "owner of $path" "$(stat -L -c '%U:%G' "$path")" root:root
        [ -z "$(find -L "$path" -maxdepth 0 -perm /022)" ] || wrong "$path can be written to by others"
        [ -z "$(find "$path" -maxdepth 0 -type f -perm /6000)" ] || wrong "$path is set-user-ID"
    done
}

configuration_files_are_few() {
    check "conffiles" "$(dpkg-query -W -f '${Conffiles}\n' sallyport | awk 'NF {print $1}' | sort | tr '\n' ' ')" \
        "/etc/pam.d/sallyport /etc/sallyport/sallyport.conf "
}

headers_for_modules_are_a_package_of_their_own() {
    DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "/debs/sallyport-dev_0.1.0-1_$(dpkg --print-architecture).deb"
    [ -s /usr/include/sallyport/mac.h ] || wrong "no header for MACs: $(ls /usr/include/sallyport | tr '\n' ' ')"
    dpkg -L sallyport-dev | grep -q 'man3/sallyport-module.3'
    dpkg -L sallyport-dev | grep -q 'pkgconfig/sallyport.pc'
}

claim its_own_test_passes
claim files_belong_to_root
claim configuration_files_are_few
claim headers_for_modules_are_a_package_of_their_own
claims_end
