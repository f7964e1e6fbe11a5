#include "tools/detect_pictures.h"

#include <stdlib.h>
#include <string.h>

#include "core/image/draw.h"
#include "core/image/png.h"
#include "core/memory.h"
#include "tools/interrupt.h"
#include "tools/paint.h"

enum { STEP = 64, TAG = 64 }; /* rows at a time; bytes of a tag */

/* Rows of `bytes` each, with a look at Ctrl-C between. */
static cnx_status write_png(cnx_output *file, cnx_png_kind kind, const void *data, int width,
                            int height, size_t bytes, cnx_error *err)
{
    cnx_png_writer *png = NULL;
    cnx_status status = CNX_OK;
    CNX_CHECK(cnx_png_open(&png, file, kind, width, height, NULL, 0, err));
    for (int y = 0; y < height; y += STEP) {
        const int rows = height - y < STEP ? height - y : STEP;
        CNX_CHECK_IF(cnx_interrupted(), CNX_ERR_INTERRUPTED, "interrupted");
        CNX_CHECK(cnx_png_write_rows(png, (const uint8_t *)data + (size_t)y * bytes, rows, err));
    }
    CNX_CHECK(cnx_png_finish(png, err));
cleanup:
    cnx_png_close(&png);
    return status;
}

/* ---- overlay ---- */

/* "person 0.98"; where there is one class alone, its name says nothing. */
static void write_tag(char tag[TAG], const cnx_detected *d, const cnx_detection *detection)
{
    const double score = (double)detection->score;
    if (d->description->class_count == 1)
        snprintf(tag, TAG, "%.2f", score);
    else
        snprintf(tag, TAG, "%.40s %.2f", d->description->class_names[detection->label], score);
}

static void make_thing(cnx_painted *thing, char tag[TAG], const cnx_detected *d,
                       const cnx_detection *detection, const uint8_t *rgb)
{
    thing->mask = cnx_detected_has_mask(detection) ? &detection->mask : NULL;
    cnx_detected_corners(thing->corners, d, detection);
    memcpy(thing->rgb, rgb, 3);
    write_tag(tag, d, detection);
    thing->tag = tag;
}

cnx_status cnx_detect_overlay(cnx_output *file, cnx_image *image, const cnx_detected *d,
                              const cnx_detect_args *args, cnx_error *err)
{
    const size_t count = d->found->count;
    const int colouring = args->colouring.value;
    const bool by_class = colouring == CNX_COLOUR_CLASS ||
                          (colouring == CNX_COLOUR_AUTO && d->description->class_count > 1);
    cnx_painted *things = calloc(count + 1, sizeof *things);
    char(*tags)[TAG] = calloc(count + 1, sizeof *tags);
    uint8_t *colours = calloc(count + 1, 3);
    size_t shown = 0; /* the first ones: they come by descending score */
    cnx_status status = CNX_OK;
    CNX_CHECK_IF(!things || !tags || !colours, CNX_ERR_MEMORY, "not enough memory for an overlay");
    cnx_palette_generate(colours, (int)count);
    for (; shown < count; shown++) {
        const cnx_detection *detection = &d->found->items[shown];
        if (!((double)detection->score > args->show_thr.value))
            break;
        make_thing(&things[shown], tags[shown], d, detection,
                   by_class ? d->description->palette + 3 * (size_t)detection->label
                            : colours + 3 * shown);
    }
    CNX_CHECK(cnx_paint(image, things, shown, args->opacity.value, err));
    CNX_CHECK(write_png(file, CNX_PNG_RGB8, image->data, image->width, image->height,
                        3 * (size_t)image->width, err));
cleanup:
    free(things);
    free(tags);
    free(colours);
    return status;
}

/* ---- instances ---- */

static void put_mask(uint16_t *ids, const cnx_rle *mask, uint16_t id)
{
    size_t x = 0, y = 0; /* runs go down the columns */
    for (size_t i = 0; i < mask->count; i++)
        for (uint32_t left = mask->counts[i]; left > 0;) {
            const uint32_t rest = mask->h - (uint32_t)y, length = left < rest ? left : rest;
            for (uint32_t k = 0; i % 2 && k < length; k++)
                ids[(y + k) * mask->w + x] = id;
            left -= length;
            y += length;
            if (y == mask->h) {
                y = 0;
                x++;
            }
        }
}

cnx_status cnx_detect_instances(cnx_output *file, const cnx_detected *d, cnx_error *err)
{
    const size_t w = (size_t)d->found->width, h = (size_t)d->found->height, count = d->found->count;
    cnx_status status = CNX_OK;
    size_t pixels = 0;
    const bool fits = cnx_mul(w, h, &pixels) && pixels <= SIZE_MAX / sizeof(uint16_t);
    uint16_t *ids = fits ? calloc(pixels, sizeof *ids) : NULL;
    uint16_t *place = calloc(count + 1, sizeof *place);
    CNX_CHECK_IF(!ids || !place, CNX_ERR_MEMORY,
                 "not enough memory for the instances of a picture of %zu x %zu", w, h);
    CNX_CHECK_IF(count > UINT16_MAX, CNX_ERR_UNSUPPORTED,
                 "%zu detections, and a 16-bit PNG holds %d; give a lower --max-det", count,
                 UINT16_MAX);
    for (size_t i = 0; i < d->count; i++)
        place[d->order[i]] = (uint16_t)(i + 1);
    for (size_t i = count; i-- > 0;)
        if (cnx_detected_has_mask(&d->found->items[i]))
            put_mask(ids, &d->found->items[i].mask, place[i]);
    CNX_CHECK(write_png(file, CNX_PNG_GREY16, ids, (int)w, (int)h, 2 * w, err));
cleanup:
    free(ids);
    free(place);
    return status;
}
