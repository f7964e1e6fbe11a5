/*
 * Writes a checkpoint with random weights: any ConvNeXt with a UPerNet head or as a classifier,
 * official names, sound numbers.  For benchmarks, and wherever a test needs a model of a size that nobody would commit.
 *
 *     make_checkpoint --variant tiny --channels 512 --classes 150 --seed 1 OUT.safetensors
 *
 * core/checkpoint/random.h says what the numbers are.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backbone/convnext.h"
#include "core/checkpoint/checkpoint.h"
#include "core/checkpoint/random.h"

#define MAX_NAME    96
#define MAX_TENSORS 4096

typedef struct tensor_list {
    cnx_tensor_source sources[MAX_TENSORS];
    char names[MAX_TENSORS][MAX_NAME];
    cnx_fill kinds[MAX_TENSORS];
    size_t count;
    size_t parameters; /* without running statistics */
    uint64_t seed;
    cnx_dtype dtype;
} tensor_list;

typedef struct request {
    cnx_convnext_desc backbone;
    bool classifier;
    int channels, classes, auxiliary;
    int pools; /* how many scales: which ones leaves no trace in the shapes */
    uint64_t seed;
    cnx_dtype dtype;
    const char *path;
} request;

/* Always four axes; those of size 0 are left out. */
static void add(tensor_list *list, cnx_fill kind, int a, int b, int c, int d, const char *fmt, ...)
    __attribute__((format(printf, 7, 8)));

static void add(tensor_list *list, cnx_fill kind, int a, int b, int c, int d, const char *fmt, ...)
{
    if (list->count == MAX_TENSORS) {
        fprintf(stderr, "make_checkpoint: more than %d tensors\n", MAX_TENSORS);
        exit(1);
    }
    const size_t index = list->count++;
    va_list args;
    va_start(args, fmt);
    vsnprintf(list->names[index], MAX_NAME, fmt, args);
    va_end(args);

    const int axes[4] = {a, b, c, d};
    cnx_tensor_source *source = &list->sources[index];
    source->name = list->names[index];
    size_t elements = 1;
    for (int i = 0; i < 4 && axes[i] > 0; i++) {
        source->shape[source->rank++] = axes[i];
        elements *= (size_t)axes[i];
    }
    /* As the published half-precision files do: norms, biases and statistics stay float32. */
    source->dtype = source->rank >= 2 ? list->dtype : CNX_F32;
    list->kinds[index] = kind;
    if (!strstr(source->name, ".running_"))
        list->parameters += elements;
}

/* weight and bias of a norm, or the bias after a convolution's weight. */
static void add_norm(tensor_list *list, const char *prefix, int c)
{
    add(list, CNX_FILL_SCALE, c, 0, 0, 0, "%s.weight", prefix);
    add(list, CNX_FILL_SHIFT, c, 0, 0, 0, "%s.bias", prefix);
}

static void add_conv(tensor_list *list, const char *prefix, int out, int in, int size)
{
    add(list, CNX_FILL_WEIGHT, out, in, size, size, "%s.weight", prefix);
    add(list, CNX_FILL_SHIFT, out, 0, 0, 0, "%s.bias", prefix);
}

/* Convolution without bias, BatchNorm. */
static void add_module(tensor_list *list, const char *prefix, int out, int in, int size)
{
    char bn[MAX_NAME];
    add(list, CNX_FILL_WEIGHT, out, in, size, size, "%s.conv.weight", prefix);
    snprintf(bn, sizeof bn, "%s.bn", prefix);
    add_norm(list, bn, out);
    add(list, CNX_FILL_SHIFT, out, 0, 0, 0, "%s.running_mean", bn);
    add(list, CNX_FILL_SCALE, out, 0, 0, 0, "%s.running_var", bn);
}

static void add_block(tensor_list *list, const char *prefix, int c, const cnx_convnext_desc *d)
{
    char name[MAX_NAME];
    snprintf(name, sizeof name, "%s.dwconv", prefix);
    add_conv(list, name, c, 1, 7);
    snprintf(name, sizeof name, "%s.norm", prefix);
    add_norm(list, name, c);
    add(list, CNX_FILL_WEIGHT, 4 * c, c, 0, 0, "%s.pwconv1.weight", prefix);
    add(list, CNX_FILL_SHIFT, 4 * c, 0, 0, 0, "%s.pwconv1.bias", prefix);
    if (d->version == 2) {
        add(list, CNX_FILL_SCALE, 1, 1, 1, 4 * c, "%s.grn.gamma", prefix);
        add(list, CNX_FILL_SHIFT, 1, 1, 1, 4 * c, "%s.grn.beta", prefix);
    }
    add(list, CNX_FILL_WEIGHT, c, 4 * c, 0, 0, "%s.pwconv2.weight", prefix);
    add(list, CNX_FILL_SHIFT, c, 0, 0, 0, "%s.pwconv2.bias", prefix);
    if (d->version == 1 && !d->unscaled)
        add(list, CNX_FILL_GAMMA, c, 0, 0, 0, "%s.gamma", prefix);
}

static void add_isotropic(tensor_list *list, const cnx_convnext_desc *d)
{
    char name[MAX_NAME / 2];
    add_conv(list, "stem", d->dims[0], 3, 16);
    for (int j = 0; j < d->depths[0]; j++) {
        snprintf(name, sizeof name, "blocks.%d", j);
        add_block(list, name, d->dims[0], d);
    }
}

/* prefix: "backbone.", with output norms, or "" for a classifier. */
static void add_backbone(tensor_list *list, const cnx_convnext_desc *d, const char *prefix)
{
    char name[MAX_NAME / 2];
    for (int i = 0; i < CNX_STAGES; i++) {
        const int c = d->dims[i], conv = i == 0 ? 0 : 1;
        snprintf(name, sizeof name, "%sdownsample_layers.%d.%d", prefix, i, conv);
        add_conv(list, name, c, i == 0 ? 3 : d->dims[i - 1], i == 0 ? 4 : 2);
        snprintf(name, sizeof name, "%sdownsample_layers.%d.%d", prefix, i, 1 - conv);
        add_norm(list, name, i == 0 ? c : d->dims[i - 1]);
        for (int j = 0; j < d->depths[i]; j++) {
            snprintf(name, sizeof name, "%sstages.%d.%d", prefix, i, j);
            add_block(list, name, c, d);
        }
        if (!*prefix)
            continue;
        snprintf(name, sizeof name, "%snorm%d", prefix, i);
        add_norm(list, name, c);
    }
}

static void add_classifier(tensor_list *list, const request *r)
{
    const int width = cnx_convnext_width(&r->backbone);
    if (r->backbone.isotropic)
        add_isotropic(list, &r->backbone);
    else
        add_backbone(list, &r->backbone, "");
    add_norm(list, "norm", width);
    add(list, CNX_FILL_WEIGHT, r->classes, width, 0, 0, "head.weight");
    add(list, CNX_FILL_SHIFT, r->classes, 0, 0, 0, "head.bias");
}

static void add_heads(tensor_list *list, const request *r)
{
    char name[MAX_NAME];
    const int m = r->channels, *dims = r->backbone.dims;
    add_conv(list, "decode_head.conv_seg", r->classes, m, 1);
    for (int i = 0; i < r->pools; i++) {
        snprintf(name, sizeof name, "decode_head.psp_modules.%d.1", i);
        add_module(list, name, m, dims[3], 1);
    }
    add_module(list, "decode_head.bottleneck", m, dims[3] + r->pools * m, 3);
    for (int i = 0; i < CNX_STAGES - 1; i++) {
        snprintf(name, sizeof name, "decode_head.lateral_convs.%d", i);
        add_module(list, name, m, dims[i], 1);
        snprintf(name, sizeof name, "decode_head.fpn_convs.%d", i);
        add_module(list, name, m, m, 3);
    }
    add_module(list, "decode_head.fpn_bottleneck", m, CNX_STAGES * m, 3);
    if (r->auxiliary > 0) {
        add_conv(list, "auxiliary_head.conv_seg", r->classes, r->auxiliary, 1);
        add_module(list, "auxiliary_head.convs.0", r->auxiliary, dims[2], 3);
    }
}

static cnx_status fill(void *user, size_t index, float *values, cnx_error *err)
{
    (void)err;
    const tensor_list *list = user;
    const cnx_tensor_source *source = &list->sources[index];
    size_t elements = 1;
    for (int i = 0; i < source->rank; i++)
        elements *= (size_t)source->shape[i];
    cnx_fill_random(list->kinds[index], source->name, list->seed, (size_t)source->shape[0],
                    elements, values);
    return CNX_OK;
}

static const char usage_text[] =
    "usage: make_checkpoint [options] OUT.safetensors\n"
    "  --variant NAME      atto, femto, pico, nano, tiny, small, base, large, xlarge, huge,\n"
    "                      isotropic_small, isotropic_base, isotropic_large (tiny)\n"
    "  --head upernet|linear  (upernet; linear makes a classifier, with 1000 classes)\n"
    "  --depths A,B,C,D    blocks in each stage, instead of the variant's\n"
    "  --dims A,B,C,D      channels of each stage, instead of the variant's\n"
    "  --version 1|2       ConvNeXt with layer scale, or with GRN (1)\n"
    "  --channels N        width of the UPerNet head (512)\n"
    "  --pools N           number of pool scales (4)\n"
    "  --classes N         (150, of classifiers 1000)\n"
    "  --auxiliary N       width of the auxiliary head, 0 for none (256)\n"
    "  --dtype f32|f16|bf16  of tensors with two and more dimensions (f32)\n"
    "  --seed N            (1)\n";

static _Noreturn void usage(const char *option, const char *value)
{
    if (option)
        fprintf(stderr, "make_checkpoint: bad value for --%s: %s\n", option, value);
    fputs(usage_text, stderr);
    exit(2);
}

static int parse_int(const char *option, const char *text, int min, int max)
{
    char *end;
    const long value = strtol(text, &end, 10);
    if (end == text || *end || value < min || value > max)
        usage(option, text);
    return (int)value;
}

/* One number for each stage. */
static void parse_stages(const char *option, const char *text, int out[CNX_STAGES])
{
    int count = 0;
    char copy[128];
    if (snprintf(copy, sizeof copy, "%s", text) >= (int)sizeof copy)
        usage(option, text);
    char *rest = copy;
    for (char *part; (part = strsep(&rest, ",")) != NULL;) {
        if (count == CNX_STAGES)
            usage(option, text);
        out[count++] = parse_int(option, part, 1, 65536);
    }
    if (count != CNX_STAGES)
        usage(option, text);
}

static cnx_dtype parse_dtype(const char *text)
{
    if (strcmp(text, "f32") == 0)
        return CNX_F32;
    if (strcmp(text, "f16") == 0)
        return CNX_F16;
    if (strcmp(text, "bf16") == 0)
        return CNX_BF16;
    usage("dtype", text);
}

static void parse(request *r, int argc, char **argv)
{
    enum { VARIANT, HEAD, DEPTHS, DIMS, VERSION, CHANNELS, POOLS, CLASSES, AUXILIARY, DTYPE, SEED };
    static const struct option options[] = {
        {"variant", 1, NULL, VARIANT},     {"head", 1, NULL, HEAD},
        {"depths", 1, NULL, DEPTHS},       {"dims", 1, NULL, DIMS},
        {"version", 1, NULL, VERSION},     {"channels", 1, NULL, CHANNELS},
        {"pools", 1, NULL, POOLS},         {"classes", 1, NULL, CLASSES},
        {"auxiliary", 1, NULL, AUXILIARY}, {"dtype", 1, NULL, DTYPE},
        {"seed", 1, NULL, SEED},           {NULL, 0, NULL, 0},
    };
    const char *variant = "tiny", *depths = NULL, *dims = NULL;
    int version = 1;
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        switch (c) {
        case VARIANT:
            variant = optarg;
            break;
        case HEAD:
            r->classifier = strcmp(optarg, "linear") == 0;
            if (!r->classifier && strcmp(optarg, "upernet") != 0)
                usage("head", optarg);
            break;
        case DEPTHS:
            depths = optarg;
            break;
        case DIMS:
            dims = optarg;
            break;
        case VERSION:
            version = parse_int("version", optarg, 1, 2);
            break;
        case CHANNELS:
            r->channels = parse_int("channels", optarg, 1, 8192);
            break;
        case POOLS:
            r->pools = parse_int("pools", optarg, 1, 8);
            break;
        case CLASSES:
            r->classes = parse_int("classes", optarg, 1, 65535);
            break;
        case AUXILIARY:
            r->auxiliary = parse_int("auxiliary", optarg, 0, 8192);
            break;
        case DTYPE:
            r->dtype = parse_dtype(optarg);
            break;
        case SEED:
            r->seed = (uint64_t)parse_int("seed", optarg, 0, 2147483647);
            break;
        default:
            usage(NULL, NULL);
        }
    }
    if (optind + 1 != argc)
        usage(NULL, NULL);
    r->path = argv[optind];
    if (!cnx_convnext_named(variant, &r->backbone))
        usage("variant", variant);
    if (depths)
        parse_stages("depths", depths, r->backbone.depths);
    if (dims)
        parse_stages("dims", dims, r->backbone.dims);
    r->backbone.version = version;
    if (r->classes == 0)
        r->classes = r->classifier ? 1000 : 150;
    if (r->backbone.isotropic && !r->classifier)
        usage("variant", variant);
}

int main(int argc, char **argv)
{
    request r = {.channels = 512, .auxiliary = 256, .pools = 4, .seed = 1, .dtype = CNX_F32};
    parse(&r, argc, argv);

    tensor_list *list = calloc(1, sizeof *list);
    if (!list) {
        fputs("make_checkpoint: not enough memory\n", stderr);
        return 1;
    }
    list->seed = r.seed;
    list->dtype = r.dtype;
    if (r.classifier) {
        add_classifier(list, &r);
    } else {
        add_backbone(list, &r.backbone, "backbone.");
        add_heads(list, &r);
    }

    cnx_error err;
    const cnx_status status =
        cnx_safetensors_write(r.path, list->sources, list->count, fill, list, NULL, 0, &err);
    if (status == CNX_OK)
        printf("%s: %zu tensors, %zu parameters\n", r.path, list->count, list->parameters);
    else
        fprintf(stderr, "make_checkpoint: %s\n", err.message);
    free(list);
    return status == CNX_OK ? 0 : 1;
}
