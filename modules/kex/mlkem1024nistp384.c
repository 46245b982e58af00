/*
 * mlkem1024nistp384-sha384: ML-KEM-1024 and P-384. draft-ietf-sshm-mlkem-hybrid-kex.
 */
#include "kex/mlkem.h"

static const struct hybrid_shape shape = {
    .key_size = MLKEM1024_EK_SIZE,
    .ciphertext_size = MLKEM1024_CT_SIZE,
    .curve = CURVE_P384,
    .check_key = mlkem_check_key,
};

const struct sp_kex_info kex_mlkem1024nistp384_sha384_info = {
    .head = SP_MODULE_HEAD(SP_KIND_KEX, struct sp_kex_info, "mlkem1024nistp384-sha384"),
    .digest = "sha384",
    .public_field = SP_KEX_STRING,
    .secret_field = SP_KEX_STRING,
    .secret_size = 384 / 8,
    .post_quantum = true,
    .own = &shape,
    .available = mlkem_available,
    .check_publics = hybrid_check_publics,
    .prepare = hybrid_build,
};

const struct sp_kex_ops kex_mlkem1024nistp384_sha384 = {
    .info = &kex_mlkem1024nistp384_sha384_info,
    .own = &mlkem1024,
    .respond = hybrid_respond,
    .prepare = hybrid_prepare,
};
