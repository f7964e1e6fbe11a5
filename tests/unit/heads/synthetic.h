/* Segmentation checkpoints of any shape: a safetensors header in front of a hole in the file, so
 * that even the largest model costs no room on disk. */
#ifndef CNX_TESTS_SYNTHETIC_H
#define CNX_TESTS_SYNTHETIC_H

#include <dirent.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <unistd.h>

#include "tests/unit/check.h"

typedef struct synthetic {
    int depths[4], dims[4], version;
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
    if (w->model->without && strstr(name, w->model->without))
        return;
    fprintf(w->header, ",\"%s\":{\"dtype\":\"F16\",\"shape\":[", name);
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

static inline void synthetic_block(synthetic_writer *w, int i, int j)
{
    const int c = w->model->dims[i], hidden = 4 * c;
    char at[64], name[96];
    snprintf(at, sizeof at, "backbone.stages.%d.%d", i, j);
    snprintf(name, sizeof name, "%s.dwconv", at);
    synthetic_conv(w, name, c, 1, 7);
    snprintf(name, sizeof name, "%s.norm", at);
    synthetic_norm(w, name, c);
    synthetic_named(w, 2, (const int[]){hidden, c}, "%s.pwconv1.weight", at);
    synthetic_named(w, 1, &hidden, "%s.pwconv1.bias", at);
    synthetic_named(w, 2, (const int[]){c, hidden}, "%s.pwconv2.weight", at);
    synthetic_named(w, 1, &c, "%s.pwconv2.bias", at);
    if (w->model->version == 1) {
        synthetic_named(w, 1, &c, "%s.gamma", at);
        return;
    }
    synthetic_named(w, 4, (const int[]){1, 1, 1, hidden}, "%s.grn.gamma", at);
    synthetic_named(w, 4, (const int[]){1, 1, 1, hidden}, "%s.grn.beta", at);
}

static inline void synthetic_backbone(synthetic_writer *w)
{
    const int *c = w->model->dims;
    char name[64];
    synthetic_conv(w, "backbone.downsample_layers.0.0", c[0], 3, 4);
    synthetic_norm(w, "backbone.downsample_layers.0.1", c[0]);
    for (int i = 0; i < 4; i++) {
        if (i > 0) {
            snprintf(name, sizeof name, "backbone.downsample_layers.%d.0", i);
            synthetic_norm(w, name, c[i - 1]);
            snprintf(name, sizeof name, "backbone.downsample_layers.%d.1", i);
            synthetic_conv(w, name, c[i], c[i - 1], 2);
        }
        for (int j = 0; j < w->model->depths[i]; j++)
            synthetic_block(w, i, j);
        snprintf(name, sizeof name, "backbone.norm%d", i);
        synthetic_norm(w, name, c[i]);
    }
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
