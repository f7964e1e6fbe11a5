/*
 * Times a detector with random weights, and what each part of it takes: milliseconds.
 *
 *     detect_time [--variant NAME] [--size WxH] [--threads N] [--runs N] [--kernels NAME]
 *                 [--weights f32|f16|bf16] [--no-masks]
 *
 * The network is Cascade Mask R-CNN for COCO's 80 classes as published.  Its picture is noise of the
 * size given (1333x800), which is left as it is; the score threshold is low, so that random scores
 * leave 1000 proposals and 100 detections, as a crowded picture does with trained weights.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/clock.h"
#include "core/memory.h"
#include "heads/detector.h"

typedef struct settings {
    const char *variant;
    int width, height, runs;
    bool no_masks;
    cnx_model_options options;
} settings;

static void stop(const char *message)
{
    fprintf(stderr, "detect_time: %s\n", message);
    exit(1);
}

static void check(cnx_status status, const cnx_error *err)
{
    if (status != CNX_OK)
        stop(err->message);
}

static settings parse(int argc, char **argv)
{
    static const struct option options[] = {
        {"variant", required_argument, NULL, 'v'}, {"size", required_argument, NULL, 's'},
        {"threads", required_argument, NULL, 't'}, {"runs", required_argument, NULL, 'r'},
        {"kernels", required_argument, NULL, 'k'}, {"weights", required_argument, NULL, 'w'},
        {"no-masks", no_argument, NULL, 'm'},      {NULL, 0, NULL, 0}};
    settings s = {.variant = "tiny", .width = 1333, .height = 800, .runs = 3};
    cnx_error err;
    for (int o; (o = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (o == 'v')
            s.variant = optarg;
        else if (o == 's' && sscanf(optarg, "%dx%d", &s.width, &s.height) != 2)
            stop("--size takes WIDTHxHEIGHT");
        else if (o == 't')
            s.options.threads = atoi(optarg);
        else if (o == 'r')
            s.runs = atoi(optarg);
        else if (o == 'k')
            s.options.kernels = optarg;
        else if (o == 'w')
            check(cnx_weight_type_parse(&s.options.weights, optarg, &err), &err);
        else if (o == 'm')
            s.no_masks = true;
        else if (o == '?')
            exit(2);
    }
    return s;
}

/* The published network of this variant. */
static void open_model(cnx_model_file *file, const char *variant)
{
    cnx_error err;
    cnx_convnext_desc d;
    char depths[64], dims[64];
    if (!cnx_convnext_named(variant, &d))
        stop("--variant takes tiny, small, base, large, xlarge ...");
    snprintf(depths, sizeof depths, "backbone.depths=[%d,%d,%d,%d]", d.depths[0], d.depths[1],
             d.depths[2], d.depths[3]);
    snprintf(dims, sizeof dims, "backbone.dims=[%d,%d,%d,%d]", d.dims[0], d.dims[1], d.dims[2],
             d.dims[3]);
    const char *const sets[] = {depths,
                                dims,
                                "head.type=\"cascade_mask_rcnn\"",
                                "classes=\"coco\"",
                                "pipeline.scale=null",
                                "rcnn.score_thr=0.02"};
    check(cnx_model_file_random(file, NULL, sets, sizeof sets / sizeof *sets, 1, &err), &err);
}

static cnx_image make_noise(int width, int height)
{
    cnx_image image = {0};
    cnx_error err;
    uint32_t state = 1;
    check(cnx_image_alloc(&image, width, height, &err), &err);
    for (size_t i = 0; i < 3 * (size_t)width * (size_t)height; i++) {
        state = state * 1664525u + 1013904223u;
        image.data[i] = (uint8_t)(state >> 24);
    }
    return image;
}

static void run(cnx_detector *det, const cnx_image *image, const settings *s)
{
    cnx_error err;
    cnx_detections found;
    cnx_detect_stats t;
    const cnx_detect_request request = {.image = image, .no_masks = s->no_masks};
    const double start = cnx_now();
    check(cnx_detector_run(det, &request, &found, &t, &err), &err);
    const double all = cnx_now() - start;
    printf("all %.0f, prepare %.0f, backbone %.0f, rpn %.0f, boxes %.0f, masks %.0f, paste %.0f; "
           "%zu proposals, %zu candidates, %zu detections\n",
           1e3 * all, 1e3 * t.prepare, 1e3 * t.backbone, 1e3 * t.rpn, 1e3 * t.boxes, 1e3 * t.masks,
           1e3 * t.paste, t.proposals, t.candidates, t.detections);
    cnx_detections_free(&found);
}

int main(int argc, char **argv)
{
    const settings s = parse(argc, argv);
    cnx_error err;
    cnx_model_file file;
    cnx_detector *det;
    cnx_estimate e;
    open_model(&file, s.variant);
    check(cnx_detector_open(&det, &file, &s.options, &err), &err);
    cnx_image image = make_noise(s.width, s.height);
    const cnx_detect_request request = {.no_masks = s.no_masks};
    check(cnx_detector_estimate(det, s.width, s.height, &request, &e, &err), &err);
    printf("%s, %d x %d, network %d x %d, %s; %.0f GMAC\n", file.description.name, s.width,
           s.height, e.net_w, e.net_h, cnx_detector_kernels(det)->name, e.macs / 1e9);
    cnx_model_file_close(&file);
    for (int i = 0; i < s.runs; i++)
        run(det, &image, &s);
    printf("weights %.0f MiB, feature maps %.0f MiB, picture %.0f MiB; peak memory %.0f MiB\n",
           (double)e.weights_bytes / 1048576, (double)e.arena_bytes / 1048576,
           (double)e.picture_bytes / 1048576, (double)cnx_peak_rss() / 1048576);
    cnx_image_free(&image);
    cnx_detector_close(&det);
    return 0;
}
