#include "tools/expected.h"

#include "core/image/image.h"

static bool probe(cnx_expected_size *out, const cnx_input *input, bool ignore_exif)
{
    const cnx_decode_options options = {.ignore_exif = ignore_exif};
    cnx_input_bytes bytes = {0};
    cnx_error unsaid = {0};
    if (input->is_stdin || input->problem)
        return false;
    const bool known = cnx_input_open(&bytes, input, &unsaid) == CNX_OK &&
                       cnx_image_probe(bytes.data, bytes.size, input->name, &options, &out->width,
                                       &out->height, &unsaid) == CNX_OK &&
                       out->width > 0 && out->height > 0;
    cnx_input_close(&bytes);
    return known;
}

/* In what a picture may be the first of all. */
static double rank(cnx_expected_size s, int kind)
{
    const double w = s.width, h = s.height;
    const double ranks[CNX_EXPECTED_SIZES] = {w * h, w, h, w / h, h / w};
    return ranks[kind];
}

int cnx_expected_sizes(cnx_expected_size out[CNX_EXPECTED_SIZES], const cnx_inputs *inputs,
                       bool ignore_exif)
{
    int count = 0;
    for (size_t i = 0; i < inputs->count; i++) {
        cnx_expected_size size;
        if (!probe(&size, &inputs->items[i], ignore_exif))
            continue;
        for (int kind = 0; kind < CNX_EXPECTED_SIZES; kind++)
            if (count == 0 || rank(size, kind) > rank(out[kind], kind))
                out[kind] = size;
        count = CNX_EXPECTED_SIZES;
    }
    return count;
}
