#include "datasets/inspect.h"

#include <stdlib.h>
#include <string.h>

#include "core/file.h"
#include "core/image/image.h"
#include "core/threads.h"

enum { BLOCK = 64 }; /* files between two calls of progress */
enum { COLOURS = 1 << 24 };

/* What a thread has of its own. */
typedef struct worker {
    cnx_label_reader *reader;
    cnx_value_use *values;
    uint32_t *counted; /* [CNX_LABEL_VALUES]: pixels of the present file */
    uint64_t pixels;
    size_t used;
    bool starved; /* memory ran out */
} worker;

typedef struct job {
    const cnx_dataset *dataset;
    const cnx_inspect_options *options;
    const uint8_t *in_palette; /* [COLOURS / 8] bits; NULL without palette */
    cnx_inspected *files;
    worker *workers;
    size_t first; /* item of the present block */
} job;

void cnx_inspection_free(cnx_inspection *inspection)
{
    for (size_t i = 0; inspection->files && i < inspection->count; i++) {
        free(inspection->files[i].label_problem);
        free(inspection->files[i].image_problem);
    }
    free(inspection->files);
    free(inspection->values);
    *inspection = (cnx_inspection){0};
}

/* ---- one file ---- */

/* A reason that is lost would let the file pass. */
static void keep_message(char **out, const cnx_error *error, worker *w)
{
    *out = strdup(error->message);
    w->starved = w->starved || !*out;
}

static void count_values(worker *w, const cnx_label_map *map, cnx_inspected *file, uint32_t index)
{
    const size_t pixels = (size_t)map->width * (size_t)map->height; /* at most 2^30 */
    uint32_t *counted = w->counted;
    int top = map->u8 ? 256 : CNX_LABEL_VALUES;
    if (map->u8) {
        /* Runs of one value would wait for their own counter: four take turns. */
        uint32_t turns[4][256] = {{0}};
        for (size_t i = 0; i < pixels; i++)
            turns[i % 4][map->u8[i]]++;
        for (int v = 0; v < top; v++)
            counted[v] = turns[0][v] + turns[1][v] + turns[2][v] + turns[3][v];
    } else {
        for (size_t i = 0; i < pixels; i++)
            counted[map->u16[i]]++;
    }
    for (int v = 0; v < top; v++) {
        if (!counted[v])
            continue;
        cnx_value_use *use = &w->values[v];
        use->first = use->files && use->first < index ? use->first : index;
        use->files++;
        use->pixels += counted[v];
        file->max = v;
        counted[v] = 0;
    }
    w->pixels += pixels;
    w->used++;
}

static bool in_palette(const uint8_t *bits, const uint8_t *rgb)
{
    const uint32_t colour = (uint32_t)rgb[0] << 16 | (uint32_t)rgb[1] << 8 | rgb[2];
    return bits[colour / 8] >> colour % 8 & 1;
}

/* 8 bits and 3 or 4 channels; what else there is stays unexplained. */
static unsigned look_at_colours(const job *j, const cnx_label_map *map)
{
    const size_t pixels = (size_t)map->width * (size_t)map->height;
    const size_t step = (size_t)map->channels;
    if (!map->u8 || step < 3)
        return 0;
    bool grey = true, opaque = step == 4;
    unsigned blue = 0, other = 0;
    size_t known = 0;
    const uint8_t *p = map->u8;
    for (size_t i = 0; i < pixels; i++, p += step) {
        grey = grey && p[0] == p[1] && p[1] == p[2];
        blue |= p[2];
        other |= p[0] | p[1];
        opaque = opaque && p[step - 1] == 255;
        known += j->in_palette && in_palette(j->in_palette, p);
    }
    return (grey ? CNX_COLOURS_GREY : 0) | (!blue && other ? CNX_COLOURS_CODED : 0) |
           (known > pixels / 10 * 9 ? CNX_COLOURS_PALETTE : 0) | (opaque ? CNX_COLOURS_OPAQUE : 0);
}

static cnx_status look_at_labels(const job *j, worker *w, cnx_inspected *file, uint32_t index,
                                 cnx_error *err)
{
    const char *path = j->dataset->items[index].labels;
    cnx_mapping bytes;
    cnx_label_map map = {0};
    CNX_TRY(cnx_mapping_open(&bytes, path, err));
    cnx_status status = cnx_label_map_decode(&map, w->reader, bytes.data, bytes.size, path, err);
    cnx_mapping_close(&bytes);
    CNX_TRY(status);
    file->width = map.width;
    file->height = map.height;
    file->channels = map.channels;
    file->bits = map.bits;
    file->palette = map.palette;
    const cnx_label_map stored = map;
    status = cnx_label_map_interpret(&map, w->reader, path, j->options->coding, err);
    if (status == CNX_OK) {
        count_values(w, &map, file, index);
    } else if (stored.channels > 1) {
        file->in_colours = true;
        file->colours = look_at_colours(j, &stored);
    }
    return status;
}

static cnx_status look_at_picture(const char *path, cnx_inspected *file, cnx_error *err)
{
    cnx_mapping bytes;
    CNX_TRY(cnx_mapping_open(&bytes, path, err));
    const cnx_status status = cnx_image_probe(bytes.data, bytes.size, path, NULL,
                                              &file->image_width, &file->image_height, err);
    cnx_mapping_close(&bytes);
    return status;
}

static void inspect_item(void *context, int offset, int thread)
{
    const job *j = context;
    const size_t index = j->first + (size_t)offset;
    const cnx_dataset_item *item = &j->dataset->items[index];
    cnx_inspected *file = &j->files[index];
    worker *w = &j->workers[thread];
    cnx_error error;
    if (item->labels && look_at_labels(j, w, file, (uint32_t)index, &error) != CNX_OK)
        keep_message(&file->label_problem, &error, w);
    if (item->image && look_at_picture(item->image, file, &error) != CNX_OK)
        keep_message(&file->image_problem, &error, w);
}

/* ---- all of them ---- */

static cnx_status open_workers(worker *workers, int threads, cnx_error *err)
{
    for (int t = 0; t < threads; t++) {
        CNX_TRY(cnx_label_reader_open(&workers[t].reader, err));
        workers[t].values = calloc(CNX_LABEL_VALUES, sizeof *workers[t].values);
        workers[t].counted = calloc(CNX_LABEL_VALUES, sizeof *workers[t].counted);
        CNX_FAIL_IF(!workers[t].values || !workers[t].counted, CNX_ERR_MEMORY,
                    "not enough memory to count labels");
    }
    return CNX_OK;
}

static void close_workers(worker *workers, int threads)
{
    for (int t = 0; workers && t < threads; t++) {
        cnx_label_reader_close(&workers[t].reader);
        free(workers[t].values);
        free(workers[t].counted);
    }
    free(workers);
}

/* Sums and least indices: the same for any share of the work. */
static void merge(cnx_inspection *out, const worker *w)
{
    for (int v = 0; v < CNX_LABEL_VALUES; v++) {
        const cnx_value_use *use = &w->values[v];
        cnx_value_use *sum = &out->values[v];
        if (!use->files)
            continue;
        sum->first = sum->files && sum->first < use->first ? sum->first : use->first;
        sum->files += use->files;
        sum->pixels += use->pixels;
    }
    out->pixels += w->pixels;
    out->used += w->used;
}

/* *out: a bit for each colour, from calloc; NULL where there is no palette. */
static cnx_status mark_palette(uint8_t **out, const cnx_inspect_options *options, cnx_error *err)
{
    *out = NULL;
    if (!options->palette)
        return CNX_OK;
    *out = calloc(COLOURS / 8, 1);
    CNX_FAIL_IF(!*out, CNX_ERR_MEMORY, "not enough memory for a palette");
    for (int i = 0; i < options->palette_size; i++) {
        const uint8_t *rgb = options->palette + 3 * (size_t)i;
        const uint32_t colour = (uint32_t)rgb[0] << 16 | (uint32_t)rgb[1] << 8 | rgb[2];
        (*out)[colour / 8] = (uint8_t)((*out)[colour / 8] | 1 << colour % 8);
    }
    return CNX_OK;
}

static cnx_status run_blocks(job *j, int threads, cnx_error *err)
{
    const size_t count = j->dataset->count;
    for (j->first = 0; j->first < count; j->first += BLOCK) {
        const size_t left = count - j->first;
        cnx_parallel_for(threads, left < BLOCK ? (int)left : BLOCK, inspect_item, j);
        const cnx_inspect_options *o = j->options;
        const size_t done = left < BLOCK ? count : j->first + BLOCK;
        CNX_FAIL_IF(o->progress && !o->progress(o->user, done), CNX_ERR_INTERRUPTED, "interrupted");
    }
    return CNX_OK;
}

cnx_status cnx_inspect(cnx_inspection *out, const cnx_dataset *dataset,
                       const cnx_inspect_options *options, cnx_error *err)
{
    const int threads = options->threads > 0 ? options->threads : cnx_threads_available();
    cnx_status status;
    uint8_t *palette = NULL;
    worker *workers = calloc((size_t)threads, sizeof *workers);
    *out = (cnx_inspection){.count = dataset->count};
    out->files = calloc(dataset->count + 1, sizeof *out->files);
    out->values = calloc(CNX_LABEL_VALUES, sizeof *out->values);
    CNX_CHECK_IF(!workers || !out->files || !out->values || dataset->count > UINT32_MAX,
                 CNX_ERR_MEMORY, "not enough memory to inspect %zu files", dataset->count);
    CNX_CHECK(mark_palette(&palette, options, err));
    CNX_CHECK(open_workers(workers, threads, err));
    job j = {.dataset = dataset,
             .options = options,
             .in_palette = palette,
             .files = out->files,
             .workers = workers};
    CNX_CHECK(run_blocks(&j, threads, err));
    for (int t = 0; t < threads; t++) {
        CNX_CHECK_IF(workers[t].starved, CNX_ERR_MEMORY, "not enough memory for the messages");
        merge(out, &workers[t]);
    }
cleanup:
    close_workers(workers, threads);
    free(palette);
    if (status != CNX_OK)
        cnx_inspection_free(out);
    return status;
}
