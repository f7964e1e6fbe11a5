/* PBM, PGM and PPM, plain and raw: the header, and every sample that it calls for. */
#include "core/image/check.h"

typedef struct pnm_reader {
    const uint8_t *bytes;
    size_t size, at;
} pnm_reader;

static bool is_blank(uint8_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static void skip_blanks_and_comments(pnm_reader *in)
{
    while (in->at < in->size) {
        if (in->bytes[in->at] == '#') {
            while (in->at < in->size && in->bytes[in->at] != '\n' && in->bytes[in->at] != '\r')
                in->at++;
        } else if (is_blank(in->bytes[in->at])) {
            in->at++;
        } else {
            return;
        }
    }
}

/*
 * A number, and the one blank behind it, which OpenCV takes along and cannot do without.  The bits
 * of a plain PBM are single digits that may stand side by side.
 */
static cnx_status read_number(pnm_reader *in, bool bit, uint32_t *out, cnx_error *err)
{
    skip_blanks_and_comments(in);
    CNX_FAIL_IF(in->at >= in->size, CNX_ERR_FORMAT, "the file ends early, before all its numbers");
    CNX_FAIL_IF(!is_digit(in->bytes[in->at]), CNX_ERR_FORMAT,
                "byte %zu is 0x%02x where a number is expected", in->at, in->bytes[in->at]);
    uint32_t value = 0;
    do {
        value = value * 10 + (uint32_t)(in->bytes[in->at++] - '0');
        CNX_FAIL_IF(value > 1u << 28, CNX_ERR_FORMAT, "the number before byte %zu is too large",
                    in->at);
    } while (!bit && in->at < in->size && is_digit(in->bytes[in->at]));
    *out = value;
    if (bit)
        return CNX_OK;
    CNX_FAIL_IF(in->at >= in->size || !is_blank(in->bytes[in->at]), CNX_ERR_FORMAT,
                "the number before byte %zu is not followed by a blank or line end", in->at);
    in->at++;
    return CNX_OK;
}

/* Plain files: each sample is a number, within its range. */
static cnx_status check_numbers(pnm_reader *in, uint64_t count, bool bits, uint32_t maximum,
                                cnx_error *err)
{
    for (uint64_t i = 0; i < count; i++) {
        uint32_t value = 0;
        CNX_TRY(read_number(in, bits, &value, err));
        CNX_FAIL_IF(value > maximum, CNX_ERR_FORMAT, "a sample is %u; the header says at most %u",
                    value, maximum);
    }
    return CNX_OK;
}

cnx_status cnx_check_pnm(cnx_picture *picture, cnx_error *err)
{
    pnm_reader in = {.bytes = picture->bytes, .size = picture->size, .at = 2};
    const int kind = picture->bytes[1] - '0'; /* 1..3 plain bits, grey, colour; 4..6 raw */
    const bool bits = kind == 1 || kind == 4;
    uint32_t width = 0, height = 0, maximum = 1;
    CNX_TRY(read_number(&in, false, &width, err));
    CNX_TRY(read_number(&in, false, &height, err));
    if (!bits)
        CNX_TRY(read_number(&in, false, &maximum, err));
    CNX_FAIL_IF(maximum < 1 || maximum > 65535, CNX_ERR_FORMAT,
                "the header says samples up to %u; expected 1 to 65535", maximum);
    CNX_TRY(cnx_picture_set_size(picture, width, height, err));

    const uint64_t samples = (uint64_t)width * height * (kind % 3 == 0 ? 3 : 1);
    const uint64_t left = picture->size - in.at;
    if (kind <= 3) {
        /* A sample is at least a digit. */
        CNX_FAIL_IF(samples > left, CNX_ERR_FORMAT,
                    "the file ends early: %u x %u pixels are more than %llu bytes can hold", width,
                    height, (unsigned long long)left);
        return picture->whole ? check_numbers(&in, samples, bits, maximum, err) : CNX_OK;
    }
    const uint64_t row_bits = bits ? width : (uint64_t)width * (kind == 6 ? 3 : 1) * 8;
    const uint64_t need = (row_bits + 7) / 8 * height * (maximum > 255 ? 2 : 1);
    CNX_FAIL_IF(need > left, CNX_ERR_FORMAT,
                "the file ends early: %u x %u pixels need %llu bytes after the header, it has %llu",
                width, height, (unsigned long long)need, (unsigned long long)left);
    return CNX_OK;
}
