/* Places and errors as text. Input: origins and words. Output: struct policy_error, which the caller shows as it is. */
#include "policy/error.h"

#include <stdarg.h>
#include <stdio.h>

const char *policy_origin_text(struct policy_origin origin, char text[POLICY_ORIGIN_MAX])
{
    const char *file = origin.file ? origin.file : "DEFAULT.policy of this program";
    if (!origin.file && origin.line == 0)
        snprintf(text, POLICY_ORIGIN_MAX, "this program");
    else if (origin.line == 0)
        snprintf(text, POLICY_ORIGIN_MAX, "%s", file);
    else
        snprintf(text, POLICY_ORIGIN_MAX, "%.200s line %u", file, origin.line);
    return text;
}

int policy_refuse(struct policy_error *error, const struct policy_origin *origin, const char *format, ...)
{
    char place[POLICY_ORIGIN_MAX];
    int used = 0;
    if (origin)
        used = snprintf(error->text, sizeof error->text, "%s: ", policy_origin_text(*origin, place));
    va_list args;
    va_start(args, format);
    if (used >= 0 && (size_t)used < sizeof error->text)
        (void)vsnprintf(error->text + used, sizeof error->text - (size_t)used, format, args);
    va_end(args);
    return POLICY_E_INVALID;
}
