/* Masks as runs: memory, dense maps, area. */
#include "core/mask/rle.h"

#include <stdlib.h>
#include <string.h>

#include "core/memory.h"

void cnx_rle_free(cnx_rle *rle)
{
    free(rle->counts);
    *rle = (cnx_rle){0};
}

void cnx_rle_buffer_free(cnx_rle_buffer *buffer)
{
    free(buffer->counts);
    *buffer = (cnx_rle_buffer){0};
}

cnx_status cnx_rle_buffer_reserve(cnx_rle_buffer *buffer, size_t room, cnx_error *err)
{
    if (room <= buffer->room)
        return CNX_OK;
    size_t bytes;
    if (room < 2 * buffer->room)
        room = 2 * buffer->room;
    if (room < 64)
        room = 64;
    CNX_FAIL_IF(!cnx_mul(room, sizeof *buffer->counts, &bytes), CNX_ERR_MEMORY,
                "a mask of %zu runs does not fit into memory", room);
    uint32_t *counts = realloc(buffer->counts, bytes);
    CNX_FAIL_IF(!counts, CNX_ERR_MEMORY, "not enough memory for a mask of %zu runs", room);
    buffer->counts = counts;
    buffer->room = room;
    return CNX_OK;
}

cnx_status cnx_rle_pixels(uint32_t *out, uint32_t h, uint32_t w, cnx_error *err)
{
    const uint64_t pixels = (uint64_t)h * w;
    CNX_FAIL_IF(pixels > UINT32_MAX, CNX_ERR_UNSUPPORTED,
                "a mask of %u x %u pixels is too large; at most 2^32 - 1 pixels can be", w, h);
    *out = (uint32_t)pixels;
    return CNX_OK;
}

cnx_status cnx_rle_check(const uint32_t *counts, size_t count, uint32_t h, uint32_t w,
                         cnx_error *err)
{
    uint32_t pixels = 0;
    CNX_TRY(cnx_rle_pixels(&pixels, h, w, err));
    CNX_FAIL_IF(count == 0, CNX_ERR_FORMAT, "the mask has no runs; they must sum to %u x %u", h, w);
    uint64_t sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += counts[i];
    CNX_FAIL_IF(sum != pixels, CNX_ERR_FORMAT,
                "the runs of the mask sum to %llu pixels; its size of %u x %u (h x w) has %u",
                (unsigned long long)sum, h, w, pixels);
    return CNX_OK;
}

cnx_status cnx_rle_from_counts(cnx_rle *out, const uint32_t *counts, size_t count, uint32_t h,
                               uint32_t w, cnx_error *err)
{
    *out = (cnx_rle){0};
    CNX_TRY(cnx_rle_check(counts, count, h, w, err));
    const cnx_rle_buffer view = {.counts = (uint32_t *)counts, .count = count};
    return cnx_rle_take(out, &view, h, w, err);
}

cnx_status cnx_rle_take(cnx_rle *out, const cnx_rle_buffer *buffer, uint32_t h, uint32_t w,
                        cnx_error *err)
{
    *out = (cnx_rle){0};
    const size_t bytes = buffer->count * sizeof *buffer->counts;
    uint32_t *counts = malloc(bytes ? bytes : 1);
    CNX_FAIL_IF(!counts, CNX_ERR_MEMORY, "not enough memory for a mask of %zu runs", buffer->count);
    if (bytes > 0)
        memcpy(counts, buffer->counts, bytes);
    *out = (cnx_rle){counts, buffer->count, h, w};
    return CNX_OK;
}

cnx_status cnx_rle_encode(cnx_rle *out, const uint8_t *mask, uint32_t h, uint32_t w, size_t stride,
                          cnx_error *err)
{
    *out = (cnx_rle){0};
    uint32_t pixels = 0;
    CNX_TRY(cnx_rle_pixels(&pixels, h, w, err));
    CNX_FAIL_IF(pixels > 0 && (!mask || stride < w), CNX_ERR_ARGUMENT,
                "a mask of %u pixels a row with %zu bytes from row to row is impossible", w,
                stride);
    cnx_rle_buffer runs = {0};
    cnx_status status = CNX_OK;
    bool set = false;
    uint32_t length = 0;
    for (uint32_t x = 0; x < w; x++) {
        const uint8_t *at = mask + x;
        /* A column adds at most h runs. */
        CNX_CHECK(cnx_rle_buffer_reserve(&runs, runs.count + h + 1, err));
        for (uint32_t y = 0; y < h; y++, at += stride) {
            if ((*at != 0) != set) {
                runs.counts[runs.count++] = length;
                length = 0;
                set = !set;
            }
            length++;
        }
    }
    CNX_CHECK(cnx_rle_buffer_reserve(&runs, runs.count + 1, err));
    runs.counts[runs.count++] = length;
    status = cnx_rle_take(out, &runs, h, w, err);
cleanup:
    cnx_rle_buffer_free(&runs);
    return status;
}

void cnx_rle_decode(uint8_t *mask, size_t stride, const cnx_rle *rle)
{
    for (uint32_t y = 0; y < rle->h; y++)
        memset(mask + y * stride, 0, rle->w);
    if (rle->h == 0)
        return;
    uint64_t at = 0;
    const uint64_t end = (uint64_t)rle->h * rle->w;
    for (size_t i = 0; i < rle->count; i++) {
        uint64_t next = at + rle->counts[i];
        if (next > end)
            next = end;
        if (i % 2 == 1 && next > at) {
            uint32_t x = (uint32_t)(at / rle->h), y = (uint32_t)(at % rle->h);
            for (uint64_t left = next - at; left > 0; left--) {
                mask[y * stride + x] = 1;
                if (++y == rle->h) {
                    y = 0;
                    x++;
                }
            }
        }
        at = next;
    }
}

uint32_t cnx_rle_area(const cnx_rle *rle)
{
    uint32_t area = 0;
    for (size_t i = 1; i < rle->count; i += 2)
        area += rle->counts[i];
    return area;
}
