/*
 * The compressed text of a mask: each run, from the fourth on as the difference to the run two before,
 * in groups of five bits, low ones first; bit 32 of a character says that more follow.
 */
#include "core/mask/rle.h"

/* Seven groups hold any run or difference. */
enum { FIRST = 48, MORE = 32, SIGN = 16, MAX_GROUPS = 7 };

size_t cnx_rle_to_text(char *text, size_t size, const cnx_rle *rle)
{
    size_t length = 0;
    for (size_t i = 0; i < rle->count; i++) {
        int64_t x = rle->counts[i];
        if (i > 2)
            x -= rle->counts[i - 2];
        bool more = true;
        while (more) {
            int c = (int)(x & 31);
            x >>= 5;
            more = c & SIGN ? x != -1 : x != 0;
            if (length + 1 < size)
                text[length] = (char)(FIRST + c + (more ? MORE : 0));
            length++;
        }
    }
    if (size > 0)
        text[length < size ? length : size - 1] = '\0';
    return length;
}

/* One number that begins at *at; false when a character is none of the 64, or the text ends first. */
static bool read_number(int64_t *out, const unsigned char **at, const unsigned char *end)
{
    uint64_t x = 0;
    for (int group = 0; group < MAX_GROUPS && *at < end; group++) {
        const unsigned c = (unsigned)*(*at)++ - FIRST;
        if (c > 63)
            return false;
        x |= (uint64_t)(c & 31) << 5 * group;
        if (!(c & MORE)) {
            if (c & SIGN)
                x |= ~(uint64_t)0 << 5 * (group + 1);
            *out = (int64_t)x;
            return true;
        }
    }
    return false;
}

static cnx_status bad_number(const char *text, const unsigned char *at, const unsigned char *end,
                             cnx_error *err)
{
    const size_t position = (size_t)(at - (const unsigned char *)text);
    const unsigned c = position > 0 ? at[-1] : 0;
    if (position > 0 && (c < FIRST || c > FIRST + 63))
        return cnx_fail(err, CNX_ERR_FORMAT,
                        "the text of the mask holds byte 0x%02x at place %zu; '0' to 'o' are used",
                        c, position - 1);
    if (at == end)
        return cnx_fail(err, CNX_ERR_FORMAT,
                        "the text of the mask ends inside a run, after %zu characters", position);
    return cnx_fail(err, CNX_ERR_FORMAT,
                    "the text of the mask holds a run that is longer than any mask, at place %zu",
                    position - 1);
}

cnx_status cnx_rle_read_text(cnx_rle_buffer *out, const char *text, size_t length, uint32_t h,
                             uint32_t w, cnx_error *err)
{
    uint32_t pixels = 0;
    out->count = 0;
    CNX_TRY(cnx_rle_pixels(&pixels, h, w, err));
    CNX_FAIL_IF(length == 0, CNX_ERR_FORMAT, "the text of the mask is empty");
    CNX_TRY(cnx_rle_buffer_reserve(out, length, err));
    const unsigned char *at = (const unsigned char *)text, *const end = at + length;
    uint32_t *const counts = out->counts;
    uint64_t sum = 0;
    size_t n = 0;
    while (at < end) {
        int64_t x;
        const unsigned first = (unsigned)*at - FIRST;
        if (first < MORE) { /* most runs are one character */
            at++;
            x = (int64_t)(first ^ SIGN) - SIGN;
        } else if (!read_number(&x, &at, end)) {
            return bad_number(text, at, end, err);
        }
        if (n > 2)
            x += counts[n - 2];
        CNX_FAIL_IF(x < 0, CNX_ERR_FORMAT,
                    "run %zu of the mask has length %lld; none can be negative", n, (long long)x);
        sum += (uint64_t)x;
        CNX_FAIL_IF(
            sum > pixels, CNX_ERR_FORMAT,
            "the runs of the mask sum to more than the %u pixels of its size, %u x %u (h x w)",
            pixels, h, w);
        counts[n++] = (uint32_t)x;
    }
    CNX_FAIL_IF(sum != pixels, CNX_ERR_FORMAT,
                "the runs of the mask sum to %llu pixels; its size of %u x %u (h x w) has %u",
                (unsigned long long)sum, h, w, pixels);
    out->count = n;
    return CNX_OK;
}

cnx_status cnx_rle_from_text(cnx_rle *out, const char *text, size_t length, uint32_t h, uint32_t w,
                             cnx_error *err)
{
    *out = (cnx_rle){0};
    cnx_rle_buffer runs = {0};
    cnx_status status = cnx_rle_read_text(&runs, text, length, h, w, err);
    if (status == CNX_OK)
        status = cnx_rle_take(out, &runs, h, w, err);
    cnx_rle_buffer_free(&runs);
    return status;
}
