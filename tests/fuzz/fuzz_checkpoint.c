/*
 * Any bytes as a checkpoint: opened, every tensor of reasonable size read, all metadata walked.
 *
 * A zip member's CRC-32 would keep every changed pickle of a torch zip file from being looked at,
 * so an input that begins like a pickle is also put into a sound zip file.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/checkpoint/checkpoint.h"
#include "tests/unit/checkpoint/build.h"

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

static void use(const uint8_t *data, size_t size)
{
    cnx_error err;
    cnx_checkpoint *c;
    if (cnx_checkpoint_open_memory(&c, data, size, "input", &err) != CNX_OK) {
        if (c || !memchr(err.message, '\0', sizeof err.message) || !err.message[0])
            abort();
        return;
    }
    read_tensors(c);
    if (walk_metadata(c) == SIZE_MAX)
        abort();
    cnx_checkpoint_close(&c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    use(data, size);
    if (size > 1 && data[0] == 0x80) {
        bytes pickle = {0};
        put(&pickle, data, size);
        bytes file = torch_file(&pickle, 8);
        use(file.data, file.size);
        free(file.data);
    }
    return 0;
}
