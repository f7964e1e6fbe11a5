/* Detection checkpoints of any shape, in front of a hole in the file: all values are 0. */
#ifndef CNX_TESTS_SYNTHETIC_DETECTOR_H
#define CNX_TESTS_SYNTHETIC_DETECTOR_H

#include "heads/detector_desc.h"
#include "tests/unit/heads/synthetic.h"

/* The backbone, and the names without which a file is left, come from `base`. */
static inline void synthetic_box_head(synthetic_writer *w, const cnx_detector_desc *d,
                                      const char *head)
{
    char name[96];
    int width = d->channels;
    for (int i = 0; i < d->box_convs; i++, width = d->box_conv_channels) {
        snprintf(name, sizeof name, "%s.shared_convs.%d", head, i);
        synthetic_module(w, name, d->box_conv_channels, width, 3);
    }
    for (int i = 0; i < d->box_fcs; i++, width = d->box_fc_channels) {
        const int in = i == 0 ? 49 * width : width;
        synthetic_named(w, 2, (const int[]){d->box_fc_channels, in}, "%s.shared_fcs.%d.weight",
                        head, i);
        synthetic_named(w, 1, &d->box_fc_channels, "%s.shared_fcs.%d.bias", head, i);
    }
    const int classes = d->classes + 1, deltas = d->class_specific ? 4 * d->classes : 4;
    synthetic_named(w, 2, (const int[]){classes, width}, "%s.fc_cls.weight", head);
    synthetic_named(w, 1, &classes, "%s.fc_cls.bias", head);
    synthetic_named(w, 2, (const int[]){deltas, width}, "%s.fc_reg.weight", head);
    synthetic_named(w, 1, &deltas, "%s.fc_reg.bias", head);
}

static inline void synthetic_mask_head(synthetic_writer *w, const cnx_detector_desc *d,
                                       const char *head)
{
    char name[96];
    int width = d->channels;
    for (int i = 0; i < d->mask_convs; i++, width = d->mask_channels) {
        snprintf(name, sizeof name, "%s.convs.%d.conv", head, i);
        synthetic_conv(w, name, d->mask_channels, width, 3);
    }
    synthetic_named(w, 4, (const int[]){width, d->mask_channels, 2, 2}, "%s.upsample.weight", head);
    synthetic_named(w, 1, &d->mask_channels, "%s.upsample.bias", head);
    snprintf(name, sizeof name, "%s.conv_logits", head);
    synthetic_conv(w, name, d->mask_classes, d->mask_channels, 1);
}

static inline void synthetic_detector_heads(synthetic_writer *w, const cnx_detector_desc *d)
{
    char name[96];
    for (int i = 0; i < 4; i++) {
        snprintf(name, sizeof name, "neck.lateral_convs.%d.conv", i);
        synthetic_conv(w, name, d->channels, w->model->dims[i], 1);
        snprintf(name, sizeof name, "neck.fpn_convs.%d.conv", i);
        synthetic_conv(w, name, d->channels, d->channels, 3);
    }
    synthetic_conv(w, "rpn_head.rpn_conv", d->rpn_channels, d->channels, 3);
    synthetic_conv(w, "rpn_head.rpn_cls", d->anchors, d->rpn_channels, 1);
    synthetic_conv(w, "rpn_head.rpn_reg", 4 * d->anchors, d->rpn_channels, 1);
    for (int s = 0; s < d->stages; s++) {
        char head[64], stage[16] = "";
        if (d->cascade)
            snprintf(stage, sizeof stage, ".%d", s);
        snprintf(head, sizeof head, "roi_head.bbox_head%s", stage);
        synthetic_box_head(w, d, head);
        snprintf(head, sizeof head, "roi_head.mask_head%s", stage);
        synthetic_mask_head(w, d, head);
    }
}

static inline void synthetic_detector_write(const char *path, const synthetic *base,
                                            const cnx_detector_desc *d)
{
    char *header;
    size_t length;
    synthetic_writer w = {.model = base, .header = open_memstream(&header, &length)};
    fprintf(w.header, "{\"__metadata__\":%s", base->metadata ? base->metadata : "{}");
    synthetic_backbone(&w);
    synthetic_detector_heads(&w, d);
    if (base->extra)
        synthetic_tensor(&w, base->extra, 1, (const int[]){1});
    fprintf(w.header, "}");
    fclose(w.header);
    FILE *file = fopen(path, "wb");
    const uint64_t size = length;
    bool ok = file && fwrite(&size, 8, 1, file) == 1 && fwrite(header, length, 1, file) == 1 &&
              fflush(file) == 0 && ftruncate(fileno(file), (off_t)(8 + length + w.offset)) == 0;
    ok = file && fclose(file) == 0 && ok;
    free(header);
    CHECK(ok, "%s cannot be written", path);
}

#endif
