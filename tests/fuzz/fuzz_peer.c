/*
 * What a scanned server sends. Besides memory errors it looks for a verdict that changes when more octets come, and for
 * spans outside of what was sent.
 */
#include <stdint.h>
#include <stdlib.h>

#include "ctl/peer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool promise)
{
    if (!promise)
        abort();
}

static void said_check(const uint8_t *data, size_t size, const struct peer_said *said)
{
    require(said->identification.size >= 8 && said->identification.size <= PEER_IDENT_MAX);
    for (size_t i = 0; i < KEXINIT_LISTS; i++) {
        struct sp_span list = said->kexinit.lists[i];
        require(list.size == 0 || (list.data > data && list.data + list.size <= data + size));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct peer_said said;
    const char *why;
    int whole = peer_parse(sp_span_of(data, size), &said, &why);
    if (whole == 0)
        said_check(data, size, &said);
    for (size_t cut = 1; cut <= size && cut <= 64; cut *= 2) {
        int r = peer_parse(sp_span_of(data, size - cut), &said, &why);
        require(r == PEER_E_MORE || r == whole);
    }
    return 0;
}
