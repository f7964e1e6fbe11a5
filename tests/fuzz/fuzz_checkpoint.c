/* Any bytes as a checkpoint: opened, every tensor of reasonable size read, all metadata walked. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/checkpoint/checkpoint.h"

enum { MOST_ELEMENTS = 1 << 16 };

static void read_tensors(cnx_checkpoint *c)
{
    for (size_t i = 0; i < cnx_checkpoint_count(c); i++) {
        const cnx_tensor_info *t = cnx_checkpoint_tensor(c, i);
        if (cnx_checkpoint_find(c, t->name) != t)
            abort();
        if (t->elements > MOST_ELEMENTS)
            continue;
        float *out = malloc((t->elements ? t->elements : 1) * sizeof *out);
        cnx_error err;
        if (out)
            cnx_checkpoint_read_f32(c, t, out, &err);
        free(out);
    }
}

static size_t walk_metadata(const cnx_checkpoint *c)
{
    static const char *const keys[] = {"config", "cnx", "format", ""};
    size_t sum = strlen(cnx_checkpoint_section(c)) + strlen(cnx_checkpoint_name(c));
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        const char *text = cnx_checkpoint_text(c, keys[i]);
        sum += text ? strlen(text) : 0;
    }
    for (size_t i = 0; i < cnx_checkpoint_class_count(c); i++)
        sum += strlen(cnx_checkpoint_class(c, i));
    const uint8_t *rgb;
    const size_t colours = cnx_checkpoint_palette(c, &rgb);
    for (size_t i = 0; i < 3 * colours; i++)
        sum += rgb[i];
    return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cnx_error err;
    cnx_checkpoint *c;
    if (cnx_checkpoint_open_memory(&c, data, size, "input", &err) != CNX_OK) {
        if (c || !memchr(err.message, '\0', sizeof err.message) || !err.message[0])
            abort();
        return 0;
    }
    read_tensors(c);
    if (walk_metadata(c) == SIZE_MAX)
        abort();
    cnx_checkpoint_close(&c);
    return 0;
}
