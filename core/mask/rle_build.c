#include "core/mask/rle_build.h"

void cnx_rle_build_start(cnx_rle_builder *b)
{
    b->runs.count = 0;
    b->set = false;
    b->length = 0;
    b->status = CNX_OK;
}

static void end_run(cnx_rle_builder *b)
{
    if (b->status == CNX_OK)
        b->status = cnx_rle_buffer_reserve(&b->runs, b->runs.count + 1, NULL);
    if (b->status == CNX_OK)
        b->runs.counts[b->runs.count++] = b->length;
}

void cnx_rle_build_add(cnx_rle_builder *b, bool set, uint32_t length)
{
    if (length == 0)
        return;
    if (set != b->set) {
        end_run(b);
        b->set = set;
        b->length = 0;
    }
    b->length += length;
}

cnx_status cnx_rle_build_finish(cnx_rle *out, cnx_rle_builder *b, uint32_t h, uint32_t w,
                                cnx_error *err)
{
    *out = (cnx_rle){0};
    end_run(b);
    CNX_FAIL_IF(b->status != CNX_OK, b->status, "not enough memory for a mask of %zu runs",
                b->runs.count);
    return cnx_rle_take(out, &b->runs, h, w, err);
}
