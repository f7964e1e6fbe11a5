#include "core/checkpoint/text.h"

#include <stdint.h>
#include <string.h>

/* The length of the UTF-8 sequence at p, or 0: overlong forms, surrogates and what lies beyond
 * U+10FFFF are none. */
static size_t sequence(const unsigned char *p, size_t left)
{
    if (p[0] < 0x80)
        return 1;
    const size_t size = p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2;
    if (p[0] < 0xc2 || p[0] > 0xf4 || size > left)
        return 0;
    uint32_t code = p[0] & (0xffu >> (size + 1));
    for (size_t i = 1; i < size; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
        code = code << 6 | (p[i] & 0x3f);
    }
    const bool overlong = (size == 3 && code < 0x800) || (size == 4 && code < 0x10000);
    const bool surrogate = code >= 0xd800 && code <= 0xdfff;
    return overlong || surrogate || code > 0x10ffff ? 0 : size;
}

static bool valid(const unsigned char *p, size_t size, bool control)
{
    for (size_t i = 0; i < size;) {
        const size_t step = sequence(p + i, size - i);
        if (step == 0 || p[i] == 0)
            return false;
        if (!control && (p[i] < 0x20 || p[i] == 0x7f))
            return false;
        i += step;
    }
    return true;
}

bool cnx_text_is_utf8(const void *text, size_t size)
{
    return valid(text, size, true);
}

bool cnx_text_is_name(const void *text, size_t size)
{
    return valid(text, size, false);
}

cnx_shown_text cnx_text_show(const void *text, size_t size)
{
    cnx_shown_text shown;
    const unsigned char *p = text;
    const size_t limit = sizeof shown.text - 4;
    const size_t count = size < limit ? size : limit;
    for (size_t i = 0; i < count; i++)
        shown.text[i] = p[i] >= 0x20 && p[i] < 0x7f ? (char)p[i] : '?';
    strcpy(shown.text + count, size > count ? "..." : "");
    return shown;
}
