/* What networks cost: the published figures and every term behind them, weights and memory. */
#include <math.h>

#include "heads/catalogue.h"
#include "heads/census.h"
#include "heads/detector.h"
#include "heads/segmentor.h"
#include "tests/unit/check.h"

static bool take(cnx_census *census, cnx_model_file *file, const char *config, int h, int w)
{
    cnx_error err = {0};
    const cnx_census_options options = {.threads = 1};
    const bool sound = cnx_model_file_random(file, config, NULL, 0, 1, &err) == CNX_OK &&
                       cnx_census_take(census, file, h, w, &options, &err) == CNX_OK;
    CHECK(sound, "%s: %s", config, err.message);
    return sound;
}

/* ---- the published segmentation models ---- */

/* As the official counter has them: see the table in docs/flops.md. */
static const struct segmentation {
    const char *config;
    int h, w;
    double published_params, published_flops; /* M, G */
    size_t params, params_without_auxiliary;
    double macs, mmcv;
    double conv_macs, conv_bias, linear_macs, linear_bias, layernorm, gelu, scale, batchnorm, pool,
        resize;
} segmentation[] = {
    {"upernet_convnext_tiny_512", 512, 2048, 60, 939, 60242636, 59318838, 938485481472,
     938921634816, 851512393728, 66453504, 86973087744, 224133120, 17301504 + 44826624 + 11796480,
     179306496, 44826624, 122184704, 3145728, 304087040},
    {"upernet_convnext_small_512", 512, 2048, 82, 1027, 81877196, 80953398, 1026845835264,
     1027310300160, 852899659776, 94765056, 173946175488, 365690880, 17301504 + 73138176 + 11796480,
     292552704, 73138176, 122184704, 3145728, 304087040},
    {"upernet_convnext_base_512", 512, 2048, 122, 1170, 122102956, 120884246, 1169344692224,
     1169838517248, 860107046912, 123076608, 309237645312, 487587840,
     23068672 + 97517568 + 15728640, 390070272, 97517568, 122184704, 4194304, 304087040},
    {"upernet_convnext_base_640", 640, 2560, 122, 1828, 122102956, 120884246, 1827086336000,
     1827857894400, 1343902515200, 192307200, 483183820800, 761856000,
     36044800 + 152371200 + 24576000, 609484800, 152371200, 190899200, 6553600, 475136000},
    {"upernet_convnext_large_640", 640, 2560, 235, 2458, 234994796, 233186262, 2457356697600,
     2458220006400, 1370193100800, 280780800, 1087163596800, 1142784000,
     54067200 + 228556800 + 36864000, 914227200, 228556800, 190899200, 9830400, 475136000},
    {"upernet_convnext_xlarge_640", 640, 2560, 391, 3335, 391140396, 388742038, 3334252134400,
     3335207193600, 1401516851200, 369254400, 1932735283200, 1523712000,
     72089600 + 304742400 + 49152000, 1218969600, 304742400, 190899200, 13107200, 475136000},
};

static void check_term(const char *config, const char *term, double got, double wanted)
{
    CHECK(got == wanted, "%s: %s is %.0f, not %.0f", config, term, got, wanted);
}

static void test_segmentation(void)
{
    for (size_t i = 0; i < sizeof segmentation / sizeof *segmentation; i++) {
        const struct segmentation *s = &segmentation[i];
        cnx_census c = {0};
        cnx_model_file file = {0};
        if (take(&c, &file, s->config, s->h, s->w)) {
            const cnx_cost *t = &c.total;
            const double flops = cnx_census_flops(&file.description, t, CNX_COUNT_MMCV);
            CHECK(c.all_parameters == s->params, "%s: %zu", s->config, c.all_parameters);
            CHECK(c.parameters == s->params_without_auxiliary, "%s: %zu", s->config, c.parameters);
            check_term(s->config, "parameters", round((double)c.all_parameters / 1e6),
                       s->published_params);
            check_term(s->config, "FLOPs", round(flops / 1e9), s->published_flops);
            check_term(s->config, "mmcv", flops, s->mmcv);
            check_term(s->config, "MACs", cnx_cost_macs(t), s->macs);
            check_term(s->config, "conv_macs", t->conv_macs, s->conv_macs);
            check_term(s->config, "conv_bias", t->conv_bias, s->conv_bias);
            check_term(s->config, "linear_macs", t->linear_macs, s->linear_macs);
            check_term(s->config, "linear_bias", t->linear_bias, s->linear_bias);
            check_term(s->config, "layernorm", t->layernorm, s->layernorm);
            check_term(s->config, "gelu", t->gelu, s->gelu);
            check_term(s->config, "scale", t->scale, s->scale);
            check_term(s->config, "batchnorm", t->batchnorm, s->batchnorm);
            check_term(s->config, "relu", t->relu, s->batchnorm);
            check_term(s->config, "pool", t->pool, s->pool);
            check_term(s->config, "resize", t->resize, s->resize);
        }
        cnx_census_free(&c);
        cnx_model_file_close(&file);
    }
}

/* ---- classifiers ---- */

static const struct classification {
    const char *variant;
    size_t params, params_22k;
    double macs_224, fvcore_224, macs_384, fvcore_384;
} classification[] = {
    {"atto", 3695520, 10385481, 547332480, 552038080, 1607866880, 1621692480},
    {"femto", 5217784, 13241569, 779629824, 785276544, 2290412544, 2307003264},
    {"pico", 9045672, 19737105, 1367055360, 1374584320, 4016476160, 4038597120},
    {"nano", 15593560, 28952641, 2445528320, 2455566720, 7185617920, 7215112320},
    {"tiny", 28589128, 44615857, 4455531264, 4470399744, 13092317184, 13136004864},
    {"small", 50223688, 66250417, 8683712256, 8705354496, 25517991936, 25581586176},
    {"base", 88591464, 109953489, 15354729472, 15383585792, 45122117632, 45206909952},
    {"large", 197767336, 229799953, 34361433600, 34404718080, 100977561600, 101104750080},
    {"xlarge", 350196968, 392900177, 60921030656, 60978743296, 179029262336, 179198846976},
};

/* A classifier's figures; counts nothing when it cannot be described. */
static void check_classifier(const struct classification *s, const char *classes, int size,
                             size_t params, double macs, double fvcore)
{
    cnx_error err = {0};
    cnx_model_file file = {0};
    cnx_census c = {0};
    cnx_convnext_desc d = {0};
    char depths[64], dims[64];
    CHECK(cnx_convnext_named(s->variant, &d), "%s", s->variant);
    snprintf(depths, sizeof depths, "backbone.depths=[%d,%d,%d,%d]", d.depths[0], d.depths[1],
             d.depths[2], d.depths[3]);
    snprintf(dims, sizeof dims, "backbone.dims=[%d,%d,%d,%d]", d.dims[0], d.dims[1], d.dims[2],
             d.dims[3]);
    const char *sets[] = {"task=\"classification\"", depths, dims, classes};
    const cnx_census_options options = {.threads = 1};
    const bool sound = cnx_model_file_random(&file, NULL, sets, 4, 1, &err) == CNX_OK &&
                       cnx_census_take(&c, &file, size, size, &options, &err) == CNX_OK;
    CHECK(sound, "%s: %s", s->variant, err.message);
    CHECK(c.all_parameters == params && c.parameters == params, "%s: %zu", s->variant,
          c.all_parameters);
    check_term(s->variant, "fvcore",
               cnx_census_flops(&file.description, &c.total, CNX_COUNT_FVCORE), fvcore);
    check_term(s->variant, "macs", cnx_cost_macs(&c.total), macs);
    for (int i = 0; i < c.part_count; i++)
        CHECK(strcmp(c.parts[i].name, "other") != 0, "%s has layers of no part", s->variant);
    cnx_census_free(&c);
    cnx_model_file_close(&file);
}

static void test_classification(void)
{
    for (size_t i = 0; i < sizeof classification / sizeof *classification; i++) {
        const struct classification *s = &classification[i];
        const double more = (double)(s->params_22k - s->params); /* weights and biases */
        const double width = more / (21841 - 1000) - 1;
        check_classifier(s, "head.classes=1000", 224, s->params, s->macs_224, s->fvcore_224);
        check_classifier(s, "head.classes=1000", 384, s->params, s->macs_384, s->fvcore_384);
        check_classifier(s, "head.classes=21841", 224, s->params_22k, s->macs_224 + width * 20841,
                         s->fvcore_224 + width * 20841);
    }
}

/* ---- detectors ---- */

static const struct detection {
    const char *config;
    size_t params;
    double macs, bias, relu, batchnorm;
    double backbone, pyramid, rpn, boxes, masks; /* multiply-adds */
} detection[] = {
    {"cascade_mask_rcnn_convnext_tiny", 85930578, 740154608640, 261159860, 274022400, 301056000,
     90913536000, 53084160000, 50615792640, 386583552000, 158957568000},
    {"cascade_mask_rcnn_convnext_small", 107565138, 826444016640, 288807860, 274022400, 301056000,
     177202944000, 53084160000, 50615792640, 386583552000, 158957568000},
    {"cascade_mask_rcnn_convnext_base", 145800242, 963565040640, 316455860, 274022400, 301056000,
     313340928000, 54067200000, 50615792640, 386583552000, 158957568000},
    {"cascade_mask_rcnn_convnext_base_22k", 145800242, 963565040640, 316455860, 274022400,
     301056000, 313340928000, 54067200000, 50615792640, 386583552000, 158957568000},
    {"cascade_mask_rcnn_convnext_large", 254710770, 1353412592640, 371751860, 274022400, 301056000,
     701222400000, 56033280000, 50615792640, 386583552000, 158957568000},
    {"cascade_mask_rcnn_convnext_xlarge", 406875058, 1897400816640, 427047860, 274022400, 301056000,
     1243244544000, 57999360000, 50615792640, 386583552000, 158957568000},
    {"mask_rcnn_convnext_tiny", 48095376, 261903600640, 168334260, 42188800, 0, 90913536000,
     53084160000, 50615792640, 14304256000, 52985856000},
};

static void check_detector_parts(const struct detection *s, const cnx_census *c)
{
    double backbone = 0;
    for (int i = 0; i < c->part_count; i++) {
        const char *part = c->parts[i].name;
        const double macs = cnx_cost_macs(&c->parts[i].cost);
        if (strcmp(part, "pyramid") == 0)
            check_term(s->config, part, macs, s->pyramid);
        else if (strcmp(part, "RPN") == 0)
            check_term(s->config, part, macs, s->rpn);
        else if (strcmp(part, "box heads") == 0)
            check_term(s->config, part, macs, s->boxes);
        else if (strcmp(part, "mask heads") == 0)
            check_term(s->config, part, macs, s->masks);
        else
            backbone += macs;
        CHECK(strcmp(part, "other") != 0, "%s has layers of no part", s->config);
    }
    check_term(s->config, "backbone", backbone, s->backbone);
}

static void test_detection(void)
{
    for (size_t i = 0; i < sizeof detection / sizeof *detection; i++) {
        const struct detection *s = &detection[i];
        cnx_census c = {0};
        cnx_model_file file = {0};
        if (take(&c, &file, s->config, 1280, 800)) {
            const cnx_cost *t = &c.total;
            CHECK(c.parameters == s->params, "%s: %zu", s->config, c.parameters);
            check_term(s->config, "MACs", cnx_cost_macs(t), s->macs);
            check_term(s->config, "conv_bias", t->conv_bias, s->bias);
            check_term(s->config, "relu", t->relu, s->relu);
            check_term(s->config, "batchnorm", 2 * t->batchnorm, s->batchnorm);
            check_term(s->config, "mmcv", cnx_census_flops(&file.description, t, CNX_COUNT_MMCV),
                       s->macs + s->bias + s->relu);
            check_detector_parts(s, &c);
        }
        cnx_census_free(&c);
        cnx_model_file_close(&file);
    }
}

/* ---- the whole catalogue ---- */

/* Figures that no count reproduces: the tables truncate one, and print two for one network. */
static bool is_known_misprint(const char *name, const char *figure)
{
    return (strcmp(name, "convnext_tiny_1k_224") == 0 && strcmp(figure, "28M") == 0) ||
           (strcmp(name, "convnext_base_1k_384") == 0 && strcmp(figure, "45.0G") == 0) ||
           (strcmp(name, "convnext_base_22k_1k_384") == 0 && strcmp(figure, "47.0G") == 0);
}

static void check_figure(const char *name, const char *figure, double computed)
{
    double unit;
    const double value = cnx_published_value(figure, &unit);
    const bool same = fabs(round(computed / unit) * unit - value) < unit / 2;
    CHECK(same != is_known_misprint(name, figure), "%s: published %s, computed %.0f", name, figure,
          computed);
}

/* Every published row, under its task's convention, to the digits that are printed. */
static void test_catalogue(void)
{
    cnx_error err = {0};
    cnx_catalogue_entry e;
    int rows = 0;
    for (size_t i = 0; cnx_catalogue_at(i, &e, &err) == CNX_OK && *e.name; i++) {
        cnx_model_file file = {0};
        cnx_census c = {0};
        if (!*e.published.flops)
            continue;
        rows++;
        if (take(&c, &file, e.name, e.published.h, e.published.w)) {
            check_figure(e.name, e.published.params, (double)c.all_parameters);
            check_figure(
                e.name, e.published.flops,
                cnx_census_flops(&file.description, &c.total, cnx_census_convention(e.task)));
        }
        cnx_census_free(&c);
        cnx_model_file_close(&file);
    }
    CHECK(err.message[0] == '\0', "%s", err.message);
    CHECK(rows == 6 + 7 + 16 + 3, "%d published rows", rows);
}

/* ---- any network ---- */

static const char *const small_sets[] = {"backbone.depths=[1,2,1,1]", "backbone.dims=[12,24,40,56]",
                                         "head.channels=40", "head.classes=7",
                                         "classes=[\"a\",\"b\",\"c\",\"d\",\"e\",\"f\",\"g\"]"};
enum { SMALL_SETS = sizeof small_sets / sizeof *small_sets };

/* What is told of parts and rows adds up, and packed weights take what was foretold. */
static void test_sums(const char *version, const char *kernels, cnx_weight_type weights)
{
    cnx_error err = {0};
    cnx_model_file file = {0};
    cnx_census c = {0};
    cnx_segmentor *seg = NULL;
    const char *sets[SMALL_SETS + 1];
    memcpy(sets, small_sets, sizeof small_sets);
    sets[SMALL_SETS] = version;
    const cnx_census_options options = {.threads = 2, .kernels = kernels, .weights = weights};
    const cnx_model_options real = {.threads = 2, .kernels = kernels, .weights = weights};
    cnx_estimate estimate = {0};
    cnx_pipeline whole = {.mode = CNX_MODE_WHOLE, .std = {1, 1, 1}, .pad_divisor = 1};
    const bool sound =
        cnx_model_file_random(&file, NULL, sets, SMALL_SETS + 1, 1, &err) == CNX_OK &&
        cnx_census_take(&c, &file, 97, 131, &options, &err) == CNX_OK &&
        cnx_segmentor_open(&seg, &file, &real, &err) == CNX_OK &&
        cnx_segmentor_estimate(seg, 131, 97, &whole, 0, &estimate, &err) == CNX_OK;
    CHECK(sound, "%s, %s: %s", version, kernels, err.message);
    cnx_cost sum = {0};
    size_t in_rows = 0, in_parts = 0;
    for (int i = 0; i < c.count; i++)
        in_rows += c.rows[i].parameters;
    for (int i = 0; i < c.part_count; i++) {
        in_parts += c.parts[i].parameters;
        cnx_cost_add(&sum, &c.parts[i].cost);
        CHECK(strcmp(c.parts[i].name, "other") != 0, "%s has parameters or layers of no part",
              version);
    }
    CHECK(in_rows == c.all_parameters && in_parts == c.all_parameters, "%zu, %zu, %zu", in_rows,
          in_parts, c.all_parameters);
    CHECK(cnx_cost_macs(&sum) == cnx_cost_macs(&c.total), "%g", cnx_cost_macs(&sum));
    CHECK(cnx_cost_macs(&sum) == estimate.macs, "%g, run: %g", cnx_cost_macs(&sum), estimate.macs);
    CHECK(sum.products < cnx_cost_macs(&sum), "%g", sum.products);
    CHECK(c.arena_bytes == estimate.arena_bytes, "%zu, %zu", c.arena_bytes, estimate.arena_bytes);
    /* They differ in how they count the norms, a few kilobytes. */
    const double difference = (double)c.total.weight_bytes - (double)estimate.weights_bytes;
    CHECK(fabs(difference) < 4096, "%zu, packed: %zu", c.total.weight_bytes,
          estimate.weights_bytes);
    cnx_segmentor_close(&seg);
    cnx_census_free(&c);
    cnx_model_file_close(&file);
}

/* The same of a detector. */
static void test_detector_weights(void)
{
    static const char model[] = "nuclei_cascade_mask_rcnn_convnext_atto";
    cnx_error err = {0};
    cnx_model_file file = {0};
    cnx_census c = {0};
    cnx_detector *det = NULL;
    const cnx_census_options options = {.threads = 2, .kernels = "ref"};
    const cnx_model_options real = {.threads = 2, .kernels = "ref"};
    const bool sound = cnx_model_file_open(&file, model, NULL, NULL, 0, false, &err) == CNX_OK &&
                       cnx_census_take(&c, &file, 97, 131, &options, &err) == CNX_OK &&
                       cnx_detector_open(&det, &file, &real, &err) == CNX_OK;
    CHECK(sound, "%s: %s", model, err.message);
    const double foretold = (double)c.total.weight_bytes;
    const double packed = sound ? (double)cnx_detector_weights_bytes(det) : 0;
    CHECK(fabs(foretold - packed) < 0.01 * packed, "%s: %g, packed: %g", model, foretold, packed);
    size_t in_rows = 0;
    for (int r = 0; r < c.count; r++)
        in_rows += c.rows[r].parameters;
    CHECK(in_rows == c.parameters, "%s: %zu of %zu", model, in_rows, c.parameters);
    cnx_detector_close(&det);
    cnx_census_free(&c);
    cnx_model_file_close(&file);
}

/* Conventions, on one number of each kind. */
static void test_conventions(void)
{
    const cnx_cost cost = {.conv_macs = 1e12,
                           .linear_macs = 1e11,
                           .conv_bias = 1,
                           .linear_bias = 10,
                           .layernorm = 100,
                           .batchnorm = 1e3,
                           .gelu = 1e4,
                           .relu = 1e5,
                           .scale = 1e6,
                           .residual = 1e7,
                           .grn = 1e8,
                           .pool = 1e9,
                           .resize = 1e10};
    const double macs = 1.1e12;
    CHECK(cnx_cost_flops(&cost, CNX_COUNT_MACS) == macs, "macs");
    CHECK(cnx_cost_flops(&cost, CNX_COUNT_MMCV) == macs + 1 + 2e3 + 1e5 + 1e9, "mmcv");
    CHECK(cnx_cost_flops(&cost, CNX_COUNT_FVCORE) == macs + 500 + 2e3 + 4e10 + 1e9, "fvcore");
    CHECK(cnx_cost_flops(&cost, CNX_COUNT_EXACT) ==
              2 * macs + 1 + 10 + 700 + 2e3 + 5e4 + 1e5 + 1e6 + 1e7 + 7e8 + 1e9 + 7e10,
          "exact");
    cnx_description d = {.task = CNX_TASK_DETECTION};
    CHECK(cnx_census_flops(&d, &cost, CNX_COUNT_MMCV) == macs + 1 + 1e5 + 1e9, "SyncBN counted");
}

/* Refused, with a reason. */
static void test_refusals(void)
{
    cnx_error err = {0};
    cnx_model_file file = {0};
    cnx_census c = {0};
    CHECK(cnx_model_file_random(&file, NULL, small_sets, SMALL_SETS, 1, &err) == CNX_OK, "%s",
          err.message);
    CHECK(cnx_census_take(&c, &file, 31, 512, NULL, &err) == CNX_ERR_ARGUMENT, "31 rows");
    CHECK(strstr(err.message, "31 x 512") != NULL, "%s", err.message);
    CHECK(c.rows == NULL && c.count == 0, "left open");
    cnx_model_file_close(&file);
    CHECK(cnx_model_file_random(&file, "ade20k", NULL, 0, 1, &err) == CNX_ERR_ARGUMENT, "%s",
          "a list of classes is no model");
    CHECK(strstr(err.message, "backbone.depths") != NULL, "%s", err.message);
}

int main(void)
{
    test_segmentation();
    test_classification();
    test_detection();
    test_catalogue();
    test_sums("backbone.version=1", "ref", CNX_WEIGHTS_F32);
    test_sums("backbone.version=2", "auto", CNX_WEIGHTS_F32);
    test_sums("backbone.version=1", "ref", CNX_WEIGHTS_BF16);
    test_detector_weights();
    test_conventions();
    test_refusals();
    return CHECK_RESULT;
}
