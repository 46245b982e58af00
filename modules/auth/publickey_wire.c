/*
 * The "publickey" method (RFC 4252 section 7): boolean signed, string algorithm, string blob [, string signature]; and
 * its form that binds the signature to the host key, publickey-hostbound-v00@openssh.com (OpenSSH PROTOCOL), with a
 * string host key before the signature. Blobs are carried, never looked into: that is for a process that has become
 * the user.
 */
#include <sallyport/auth.h>

static int publickey_read(struct sp_in *in, bool hostbound, struct sp_auth_ask *ask)
{
    bool signed_request = sp_get_bool(in);
    struct sp_span algorithm = sp_get_string(in, in->left);
    struct sp_span blob = sp_get_string(in, in->left);
    struct sp_span host_key = hostbound ? sp_get_string(in, in->left) : (struct sp_span){0};
    struct sp_span signature = signed_request ? sp_get_string(in, in->left) : (struct sp_span){0};
    if (sp_get_end(in))
        return SP_E_MALFORMED;
    if (algorithm.size > SP_AUTH_ALGORITHM_MAX || blob.size > SP_AUTH_BLOB_MAX ||
        host_key.size > SP_AUTH_HOST_KEY_MAX || signature.size > SP_AUTH_BLOB_MAX)
        return SP_E_REFUSED;
    if (algorithm.size != 0 && memchr(algorithm.data, 0, algorithm.size))
        return SP_E_REFUSED;
    *ask = (struct sp_auth_ask){
        .kind = SP_AUTH_PUBLICKEY,
        .publickey = {.algorithm = algorithm,
                      .blob = blob,
                      .hostbound = hostbound,
                      .host_key = host_key,
                      .signed_request = signed_request,
                      .signature = signature},
    };
    return 0;
}

static int publickey_request(struct sp_in *in, struct sp_auth_ask *ask)
{
    return publickey_read(in, false, ask);
}

static int publickey_hostbound_request(struct sp_in *in, struct sp_auth_ask *ask)
{
    return publickey_read(in, true, ask);
}

extern const struct sp_auth_wire_ops auth_wire_publickey;
const struct sp_auth_wire_ops auth_wire_publickey = {
    .head = SP_MODULE_HEAD(SP_KIND_AUTH, struct sp_auth_wire_ops, "publickey"),
    .request = publickey_request,
};

extern const struct sp_auth_wire_ops auth_wire_publickey_hostbound;
const struct sp_auth_wire_ops auth_wire_publickey_hostbound = {
    .head = SP_MODULE_HEAD(SP_KIND_AUTH, struct sp_auth_wire_ops, "publickey-hostbound-v00@openssh.com"),
    .request = publickey_hostbound_request,
};
