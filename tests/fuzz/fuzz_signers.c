/*
 * Files of signers: signers_read(). Input: a file of any content. What is accepted has to be within its limits, and each key
 * one that may sign; what is not comes with words.
 */
#include <assert.h>
#include <stdlib.h>

#include "policy/signers.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct signers *signers = NULL;
    struct policy_error error = {{0}};
    int r = signers_read("file", sp_span_of(data, size), &signers, &error);
    assert((r == 0) == (signers != NULL) && (r == POLICY_E_INVALID) == (error.text[0] != 0));
    if (r)
        return 0;
    assert(signers->count != 0 && signers->count <= SIGNERS_MAX);
    for (size_t i = 0; i < signers->count; i++) {
        const struct signer_line *line = &signers->lines[i];
        assert(line->principals[0] != 0 && (!line->namespaces || line->namespaces[0] != 0));
        assert(line->valid_after >= 0 && line->valid_before >= 0 && line->line != 0);
        assert(!signers_key_objection(signer_key(line)));
        (void)signers_list_has(line->principals, sp_text("alice"));
    }
    signers_free(signers);
    return 0;
}
