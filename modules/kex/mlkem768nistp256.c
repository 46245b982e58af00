/*
 * mlkem768nistp256-sha256: ML-KEM-768 and P-256. draft-ietf-sshm-mlkem-hybrid-kex.
 */
#include "kex/mlkem.h"

static const struct hybrid_shape shape = {
    .key_size = MLKEM768_EK_SIZE,
    .ciphertext_size = MLKEM768_CT_SIZE,
    .curve = CURVE_P256,
    .check_key = mlkem_check_key,
};

const struct sp_kex_info kex_mlkem768nistp256_sha256_info = {
    .head = SP_MODULE_HEAD(SP_KIND_KEX, struct sp_kex_info, "mlkem768nistp256-sha256"),
    .digest = "sha256",
    .public_field = SP_KEX_STRING,
    .secret_field = SP_KEX_STRING,
    .secret_size = 256 / 8,
    .post_quantum = true,
    .own = &shape,
    .available = mlkem_available,
    .check_publics = hybrid_check_publics,
    .prepare = hybrid_build,
};

const struct sp_kex_ops kex_mlkem768nistp256_sha256 = {
    .info = &kex_mlkem768nistp256_sha256_info,
    .own = &mlkem768,
    .respond = hybrid_respond,
    .prepare = hybrid_prepare,
};
