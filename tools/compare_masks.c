#include "tools/compare_masks.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "core/json.h"
#include "core/utf8.h"
#include "tools/compare_text.h"

enum { NAME = 128 };

/* What is shown, the largest change first; `a` of each is a label, or a pair. */
typedef struct changes {
    cnx_compared *labels, *pictures; /* owned */
    size_t label_count, picture_count;
} changes;

/* The share of one label's pixels, in either map, that do not have it in both. */
static double label_change(const cnx_semantic_counts *counts, size_t label)
{
    const int64_t both = counts->intersect[label];
    const int64_t any = counts->predicted[label] + counts->labelled[label] - both;
    return any ? (double)(any - both) / (double)any : (double)NAN;
}

static double picture_change(const cnx_score_pair *pair)
{
    return (double)(pair->pixels - pair->hits) / (double)pair->pixels;
}

static cnx_status find_changes(changes *out, const cnx_mask_comparison *c, cnx_error *err)
{
    const cnx_semantic_counts *counts = &c->run->counts;
    out->labels = calloc((size_t)counts->classes, sizeof *out->labels);
    out->pictures = calloc(c->pairs->count, sizeof *out->pictures);
    CNX_FAIL_IF(!out->labels || !out->pictures, CNX_ERR_MEMORY,
                "not enough memory for the comparison");
    for (size_t v = 0; v < (size_t)counts->classes; v++)
        if (counts->predicted[v] || counts->labelled[v])
            out->labels[out->label_count++] =
                (cnx_compared){.a = v, .change = label_change(counts, v)};
    for (size_t i = 0; i < c->pairs->count; i++)
        if (c->run->pairs[i].done)
            out->pictures[out->picture_count++] =
                (cnx_compared){.a = i, .change = picture_change(&c->run->pairs[i])};
    qsort(out->labels, out->label_count, sizeof *out->labels, cnx_compared_order);
    qsort(out->pictures, out->picture_count, sizeof *out->pictures, cnx_compared_order);
    return CNX_OK;
}

static size_t shown(const cnx_mask_comparison *c, size_t count)
{
    return c->top && c->top < count ? c->top : count;
}

static const char *label_name(char out[NAME], const cnx_mask_comparison *c, size_t label)
{
    if (c->classes && label < (size_t)c->classes->count)
        snprintf(out, NAME, "%zu %s", label, c->classes->names[label]);
    else
        snprintf(out, NAME, "%zu", label);
    return out;
}

/* ---- for people ---- */

static void print_labels(FILE *to, const cnx_mask_comparison *c, const changes *found)
{
    const cnx_semantic_counts *counts = &c->run->counts;
    const size_t count = shown(c, found->label_count);
    int width = 8;
    char name[NAME];
    for (size_t i = 0; i < count; i++) {
        const int columns = cnx_utf8_columns(label_name(name, c, found->labels[i].a));
        width = columns > width ? columns : width;
    }
    fprintf(to, "\nlabels, the largest change first (%zu of %zu):\n\n  ", count,
            found->label_count);
    cnx_print_padded(to, "label", width);
    fprintf(to, "  %12s  %12s  %12s  %9s\n", "pixels in A", "pixels in B", "in both", "changed");
    for (size_t i = 0; i < count; i++) {
        const size_t v = found->labels[i].a;
        fputs("  ", to);
        cnx_print_padded(to, label_name(name, c, v), width);
        fprintf(to, "  %12" PRId64 "  %12" PRId64 "  %12" PRId64 "  %7.2f %%\n",
                counts->predicted[v], counts->labelled[v], counts->intersect[v],
                100 * found->labels[i].change);
    }
}

static void print_pictures(FILE *to, const cnx_mask_comparison *c, const changes *found)
{
    const size_t count = shown(c, found->picture_count);
    fprintf(to, "\npictures, the largest change first (%zu of %zu):\n\n", count,
            found->picture_count);
    for (size_t i = 0; i < count; i++) {
        const cnx_score_pair *pair = &c->run->pairs[found->pictures[i].a];
        fprintf(to, "  %7.2f %%  %10" PRId64 " of %10" PRId64 " pixels  ",
                100 * found->pictures[i].change, pair->pixels - pair->hits, pair->pixels);
        cnx_print_padded(to, c->pairs->items[found->pictures[i].a].name, 0);
        putc('\n', to);
    }
}

static void print(FILE *to, const cnx_mask_comparison *c, const changes *found)
{
    const int64_t *totals = c->run->counts.totals;
    const int64_t pixels = totals[CNX_SEMANTIC_PIXELS];
    const int64_t changed = pixels - totals[CNX_SEMANTIC_HITS];
    fprintf(to,
            "A: %s\nB: %s\n\n%zu pictures, %" PRId64 " pixels: %" PRId64
            " differ, %.4f %% are the same\n",
            c->names[0], c->names[1], c->run->done, pixels, changed,
            100 * (double)(pixels - changed) / (double)pixels);
    print_labels(to, c, found);
    print_pictures(to, c, found);
}

/* ---- for machines ---- */

static void put_label(FILE *to, const cnx_mask_comparison *c, const cnx_compared *label)
{
    const cnx_semantic_counts *counts = &c->run->counts;
    const size_t v = label->a;
    fprintf(to, "{\"label\":%zu,", v);
    if (c->classes && v < (size_t)c->classes->count) {
        fputs("\"name\":", to);
        cnx_json_put_string(to, c->classes->names[v]);
        putc(',', to);
    }
    fprintf(to, "\"a\":%" PRId64 ",\"b\":%" PRId64 ",\"both\":%" PRId64 ",\"share\":",
            counts->predicted[v], counts->labelled[v], counts->intersect[v]);
    cnx_json_put_number(to, label->change);
    putc('}', to);
}

static void put_picture(FILE *to, const cnx_mask_comparison *c, const cnx_compared *picture)
{
    const cnx_score_pair *pair = &c->run->pairs[picture->a];
    fputs("{\"name\":", to);
    cnx_json_put_string(to, c->pairs->items[picture->a].name);
    fprintf(to, ",\"pixels\":%" PRId64 ",\"changed\":%" PRId64 ",\"share\":", pair->pixels,
            pair->pixels - pair->hits);
    cnx_json_put_number(to, picture->change);
    putc('}', to);
}

static void print_json(FILE *to, const cnx_mask_comparison *c, const changes *found)
{
    const int64_t *totals = c->run->counts.totals;
    const int64_t pixels = totals[CNX_SEMANTIC_PIXELS], hits = totals[CNX_SEMANTIC_HITS];
    fputs("{\"a\":", to);
    cnx_json_put_string(to, c->names[0]);
    fputs(",\"b\":", to);
    cnx_json_put_string(to, c->names[1]);
    fprintf(to, ",\"pictures\":%zu,\"pixels\":%" PRId64 ",\"changed\":%" PRId64 ",\"agreement\":",
            c->run->done, pixels, pixels - hits);
    cnx_json_put_number(to, (double)hits / (double)pixels);
    fputs(",\"labels\":[", to);
    for (size_t i = 0; i < shown(c, found->label_count); i++) {
        fputs(i ? "," : "", to);
        put_label(to, c, &found->labels[i]);
    }
    fputs("],\"images\":[", to);
    for (size_t i = 0; i < shown(c, found->picture_count); i++) {
        fputs(i ? "," : "", to);
        put_picture(to, c, &found->pictures[i]);
    }
    fputs("]}\n", to);
}

cnx_status cnx_mask_comparison_print(FILE *to, const cnx_mask_comparison *comparison, bool json,
                                     cnx_error *err)
{
    changes found = {0};
    const cnx_status status = find_changes(&found, comparison, err);
    if (status == CNX_OK && json)
        print_json(to, comparison, &found);
    else if (status == CNX_OK)
        print(to, comparison, &found);
    free(found.labels);
    free(found.pictures);
    return status;
}
