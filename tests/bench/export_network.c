/*
 * Writes the network of a checkpoint as another runtime's file, so that it can be timed, and its
 * results compared, on the very same weights.
 *
 *     export_network --size 512x512 CHECKPOINT OUT.onnx
 *     export_network --size 512x512 CHECKPOINT OUT.param     (ncnn; weights go into OUT.bin)
 *
 * The input's size is fixed: adaptive pooling and bilinear resizing are exact in ONNX only that way.
 * Layer scale is folded into the projection (every runtime would do that, or lose by not doing it).
 * BatchNorm is left to ONNX Runtime; ncnn's own converter folds it, and so it is folded for ncnn.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "heads/model.h"
#include "network_walk.h"

enum { MIN_SIZE = 32, MAX_SIZE = 16384 };

typedef struct request {
    const char *checkpoint, *path;
    const export_format *format;
    int h, w;
    bool backbone;
    export_pointwise pointwise;
} request;

static cnx_status convert(const request *r, cnx_error *err)
{
    cnx_model_file file = {0};
    export_net net = {.pointwise = r->pointwise, .status = CNX_OK, .err = err};
    cnx_status status = CNX_OK;
    CNX_CHECK(cnx_model_file_open(&file, r->checkpoint, NULL, NULL, 0, false, err));
    net.weights = file.weights;
    CNX_CHECK(r->format->open(&net.graph, err));
    network_walk(r->format, &net, &file.description, r->h, r->w, r->backbone);
    CNX_CHECK(net.status);
    CNX_CHECK(r->format->write(net.graph, r->path, err));
cleanup:
    r->format->close(&net.graph);
    cnx_model_file_close(&file);
    return status;
}

/* ---- command line ---- */

static const char usage_text[] =
    "usage: export_network [options] CHECKPOINT OUT.onnx|OUT.param\n"
    "  --size HxW              the input's size (512x512)\n"
    "  --backbone              the backbone alone, its four maps as outputs\n"
    "  --pointwise conv|matmul how the pointwise layers of a block are written (conv)\n";

static _Noreturn void usage(void)
{
    fputs(usage_text, stderr);
    exit(2);
}

static void parse_size(request *r, const char *text)
{
    int used = 0;
    if (sscanf(text, "%5dx%5d%n", &r->h, &r->w, &used) != 2 || text[used] || r->h < MIN_SIZE ||
        r->w < MIN_SIZE || r->h > MAX_SIZE || r->w > MAX_SIZE) {
        fprintf(stderr, "export_network: --size wants HxW of %d to %d, not %s\n", MIN_SIZE,
                MAX_SIZE, text);
        exit(2);
    }
}

static const export_format *format_of(const char *path)
{
    static const export_format *const formats[] = {&onnx_format, &ncnn_format};
    const char *suffix = strrchr(path, '.');
    for (size_t i = 0; suffix && i < sizeof formats / sizeof *formats; i++)
        if (strcmp(suffix, formats[i]->suffix) == 0)
            return formats[i];
    fprintf(stderr, "export_network: %s: the name must end in .onnx or .param\n", path);
    exit(2);
}

static void parse(request *r, int argc, char **argv)
{
    static const struct option options[] = {{"size", 1, NULL, 's'},
                                            {"backbone", 0, NULL, 'b'},
                                            {"pointwise", 1, NULL, 'p'},
                                            {NULL, 0, NULL, 0}};
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (c == 's')
            parse_size(r, optarg);
        else if (c == 'b')
            r->backbone = true;
        else if (c == 'p' && strcmp(optarg, "conv") == 0)
            r->pointwise = EXPORT_AS_CONV;
        else if (c == 'p' && strcmp(optarg, "matmul") == 0)
            r->pointwise = EXPORT_AS_MATMUL;
        else
            usage();
    }
    if (optind + 2 != argc)
        usage();
    r->checkpoint = argv[optind];
    r->path = argv[optind + 1];
    r->format = format_of(r->path);
}

int main(int argc, char **argv)
{
    request r = {.h = 512, .w = 512, .pointwise = EXPORT_AS_CONV};
    parse(&r, argc, argv);
    cnx_error err;
    if (convert(&r, &err) != CNX_OK) {
        fprintf(stderr, "export_network: %s\n", err.message);
        return 1;
    }
    return 0;
}
