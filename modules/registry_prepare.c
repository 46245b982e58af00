/*
 * Preparation of all kinds that the worker links. In a file of its own, for it pulls in all of them.
 */
#include <sallyport/registry.h>

int modules_prepare(void)
{
    int (*const kinds[])(void) = {kex_info_prepare, kex_prepare,         cipher_prepare,
                                  mac_prepare,      compression_prepare, digest_prepare};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        int result = kinds[i]();
        if (result != 0)
            return result;
    }
    return 0;
}
