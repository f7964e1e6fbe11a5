/* Box and mask heads of odd shapes against their plain definition, region by region; and what the plans
 * of all parts count. */
#include <math.h>

#include "core/memory.h"
#include "core/ops/boxes.h"
#include "core/ops/roi_align.h"
#include "core/plan/cost.h"
#include "heads/roi_heads.h"
#include "tests/unit/check.h"

enum { REGIONS = 37 };

typedef struct bench {
    cnx_kernels k;
    cnx_weights *weights;
    cnx_detector_net *net;
    cnx_map levels[CNX_ROI_LEVELS];
    float rois[REGIONS][4];
    int labels[REGIONS];
    cnx_roi_run run;
} bench;

static float *read_tensor(bench *b, size_t count, const char *head, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
static float *read_tensor(bench *b, size_t count, const char *head, const char *fmt, ...)
{
    char name[160];
    cnx_error err = {0};
    int n = snprintf(name, sizeof name, "%s.", head);
    va_list args;
    va_start(args, fmt);
    vsnprintf(name + n, sizeof name - (size_t)n, fmt, args);
    va_end(args);
    float *out = cnx_alloc(count * sizeof *out);
    CHECK(cnx_weights_read(b->weights, name, out, &err) == CNX_OK, "%s", err.message);
    return out;
}

/* ---- the plain definition ---- */

/* [c][n][n], filters [out][in][3][3]; scale and shift of each output. */
static void plain_conv(const double *in, int in_c, int out_c, int n, const float *filters,
                       const double *scale, const double *shift, double *out)
{
    for (int o = 0; o < out_c; o++)
        for (int y = 0; y < n; y++)
            for (int x = 0; x < n; x++) {
                double sum = 0;
                for (int i = 0; i < in_c; i++)
                    for (int t = 0; t < 9; t++) {
                        const int sy = y + t / 3 - 1, sx = x + t % 3 - 1;
                        if (sy >= 0 && sy < n && sx >= 0 && sx < n)
                            sum += in[(i * n + sy) * n + sx] * filters[(o * in_c + i) * 9 + t];
                    }
                sum = sum * scale[o] + shift[o];
                out[(o * n + y) * n + x] = sum > 0 ? sum : 0;
            }
}

static double *plain_linear(bench *b, const char *head, const char *layer, const double *in, int n,
                            int out_c, bool relu)
{
    float *w = read_tensor(b, (size_t)n * (size_t)out_c, head, "%s.weight", layer);
    float *bias = read_tensor(b, (size_t)out_c, head, "%s.bias", layer);
    double *out = calloc((size_t)out_c, sizeof *out);
    for (int o = 0; o < out_c; o++) {
        out[o] = bias[o];
        for (int i = 0; i < n; i++)
            out[o] += in[i] * w[o * n + i];
        out[o] = relu && out[o] < 0 ? 0 : out[o];
    }
    cnx_free(w);
    cnx_free(bias);
    return out;
}

/* Pooled features, channels first. */
static double *pool(bench *b, const float roi[4], int bins)
{
    const int level = cnx_roi_level(roi, CNX_ROI_LEVELS);
    const cnx_map map = b->levels[level];
    const cnx_roi_align align = {.size = bins, .scale = 1 / (float)(4 << level)};
    float *out = cnx_alloc((size_t)(bins * bins * map.c) * sizeof *out);
    void *scratch = cnx_alloc(cnx_roi_align_scratch(bins, map.h, map.w, map.c));
    double *planes = calloc((size_t)(bins * bins) * (size_t)map.c, sizeof *planes);
    cnx_roi_align_run(&b->k, &align, map, roi, out, scratch);
    for (int c = 0; c < map.c; c++)
        for (int p = 0; p < bins * bins; p++)
            planes[c * bins * bins + p] = out[p * map.c + c];
    cnx_free(out);
    cnx_free(scratch);
    return planes;
}

/* convs of a head on pooled features, which are freed. */
static double *plain_convs(bench *b, const char *head, bool boxes, double *x)
{
    const cnx_detector_desc *d = &b->net->desc;
    const int n = boxes ? CNX_BOX_BINS : CNX_MASK_BINS;
    const int convs = boxes ? d->box_convs : d->mask_convs;
    const int out_c = boxes ? d->box_conv_channels : d->mask_channels;
    for (int i = 0, in_c = d->channels; i < convs; i++, in_c = out_c) {
        const char *layer = boxes ? "shared_convs" : "convs";
        float *w = read_tensor(b, (size_t)(in_c * out_c * 9), head, "%s.%d.conv.weight", layer, i);
        double *scale = calloc((size_t)out_c, sizeof *scale);
        double *shift = calloc((size_t)out_c, sizeof *shift);
        float *v[4] = {0};
        static const char *const bn[] = {"weight", "bias", "running_mean", "running_var"};
        for (int j = 0; boxes && j < 4; j++)
            v[j] = read_tensor(b, (size_t)out_c, head, "%s.%d.bn.%s", layer, i, bn[j]);
        if (!boxes)
            v[0] = read_tensor(b, (size_t)out_c, head, "%s.%d.conv.bias", layer, i);
        for (int o = 0; o < out_c; o++) {
            scale[o] = boxes ? v[0][o] / sqrt(v[3][o] + 1e-5) : 1;
            shift[o] = boxes ? v[1][o] - v[2][o] * scale[o] : v[0][o];
        }
        double *y = calloc((size_t)out_c * (size_t)(n * n), sizeof *y);
        plain_conv(x, in_c, out_c, n, w, scale, shift, y);
        free(x);
        x = y;
        cnx_free(w);
        free(scale);
        free(shift);
        for (int j = 0; j < 4; j++)
            cnx_free(v[j]);
    }
    return x;
}

static bool near(double got, double want)
{
    return fabs(got - want) <= 1e-4 + 1e-4 * fabs(want);
}

static void check_boxes(bench *b, int stage, int region, const float *logits, const float *deltas)
{
    const cnx_detector_desc *d = &b->net->desc;
    const cnx_layer_name head = cnx_roi_head_name(d, "bbox_head", stage);
    const int c = d->box_convs ? d->box_conv_channels : d->channels;
    double *x = plain_convs(b, head.text, true, pool(b, b->rois[region], CNX_BOX_BINS));
    for (int i = 0, n = 49 * c; i < d->box_fcs; i++, n = d->box_fc_channels) {
        char layer[32];
        snprintf(layer, sizeof layer, "shared_fcs.%d", i);
        double *y = plain_linear(b, head.text, layer, x, n, d->box_fc_channels, true);
        free(x);
        x = y;
    }
    const int rows = 4 * (d->class_specific ? d->classes : 1);
    double *cls =
        plain_linear(b, head.text, "fc_cls", x, d->box_fc_channels, d->classes + 1, false);
    double *reg = plain_linear(b, head.text, "fc_reg", x, d->box_fc_channels, rows, false);
    for (int i = 0; i <= d->classes; i++)
        CHECK(near(logits[i], cls[i]), "stage %d, region %d, logit %d: %g, want %g", stage, region,
              i, (double)logits[i], cls[i]);
    for (int i = 0; i < rows; i++)
        CHECK(near(deltas[i], reg[i]), "stage %d, region %d, delta %d: %g, want %g", stage, region,
              i, (double)deltas[i], reg[i]);
    free(x);
    free(cls);
    free(reg);
}

/* Adds one stage's probabilities of the region's class to sum. */
static void plain_mask(bench *b, int stage, int region, double *sum)
{
    const cnx_detector_desc *d = &b->net->desc;
    const cnx_layer_name head = cnx_roi_head_name(d, "mask_head", stage);
    const int in_c = d->mask_convs ? d->mask_channels : d->channels, c = d->mask_channels;
    const int label = d->mask_classes > 1 ? b->labels[region] : 0;
    double *x = plain_convs(b, head.text, false, pool(b, b->rois[region], CNX_MASK_BINS));
    float *up = read_tensor(b, (size_t)(in_c * c * 4), head.text, "upsample.weight");
    float *up_bias = read_tensor(b, (size_t)c, head.text, "upsample.bias");
    float *w = read_tensor(b, (size_t)(d->mask_classes * c), head.text, "conv_logits.weight");
    float *bias = read_tensor(b, (size_t)d->mask_classes, head.text, "conv_logits.bias");
    for (int y = 0; y < CNX_MASK_SIZE; y++)
        for (int xx = 0; xx < CNX_MASK_SIZE; xx++) {
            double logit = bias[label];
            for (int o = 0; o < c; o++) {
                double v = up_bias[o];
                for (int i = 0; i < in_c; i++)
                    v += x[(i * CNX_MASK_BINS + y / 2) * CNX_MASK_BINS + xx / 2] *
                         up[(i * c + o) * 4 + y % 2 * 2 + xx % 2];
                logit += (v > 0 ? v : 0) * w[label * c + o];
            }
            sum[y * CNX_MASK_SIZE + xx] += 1 / (1 + exp(-logit));
        }
    free(x);
    cnx_free(up);
    cnx_free(up_bias);
    cnx_free(w);
    cnx_free(bias);
}

/* ---- the bench ---- */

static void open_bench(bench *b, const cnx_detector_desc *d, const char *kernels)
{
    static const int dims[CNX_STAGES] = {8, 12, 16, 20};
    cnx_error err = {0};
    unsigned long long state = 9;
    *b = (bench){0};
    CHECK(cnx_kernels_init(&b->k, kernels, &err) == CNX_OK, "%s", err.message);
    CHECK(cnx_weights_open_random(&b->weights, 5, &err) == CNX_OK, "%s", err.message);
    CHECK(cnx_detector_expect(d, dims, b->weights, &err) == CNX_OK, "%s", err.message);
    CHECK(cnx_weights_check(b->weights, &err) == CNX_OK, "%s", err.message);
    CHECK(cnx_detector_net_open(&b->net, d, dims, b->weights, &b->k, 2, &err) == CNX_OK, "%s",
          err.message);
    for (int i = 0; i < CNX_ROI_LEVELS; i++) {
        const int h = 40 >> i, w = 56 >> i;
        float *data = cnx_alloc((size_t)(h * w * d->channels) * sizeof *data);
        for (int j = 0; j < h * w * d->channels; j++)
            data[j] = check_uniform(&state);
        b->levels[i] = b->run.levels[i] = cnx_map_dense(data, h, w, d->channels);
    }
    for (int i = 0; i < REGIONS; i++) {
        for (int j = 0; j < 2; j++) {
            b->rois[i][j] = 70 * (1 + check_uniform(&state));
            b->rois[i][j + 2] = b->rois[i][j] + 100 * (1 + check_uniform(&state));
        }
        b->labels[i] = (int)(check_random(&state) % (unsigned long long)d->classes);
    }
    b->run.net = b->net;
    b->run.k = &b->k;
    b->run.threads = 2;
    b->run.scratch_bytes = cnx_roi_scratch(b->net, &b->k, 2, 40, 56, false);
    b->run.scratch = cnx_alloc(b->run.scratch_bytes + 64);
    memset(b->run.scratch, 0x7f, b->run.scratch_bytes + 64);
}

static void close_bench(bench *b)
{
    for (int i = 0; i < 64; i++)
        CHECK(b->run.scratch[b->run.scratch_bytes + (size_t)i] == 0x7f, "wrote past the scratch");
    for (int i = 0; i < CNX_ROI_LEVELS; i++)
        cnx_free(b->levels[i].data);
    cnx_free(b->run.scratch);
    cnx_detector_net_close(&b->net);
    cnx_weights_close(&b->weights);
}

static void test_heads(const cnx_detector_desc *d, const char *kernels)
{
    bench b;
    open_bench(&b, d, kernels);
    const size_t rows = 4 * (size_t)(d->class_specific ? d->classes : 1);
    const size_t pixels = CNX_MASK_SIZE * CNX_MASK_SIZE;
    float *logits = cnx_alloc(REGIONS * ((size_t)d->classes + 1) * sizeof *logits);
    float *deltas = cnx_alloc(REGIONS * rows * sizeof *deltas);
    float *sum = cnx_calloc(REGIONS * pixels * sizeof *sum);
    const float(*rois)[4] = (const float(*)[4])b.rois;
    for (int s = 0; s < d->stages; s++) {
        cnx_box_head_run(&b.run, s, rois, REGIONS, logits, deltas);
        for (int i = 0; i < REGIONS; i += 9)
            check_boxes(&b, s, i, logits + (size_t)i * ((size_t)d->classes + 1),
                        deltas + (size_t)i * rows);
    }
    const int batch = cnx_mask_batch(REGIONS);
    CHECK(batch > 0 && batch < REGIONS, "several batches of masks");
    for (int i = 0; i < REGIONS; i += batch)
        cnx_mask_heads_run(&b.run, rois + i, b.labels + i,
                           REGIONS - i < batch ? REGIONS - i : batch, false,
                           sum + (size_t)i * pixels);
    for (int i = 0; i < REGIONS; i += 12) {
        double *want = calloc(pixels, sizeof *want), worst = 0;
        for (int s = 0; s < d->stages; s++)
            plain_mask(&b, s, i, want);
        for (size_t p = 0; p < pixels; p++)
            worst = fmax(worst, fabs(sum[(size_t)i * pixels + p] - want[p]));
        CHECK(worst < 1e-4, "mask of region %d: %g", i, worst);
        free(want);
    }
    /* Mirrored, the same masks are turned. */
    float *turned = cnx_calloc(pixels * sizeof *turned);
    cnx_mask_heads_run(&b.run, rois, b.labels, 1, true, turned);
    for (int y = 0; y < CNX_MASK_SIZE; y++)
        for (int x = 0; x < CNX_MASK_SIZE; x++)
            CHECK(fabsf(turned[y * CNX_MASK_SIZE + x] -
                        sum[y * CNX_MASK_SIZE + CNX_MASK_SIZE - 1 - x]) < 1e-5f,
                  "mirrored mask");
    cnx_free(turned);
    cnx_free(logits);
    cnx_free(deltas);
    cnx_free(sum);
    close_bench(&b);
}

/* ---- what plans count ---- */

/* The published network: figures of the specification, in multiply-adds. */
static void test_counts(void)
{
    static const cnx_detector_desc published = {.cascade = true,
                                                .stages = 3,
                                                .classes = 80,
                                                .channels = 256,
                                                .rpn_channels = 256,
                                                .anchors = 3,
                                                .box_convs = 4,
                                                .box_conv_channels = 256,
                                                .box_fcs = 1,
                                                .box_fc_channels = 1024,
                                                .class_specific = true,
                                                .mask_convs = 4,
                                                .mask_channels = 256,
                                                .mask_classes = 80};
    static const int dims[CNX_STAGES] = {96, 192, 384, 768};
    cnx_kernels k;
    cnx_detector_net *net = NULL;
    cnx_plan *dense = NULL, *boxes = NULL, *masks = NULL;
    cnx_detector_maps maps;
    cnx_value features[CNX_STAGES];
    cnx_error err = {0};
    double neck = 0, rpn = 0;
    CHECK(cnx_kernels_init(&k, "ref", &err) == CNX_OK, "%s", err.message);
    CHECK(cnx_detector_net_open(&net, &published, dims, NULL, &k, 1, &err) == CNX_OK, "%s",
          err.message);
    cnx_plan_open(&dense, &k, 1, &err);
    cnx_plan_open(&boxes, &k, 1, &err);
    cnx_plan_open(&masks, &k, 1, &err);
    for (int i = 0; i < CNX_STAGES; i++)
        features[i] = cnx_plan_external(dense, 1280 >> (2 + i), 800 >> (2 + i), dims[i]);
    CHECK(cnx_detector_net_plan(net, dense, features, &maps, &err) == CNX_OK, "%s", err.message);
    cnx_detector_net_plan_boxes(net, boxes);
    cnx_detector_net_plan_masks(net, masks);
    CHECK(cnx_plan_finish(dense, &err) == CNX_OK && cnx_plan_finish(boxes, &err) == CNX_OK &&
              cnx_plan_finish(masks, &err) == CNX_OK,
          "%s", err.message);
    for (int i = 0; i < cnx_plan_rows(dense); i++) {
        const cnx_plan_row row = cnx_plan_row_at(dense, i);
        *(strncmp(row.name, "rpn", 3) == 0 ? &rpn : &neck) += row.macs;
    }
    CHECK(neck == 53084160000.0, "pyramid: %.0f", neck);
    CHECK(rpn == 50615792640.0, "RPN: %.0f", rpn);
    CHECK(1000 * cnx_plan_macs(boxes) == 386583552000.0, "box heads: %.0f", cnx_plan_macs(boxes));
    CHECK(100 * cnx_plan_macs(masks) == 158957568000.0, "mask heads: %.0f", cnx_plan_macs(masks));
    cnx_plan_close(&dense);
    cnx_plan_close(&boxes);
    cnx_plan_close(&masks);
    cnx_detector_net_close(&net);
}

int main(void)
{
    /* Winograd's convolutions from 32 channels on, others below; with and without layers of a kind. */
    static const cnx_detector_desc shapes[] = {{.cascade = true,
                                                .stages = 2,
                                                .classes = 3,
                                                .channels = 20,
                                                .rpn_channels = 8,
                                                .anchors = 2,
                                                .box_convs = 3,
                                                .box_conv_channels = 12,
                                                .box_fcs = 2,
                                                .box_fc_channels = 24,
                                                .class_specific = true,
                                                .mask_convs = 1,
                                                .mask_channels = 9,
                                                .mask_classes = 3},
                                               {.cascade = true,
                                                .stages = 1,
                                                .classes = 1,
                                                .channels = 36,
                                                .rpn_channels = 36,
                                                .anchors = 3,
                                                .box_convs = 1,
                                                .box_conv_channels = 40,
                                                .box_fcs = 1,
                                                .box_fc_channels = 17,
                                                .class_specific = false,
                                                .mask_convs = 2,
                                                .mask_channels = 33,
                                                .mask_classes = 1},
                                               {.cascade = false,
                                                .stages = 1,
                                                .classes = 7,
                                                .channels = 33,
                                                .rpn_channels = 33,
                                                .anchors = 3,
                                                .box_convs = 0,
                                                .box_conv_channels = 33,
                                                .box_fcs = 2,
                                                .box_fc_channels = 30,
                                                .class_specific = false,
                                                .mask_convs = 0,
                                                .mask_channels = 11,
                                                .mask_classes = 7}};
    static const char *const tables[] = {"ref", "openblas", "avx2", "avx512", "neon"};
    for (size_t t = 0; t < sizeof tables / sizeof *tables; t++) {
        cnx_kernels k;
        if (cnx_kernels_init(&k, tables[t], NULL) != CNX_OK)
            continue;
        for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
            test_heads(&shapes[i], tables[t]);
    }
    test_counts();
    return CHECK_RESULT;
}
