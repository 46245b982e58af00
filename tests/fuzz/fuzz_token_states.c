/*
 * What the monitor takes of the signer's word about its tokens, any octets: besides memory errors, that what was accepted is
 * within its bounds, and that all of it is read again as it was written.
 */
#include <stdlib.h>
#include <string.h>

#include <sallyport/wire.h>

#include "monitor/token_states.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool promise)
{
    if (!promise)
        abort();
}

static void keys_check(struct sp_span keys)
{
    struct token_state_key key;
    size_t count = 0;
    while (token_state_next_key(&keys, &key))
        count++;
    require(count <= TOKEN_STATE_KEYS_MAX && keys.size == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t again[2 * TOKEN_STATES_SIZE_MAX];
    struct token_states states = {.known = false};
    struct msg_token_states message = {.tokens = sp_span_of(data, size)};
    if (size > TOKEN_STATES_SIZE_MAX || token_states_take(&states, &message, 1))
        return 0;
    require(states.count <= TOKEN_STATES_MAX);
    struct sp_out out = {.data = again, .capacity = sizeof again};
    for (size_t i = 0; i < states.count; i++) {
        require(states.tokens[i].condition < TOKEN_CONDITIONS);
        keys_check(states.tokens[i].keys);
        token_state_put(&states.tokens[i], &out);
    }
    require(!out.full && out.size == size && (size == 0 || memcmp(again, data, size) == 0));
    token_states_forget(&states);
    return 0;
}
