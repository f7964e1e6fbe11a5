#include "ncnn_graph.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/memory.h"

enum { MAGIC = 7767517, MAX_INPUTS = 10, MAX_NAME = 160, MAX_PARAMS = 160, MAX_PATH = 4096 };

typedef struct layer {
    const char *type;
    char name[MAX_NAME], params[MAX_PARAMS];
    ncnn_shape shape;
    int inputs[MAX_INPUTS]; /* by the layers that make them */
    int input_count;
    int uses; /* of the output */
} layer;

typedef struct weights {
    float *values; /* owned */
    size_t count;
    bool tagged;
} weights;

struct ncnn_graph {
    layer *layers;
    weights *weights;
    size_t layer_count, weights_count;
    const char *failure; /* the first; NULL for none */
};

cnx_status ncnn_graph_open(ncnn_graph **out, cnx_error *err)
{
    *out = calloc(1, sizeof **out);
    CNX_FAIL_IF(!*out, CNX_ERR_MEMORY, "not enough memory for a graph");
    return CNX_OK;
}

void ncnn_graph_close(ncnn_graph **graph)
{
    if (!*graph)
        return;
    for (size_t i = 0; i < (*graph)->weights_count; i++)
        cnx_free((*graph)->weights[i].values);
    free((*graph)->weights);
    free((*graph)->layers);
    free(*graph);
    *graph = NULL;
}

static void fail(ncnn_graph *g, const char *failure)
{
    if (!g->failure)
        g->failure = failure;
}

/* items with room for one more than count; NULL, and items as they were, without memory. */
static void *grown(ncnn_graph *g, void *items, size_t count, size_t size)
{
    if (count & (count - 1)) /* room doubles at each power of two */
        return items;
    void *more = realloc(items, (count ? 2 * count : 1) * size);
    if (!more)
        fail(g, "not enough memory for a graph");
    return more;
}

/* The index of the layer that makes the value, or -1. */
static int find(const ncnn_graph *g, const char *name)
{
    for (size_t i = g->layer_count; i-- > 0;)
        if (strcmp(g->layers[i].name, name) == 0)
            return (int)i;
    return -1;
}

ncnn_shape ncnn_graph_shape(const ncnn_graph *g, const char *name)
{
    const ncnn_shape none = {0};
    const int index = find(g, name);
    return index < 0 ? none : g->layers[index].shape;
}

static void add_inputs(ncnn_graph *g, layer *l, const char *const *inputs)
{
    for (int i = 0; inputs[i]; i++) {
        const int from = find(g, inputs[i]);
        if (from < 0 || i == MAX_INPUTS) {
            fail(g, from < 0 ? "a layer reads what no layer before it makes"
                             : "a layer reads too many values");
            return;
        }
        g->layers[from].uses++;
        l->inputs[l->input_count++] = from;
    }
}

void ncnn_graph_layer(ncnn_graph *g, const char *type, const char *name, const char *const *inputs,
                      ncnn_shape shape, const char *params, ...)
{
    layer *layers = g->failure ? NULL : grown(g, g->layers, g->layer_count, sizeof *layers);
    if (!layers)
        return;
    g->layers = layers;
    layer *l = &layers[g->layer_count];
    *l = (layer){.type = type, .shape = shape};
    va_list args;
    va_start(args, params);
    const int named = snprintf(l->name, sizeof l->name, "%s", name);
    const int wrote = vsnprintf(l->params, sizeof l->params, params, args);
    va_end(args);
    if (named >= (int)sizeof l->name || wrote < 0 || wrote >= (int)sizeof l->params)
        fail(g, "a layer's name or parameters are too long");
    add_inputs(g, l, inputs);
    g->layer_count++;
}

void ncnn_graph_weights(ncnn_graph *g, float *values, size_t count, bool tagged)
{
    weights *all = values ? grown(g, g->weights, g->weights_count, sizeof *all) : NULL;
    if (!all) {
        fail(g, "not enough memory for weights");
        cnx_free(values);
        return;
    }
    g->weights = all;
    all[g->weights_count++] = (weights){values, count, tagged};
}

/* ---- writing ---- */

static bool is_shared(const layer *l)
{
    return l->uses > 1;
}

static void write_shape(FILE *f, ncnn_shape s, int outputs)
{
    const int rank = s.c ? 3 : s.h ? 2 : 1;
    fprintf(f, " -23330=%d", 4 * outputs);
    for (int i = 0; i < outputs; i++)
        fprintf(f, ",%d,%d,%d,%d", rank, s.w, s.h ? s.h : 1, s.c ? s.c : 1);
}

/* Each use of a value needs a name of its own. */
static void write_split(FILE *f, const layer *l)
{
    fprintf(f, "Split %s.split 1 %d %s", l->name, l->uses, l->name);
    for (int i = 0; i < l->uses; i++)
        fprintf(f, " %s.use%d", l->name, i);
    write_shape(f, l->shape, l->uses);
    fputc('\n', f);
}

/* used[i]: how many uses of layer i's value were named so far. */
static void write_layer(FILE *f, const ncnn_graph *g, const layer *l, int *used)
{
    fprintf(f, "%s %s %d 1", l->type, l->name, l->input_count);
    for (int i = 0; i < l->input_count; i++) {
        const layer *from = &g->layers[l->inputs[i]];
        fprintf(f, " %s", from->name);
        if (is_shared(from))
            fprintf(f, ".use%d", used[l->inputs[i]]++);
    }
    fprintf(f, " %s %s", l->name, l->params);
    write_shape(f, l->shape, 1);
    fputc('\n', f);
    if (is_shared(l))
        write_split(f, l);
}

static void write_text(FILE *f, const ncnn_graph *g, int *used)
{
    size_t layers = g->layer_count, values = layers;
    for (size_t i = 0; i < g->layer_count; i++)
        if (is_shared(&g->layers[i])) {
            layers++;
            values += (size_t)g->layers[i].uses;
        }
    fprintf(f, "%d\n%zu %zu\n", MAGIC, layers, values);
    for (size_t i = 0; i < g->layer_count; i++)
        write_layer(f, g, &g->layers[i], used);
}

static void write_weights(FILE *f, const ncnn_graph *g)
{
    static const unsigned char float32[4] = {0};
    for (size_t i = 0; i < g->weights_count; i++) {
        if (g->weights[i].tagged)
            fwrite(float32, 1, sizeof float32, f);
        fwrite(g->weights[i].values, sizeof(float), g->weights[i].count, f);
    }
}

static cnx_status close_written(FILE *f, const char *path, cnx_error *err)
{
    const bool bad = ferror(f) != 0;
    CNX_FAIL_IF(fclose(f) != 0 || bad, CNX_ERR_IO, "%s: cannot be written: %s", path,
                strerror(errno));
    return CNX_OK;
}

static cnx_status create(FILE **out, const char *path, cnx_error *err)
{
    *out = fopen(path, "wb");
    CNX_FAIL_IF(!*out, CNX_ERR_IO, "%s: cannot be written: %s", path, strerror(errno));
    return CNX_OK;
}

cnx_status ncnn_graph_write(const ncnn_graph *g, const char *path, cnx_error *err)
{
    CNX_FAIL_IF(g->failure, CNX_ERR_MEMORY, "%s: %s", path, g->failure);
    char weights_path[MAX_PATH];
    const int stem = (int)(strlen(path) - strlen(".param"));
    const int length = snprintf(weights_path, sizeof weights_path, "%.*s.bin", stem, path);
    CNX_FAIL_IF(length >= (int)sizeof weights_path, CNX_ERR_ARGUMENT, "%s: too long a name", path);
    int *used = calloc(g->layer_count + 1, sizeof *used);
    CNX_FAIL_IF(!used, CNX_ERR_MEMORY, "%s: not enough memory", path);
    FILE *f;
    cnx_status status;
    CNX_CHECK(create(&f, path, err));
    write_text(f, g, used);
    CNX_CHECK(close_written(f, path, err));
    CNX_CHECK(create(&f, weights_path, err));
    write_weights(f, g);
    CNX_CHECK(close_written(f, weights_path, err));
cleanup:
    free(used);
    return status;
}
