/* Checkpoints of any shape, segmentation or classification: a safetensors header in front of a hole in the file, so
 * that even the largest model costs no room on disk. */
#ifndef CNX_TESTS_SYNTHETIC_H
#define CNX_TESTS_SYNTHETIC_H

#include <dirent.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <unistd.h>

#include "core/checkpoint/keymap.h"
#include "tests/unit/check.h"

typedef struct synthetic {
    int depths[4], dims[4], version;
    bool classifier;     /* no prefix, one norm, head.*; channels, pools, auxiliary do not count */
    bool isotropic;      /* a classifier of one stage */
    bool unscaled;       /* no gamma */
    int dwconv[4];       /* edges of the depthwise filters; 0: 7 */
    cnx_dialect dialect; /* how names are spelled */
    int channels, classes, pools, auxiliary; /* auxiliary 0: none */
    const char *metadata;                    /* a JSON object, or NULL */
    const char *without;                     /* leave out names that contain this */
    const char *extra;                       /* one more tensor of one element */
} synthetic;

typedef struct synthetic_writer {
    const synthetic *model;
    FILE *header;
    size_t offset;
} synthetic_writer;

/* One float16 tensor. */
static inline void synthetic_tensor(synthetic_writer *w, const char *name, int rank,
                                    const int *shape)
{
    size_t bytes = 2;
    const cnx_keymap map = {.dialect = w->model->dialect, .prefix = ""};
    if (w->model->without && strstr(name, w->model->without))
        return;
    char spelled[256];
    snprintf(spelled, sizeof spelled, "%s", name);
    if (map.dialect != CNX_DIALECT_OFFICIAL)
        cnx_keymap_spelling(&map, name, spelled);
    fprintf(w->header, ",\"%s\":{\"dtype\":\"F16\",\"shape\":[", spelled);
    for (int i = 0; i < rank; i++) {
        fprintf(w->header, i ? ",%d" : "%d", shape[i]);
        bytes *= (size_t)shape[i];
    }
    fprintf(w->header, "],\"data_offsets\":[%zu,%zu]}", w->offset, w->offset + bytes);
    w->offset += bytes;
}

static inline void synthetic_named(synthetic_writer *w, int rank, const int *shape, const char *fmt,
                                   ...) __attribute__((format(printf, 4, 5)));
static inline void synthetic_named(synthetic_writer *w, int rank, const int *shape, const char *fmt,
                                   ...)
{
    char name[128];
    va_list args;
    va_start(args, fmt);
    vsnprintf(name, sizeof name, fmt, args);
    va_end(args);
    synthetic_tensor(w, name, rank, shape);
}

static inline void synthetic_norm(synthetic_writer *w, const char *name, int c)
{
    synthetic_named(w, 1, &c, "%s.weight", name);
    synthetic_named(w, 1, &c, "%s.bias", name);
}

static inline void synthetic_conv(synthetic_writer *w, const char *name, int out, int in, int k)
{
    synthetic_named(w, 4, (const int[]){out, in, k, k}, "%s.weight", name);
    synthetic_named(w, 1, &out, "%s.bias", name);
}

static inline void synthetic_module(synthetic_writer *w, const char *name, int out, int in, int k)
{
    char bn[128];
    synthetic_named(w, 4, (const int[]){out, in, k, k}, "%s.conv.weight", name);
    snprintf(bn, sizeof bn, "%s.bn", name);
    synthetic_norm(w, bn, out);
    synthetic_named(w, 1, &out, "%s.bn.running_mean", name);
    synthetic_named(w, 1, &out, "%s.bn.running_var", name);
    synthetic_named(w, 0, NULL, "%s.bn.num_batches_tracked", name);
}

static inline const char *synthetic_prefix(const synthetic_writer *w)
{
    return w->model->classifier ? "" : "backbone.";
}

static inline void synthetic_block(synthetic_writer *w, int i, int j)
{
    const int c = w->model->dims[i], hidden = 4 * c;
    const int edge = w->model->dwconv[i] ? w->model->dwconv[i] : 7;
    char at[64], name[96];
    if (w->model->isotropic)
        snprintf(at, sizeof at, "blocks.%d", j);
    else
        snprintf(at, sizeof at, "%sstages.%d.%d", synthetic_prefix(w), i, j);
    snprintf(name, sizeof name, "%s.dwconv", at);
    synthetic_conv(w, name, c, 1, edge);
    snprintf(name, sizeof name, "%s.norm", at);
    synthetic_norm(w, name, c);
    synthetic_named(w, 2, (const int[]){hidden, c}, "%s.pwconv1.weight", at);
    synthetic_named(w, 1, &hidden, "%s.pwconv1.bias", at);
    synthetic_named(w, 2, (const int[]){c, hidden}, "%s.pwconv2.weight", at);
    synthetic_named(w, 1, &c, "%s.pwconv2.bias", at);
    if (w->model->version == 1) {
        if (!w->model->unscaled)
            synthetic_named(w, 1, &c, "%s.gamma", at);
        return;
    }
    synthetic_named(w, 4, (const int[]){1, 1, 1, hidden}, "%s.grn.gamma", at);
    synthetic_named(w, 4, (const int[]){1, 1, 1, hidden}, "%s.grn.beta", at);
}

static inline void synthetic_backbone(synthetic_writer *w)
{
    const int *c = w->model->dims;
    const char *prefix = synthetic_prefix(w);
    char name[64];
    if (w->model->isotropic)
        synthetic_conv(w, "stem", c[0], 3, 16);
    for (int i = 0; i < (w->model->isotropic ? 1 : 4); i++) {
        if (!w->model->isotropic) {
            snprintf(name, sizeof name, "%sdownsample_layers.%d.%d", prefix, i, i > 0);
            synthetic_conv(w, name, c[i], i > 0 ? c[i - 1] : 3, i > 0 ? 2 : 4);
            snprintf(name, sizeof name, "%sdownsample_layers.%d.%d", prefix, i, i == 0);
            synthetic_norm(w, name, i > 0 ? c[i - 1] : c[0]);
        }
        for (int j = 0; j < w->model->depths[i]; j++)
            synthetic_block(w, i, j);
        snprintf(name, sizeof name, "%snorm%d", prefix, i);
        if (!w->model->classifier)
            synthetic_norm(w, name, c[i]);
    }
}

static inline void synthetic_classifier(synthetic_writer *w)
{
    const synthetic *s = w->model;
    const int width = s->dims[s->isotropic ? 0 : 3];
    synthetic_norm(w, "norm", width);
    synthetic_named(w, 2, (const int[]){s->classes, width}, "head.weight");
    synthetic_named(w, 1, &s->classes, "head.bias");
}

static inline void synthetic_heads(synthetic_writer *w)
{
    const synthetic *s = w->model;
    const int m = s->channels;
    char name[64];
    for (int k = 0; k < s->pools; k++) {
        snprintf(name, sizeof name, "decode_head.psp_modules.%d.1", k);
        synthetic_module(w, name, m, s->dims[3], 1);
    }
    synthetic_module(w, "decode_head.bottleneck", m, s->dims[3] + s->pools * m, 3);
    for (int i = 0; i < 3; i++) {
        snprintf(name, sizeof name, "decode_head.lateral_convs.%d", i);
        synthetic_module(w, name, m, s->dims[i], 1);
        snprintf(name, sizeof name, "decode_head.fpn_convs.%d", i);
        synthetic_module(w, name, m, m, 3);
    }
    synthetic_module(w, "decode_head.fpn_bottleneck", m, 4 * m, 3);
    synthetic_conv(w, "decode_head.conv_seg", s->classes, m, 1);
    if (s->auxiliary) {
        synthetic_module(w, "auxiliary_head.convs.0", s->auxiliary, s->dims[2], 3);
        synthetic_conv(w, "auxiliary_head.conv_seg", s->classes, s->auxiliary, 1);
    }
}

/* Writes the file; all values are 0.  False when there is no room for it. */
static inline bool synthetic_write(const char *path, const synthetic *model)
{
    char *header;
    size_t length;
    synthetic_writer w = {.model = model, .header = open_memstream(&header, &length)};
    fprintf(w.header, "{\"__metadata__\":%s", model->metadata ? model->metadata : "{}");
    synthetic_backbone(&w);
    if (model->classifier)
        synthetic_classifier(&w);
    else
        synthetic_heads(&w);
    if (model->extra)
        synthetic_tensor(&w, model->extra, 1, (const int[]){1});
    fprintf(w.header, "}");
    fclose(w.header);
    FILE *file = fopen(path, "wb");
    const uint64_t size = length;
    bool ok = file && fwrite(&size, 8, 1, file) == 1 && fwrite(header, length, 1, file) == 1 &&
              fflush(file) == 0 && ftruncate(fileno(file), (off_t)(8 + length + w.offset)) == 0;
    ok = file && fclose(file) == 0 && ok;
    free(header);
    CHECK(ok, "%s cannot be written", path);
    return ok;
}

/* A folder of this test's own, removed with its files by synthetic_cleanup. */
static inline const char *synthetic_folder(void)
{
    static char folder[] = "/tmp/cnx-test-XXXXXX";
    static bool made;
    if (!made)
        made = mkdtemp(folder) != NULL;
    CHECK(made, "no folder for temporary files");
    return folder;
}

static inline void synthetic_cleanup(void)
{
    DIR *folder = opendir(synthetic_folder());
    const struct dirent *entry;
    while (folder && (entry = readdir(folder)))
        unlinkat(dirfd(folder), entry->d_name, 0); /* fails on . and .. alone */
    if (folder)
        closedir(folder);
    rmdir(synthetic_folder());
}

static inline const char *synthetic_path(const char *name)
{
    static char paths[8][256];
    static int next;
    char *path = paths[next++ % 8];
    snprintf(path, sizeof paths[0], "%s/%s", synthetic_folder(), name);
    return path;
}

static inline void synthetic_text(const char *path, const char *text)
{
    FILE *file = fopen(path, "wb");
    CHECK(file && fputs(text, file) >= 0 && fclose(file) == 0, "%s cannot be written", path);
}

#endif
