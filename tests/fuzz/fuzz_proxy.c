/*
 * What comes first on a listener for balancers. Besides memory errors it looks for a decision that changes when more octets
 * come, a header longer than its version allows, and addresses that no header has.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "worker/proxy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool promise)
{
    if (!promise)
        abort();
}

static void header_check(const uint8_t *data, size_t size, const struct proxy_header *header, size_t used)
{
    bool is_line = data[0] == 'P';
    size_t most = is_line ? PROXY_V1_MAX : PROXY_V2_HEAD + PROXY_V2_REST_MAX;
    require(used != 0 && used <= size && used <= most);
    require(!is_line || memcmp(data + used - 2, "\r\n", 2) == 0);
    require(header->kind == PROXIED_LOCAL || header->kind == PROXIED_UNKNOWN ||
            header->kind == PROXIED_CLIENT);
    require((header->address_size != 0) == (header->kind == PROXIED_CLIENT));
    require(header->address_size == 0 || header->address_size == 4 || header->address_size == 16);
    require(header->address_size != 0 || (header->source_port == 0 && header->destination_port == 0));
}

/* In memory of its own, so that an octet too far is seen. */
static int parse(const uint8_t *data, size_t size)
{
    struct proxy_header header;
    size_t used = 0;
    uint8_t *copy = malloc(size + (size == 0));
    require(copy != NULL);
    if (size != 0)
        memcpy(copy, data, size);
    int r = proxy_parse(sp_span_of(copy, size), &header, &used);
    if (r == 0)
        header_check(copy, size, &header, used);
    free(copy);
    return r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int before = PROXY_E_MORE;
    for (size_t have = 0; have <= size && have <= PROXY_V2_HEAD + PROXY_V2_REST_MAX + 2; have++) {
        int r = parse(data, have);
        require(before == PROXY_E_MORE || r == before);
        require(r >= 0 && r != PROXY_E_CUT);
        before = r;
    }
    require(size < PROXY_V2_HEAD + PROXY_V2_REST_MAX || before != PROXY_E_MORE);
    return 0;
}
