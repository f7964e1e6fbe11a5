/* The report of cnx info for people. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/console.h"
#include "tools/info.h"
#include "tools/segment_args.h"
#include "tools/view_args.h"
#include "tools/words.h"

enum { LISTED = 10, CLASSES_SHOWN = 8 };

const char *cnx_container_name(cnx_container container)
{
    switch (container) {
    case CNX_TORCH_ZIP:
        return "torch zip";
    case CNX_TORCH_LEGACY:
        return "torch legacy";
    case CNX_SAFETENSORS:
        return "safetensors";
    }
    return "unknown";
}

const char *cnx_key_state_name(cnx_key_state state)
{
    switch (state) {
    case CNX_KEY_UNUSED:
        return "unused";
    case CNX_KEY_IGNORED:
        return "ignored";
    case CNX_KEY_MATCHED:
        return "matched";
    case CNX_KEY_MISSING:
        return "missing";
    case CNX_KEY_WRONG_SHAPE:
        return "wrong shape";
    case CNX_KEY_WRONG_DTYPE:
        return "wrong dtype";
    }
    return "unknown";
}

void cnx_info_count_dtypes(const cnx_info_report *info, size_t counts[CNX_INFO_DTYPES])
{
    memset(counts, 0, CNX_INFO_DTYPES * sizeof *counts);
    for (size_t i = 0; i < cnx_checkpoint_count(info->checkpoint); i++)
        counts[cnx_checkpoint_tensor(info->checkpoint, i)->dtype]++;
}

void cnx_info_count_states(const cnx_info_report *info, size_t counts[CNX_INFO_STATES])
{
    memset(counts, 0, CNX_INFO_STATES * sizeof *counts);
    for (size_t i = 0; i < cnx_weights_key_count(info->weights); i++)
        counts[cnx_weights_key(info->weights, i)->state]++;
}

cnx_shape_text cnx_shape_words(int rank, const int64_t *shape)
{
    cnx_shape_text words = {"scalar"};
    size_t used = 0;
    for (int i = 0; i < rank && used < sizeof words.text; i++)
        used += (size_t)snprintf(words.text + used, sizeof words.text - used, "%s%lld",
                                 i ? "x" : "", (long long)shape[i]);
    return words;
}

/* Names come from the file: nothing in them may steer the terminal. */
static void print_text(const char *text)
{
    char *copy = cnx_words_shown(text);
    fputs(copy ? copy : "?", stdout);
    free(copy);
}

static void print_label(const char *label)
{
    printf("%-12s", label);
}

static void print_file(const cnx_info_report *info)
{
    const char *section = cnx_checkpoint_section(info->checkpoint);
    print_label("file");
    print_text(cnx_checkpoint_name(info->checkpoint));
    printf(" (%s bytes)\n", cnx_words_count(info->bytes).text);
    print_label("sha256");
    printf("%s\n", info->sha256);
    print_label("container");
    printf("%s", cnx_container_name(cnx_checkpoint_container(info->checkpoint)));
    if (*section) {
        printf(", tensors under \"");
        print_text(section);
        putchar('"');
    }
    printf(", %s names\n", cnx_dialect_name(cnx_weights_dialect(info->weights)));

    size_t counts[CNX_INFO_DTYPES];
    cnx_info_count_dtypes(info, counts);
    print_label("tensors");
    printf("%zu", cnx_checkpoint_count(info->checkpoint));
    const char *separator = ": ";
    for (int i = 0; i < CNX_INFO_DTYPES; i++) {
        if (!counts[i])
            continue;
        printf("%s%zu %s", separator, counts[i], cnx_dtype_name((cnx_dtype)i));
        separator = ", ";
    }
    putchar('\n');
}

static void print_numbers(const int *values, int count)
{
    for (int i = 0; i < count; i++)
        printf("%s%d", i ? " " : "", values[i]);
}

static void print_classes(const cnx_description *d, bool all)
{
    print_label("classes");
    printf("%d (", d->class_count);
    print_text(d->classes_from);
    printf(")");
    for (int i = 0; i < d->class_count && !all; i++) {
        if (i == CLASSES_SHOWN && d->class_count > CLASSES_SHOWN + 1) {
            printf(" ... (--classes lists them)");
            break;
        }
        printf("%s", i ? ", " : ": ");
        print_text(d->class_names[i]);
    }
    putchar('\n');
    for (int i = 0; i < d->class_count && all; i++) {
        const uint8_t *rgb = d->palette + 3 * (size_t)i;
        printf("  %5d  #%02x%02x%02x  ", i, rgb[0], rgb[1], rgb[2]);
        print_text(d->class_names[i]);
        putchar('\n');
    }
}

static void print_pipeline(const cnx_description *d)
{
    const cnx_pipeline *p = &d->pipeline;
    char text[1024];
    if (d->task == CNX_TASK_CLASSIFICATION)
        cnx_view_describe(p, text, sizeof text);
    else
        cnx_pipeline_describe(p, text, sizeof text);
    print_label("pipeline");
    if (*d->published) {
        print_text(d->published);
        printf(": ");
    }
    printf("%s\n", text);
    print_label("normalise");
    printf("mean %g %g %g, std %g %g %g (RGB)", p->mean[0], p->mean[1], p->mean[2], p->std[0],
           p->std[1], p->std[2]);
    if (p->pad_divisor > 1)
        printf(", padded to a multiple of %d", p->pad_divisor);
    putchar('\n');
}

static void print_detector(const cnx_description *d)
{
    const cnx_detector_desc *t = &d->detector;
    print_label("head");
    if (t->cascade)
        printf("Cascade Mask R-CNN, %d stages", t->stages);
    else
        printf("Mask R-CNN");
    printf(", pyramid of %d channels, %d anchors a place\n", t->channels, t->anchors);
    print_label("box heads");
    printf("%d convolutions of %d channels, %d fully connected of %d, boxes %s\n", t->box_convs,
           t->box_conv_channels, t->box_fcs, t->box_fc_channels,
           t->class_specific || t->classes == 1 ? "of each class" : "of no class");
    print_label("mask heads");
    printf("%d convolutions of %d channels, masks %s\n", t->mask_convs, t->mask_channels,
           t->mask_classes > 1 || t->classes == 1 ? "of each class" : "of no class");
    print_label("proposals");
    printf("%d of the best %d a level, NMS %g\n", t->rpn.max_per_img, t->rpn.nms_pre,
           (double)t->rpn.nms_iou);
    print_label("detections");
    printf("at most %d, score above %g, NMS %g, mask from %g\n", t->rcnn.max_per_img,
           (double)t->rcnn.score_thr, (double)t->rcnn.nms_iou, (double)t->rcnn.mask_thr);
}

/* What few networks have of their own. */
static void print_relatives(const cnx_convnext_desc *d)
{
    static const char *const acts[] = {"", ", GELU in its tanh form", ", SiLU"};
    if (d->isotropic)
        printf(", one stage at stride 16");
    if (d->unscaled)
        printf(", no layer scale");
    if (d->dwconv[0] || d->dwconv[1] || d->dwconv[2] || d->dwconv[3]) {
        printf(", depthwise filters");
        for (int i = 0; i < CNX_STAGES; i++)
            printf(" %d", d->dwconv[i] ? d->dwconv[i] : 7);
    }
    printf("%s", acts[d->act]);
    if (d->eps > 0)
        printf(", LayerNorm's eps %g", (double)d->eps);
}

static void print_model(const cnx_info_report *info)
{
    const cnx_description *d = &info->file->description;
    const char *variant = cnx_convnext_variant(&d->backbone);
    print_label("model");
    print_text(d->name);
    printf(", %s\n", cnx_task_name(d->task));
    print_label("backbone");
    printf("ConvNeXt%s %s, depths ", d->backbone.version == 2 ? " V2" : "",
           variant ? variant : "(no named variant)");
    print_numbers(d->backbone.depths, cnx_convnext_stages(&d->backbone));
    printf(", widths ");
    print_numbers(d->backbone.dims, cnx_convnext_stages(&d->backbone));
    print_relatives(&d->backbone);
    putchar('\n');
    if (d->task == CNX_TASK_SEGMENTATION) {
        print_label("head");
        printf("UperNet, %d channels, pool scales ", d->upernet.channels);
        print_numbers(d->upernet.pool_scales, d->upernet.pools);
        putchar('\n');
    }
    if (d->task == CNX_TASK_DETECTION)
        print_detector(d);
    size_t all, needed;
    cnx_model_file_parameters(info->file, &all, &needed);
    print_label("parameters");
    printf("%s", cnx_words_count(all).text);
    if (all != needed)
        printf(" (%s without the auxiliary head, which is not run)", cnx_words_count(needed).text);
    putchar('\n');
    if (d->class_count > 0 && d->class_names && d->palette)
        print_classes(d, info->classes);
    print_pipeline(d);
}

/* One line about a key that is not simply matched. */
static void print_key(const cnx_key *key)
{
    printf("  %-12s ", cnx_key_state_name(key->state));
    print_text(key->tensor ? key->tensor->name : key->canonical);
    if (key->state == CNX_KEY_MISSING)
        printf(" (%s)", cnx_shape_words(key->rank, key->shape).text);
    else if (key->state == CNX_KEY_WRONG_SHAPE)
        printf(" (found %s, expected %s)",
               cnx_shape_words(key->tensor->rank, key->tensor->shape).text,
               cnx_shape_words(key->rank, key->shape).text);
    else if (key->tensor)
        printf(" (%s)", cnx_dtype_name(key->tensor->dtype));
    putchar('\n');
}

static void print_keys(const cnx_info_report *info)
{
    static const cnx_key_state told[] = {CNX_KEY_MISSING, CNX_KEY_WRONG_SHAPE, CNX_KEY_WRONG_DTYPE,
                                         CNX_KEY_UNUSED};
    size_t counts[CNX_INFO_STATES];
    cnx_info_count_states(info, counts);
    print_label("keys");
    printf("%zu matched, %zu missing, %zu wrong shape, %zu wrong dtype, %zu unused, %zu ignored\n",
           counts[CNX_KEY_MATCHED], counts[CNX_KEY_MISSING], counts[CNX_KEY_WRONG_SHAPE],
           counts[CNX_KEY_WRONG_DTYPE], counts[CNX_KEY_UNUSED], counts[CNX_KEY_IGNORED]);
    for (size_t t = 0; t < sizeof told / sizeof *told; t++) {
        size_t listed = 0;
        for (size_t i = 0; i < cnx_weights_key_count(info->weights) && listed < LISTED; i++) {
            const cnx_key *key = cnx_weights_key(info->weights, i);
            if (key->state != told[t])
                continue;
            print_key(key);
            listed++;
        }
        if (counts[told[t]] > listed)
            printf("  ... and %zu more (--tensors lists all)\n", counts[told[t]] - listed);
    }
}

static void print_tensors(const cnx_info_report *info)
{
    for (size_t i = 0; i < cnx_weights_key_count(info->weights); i++) {
        const cnx_key *key = cnx_weights_key(info->weights, i);
        const cnx_tensor_info *t = key->tensor;
        const cnx_shape_text shape =
            t ? cnx_shape_words(t->rank, t->shape) : cnx_shape_words(key->rank, key->shape);
        printf("%-12s %-9s %-16s ", cnx_key_state_name(key->state),
               t ? cnx_dtype_name(t->dtype) : "-", shape.text);
        print_text(t ? t->name : key->canonical);
        if (t && key->canonical && strcmp(t->name, key->canonical) != 0) {
            printf(" = ");
            print_text(key->canonical);
        }
        putchar('\n');
    }
}

cnx_status cnx_info_text(const cnx_info_report *info, cnx_error *err)
{
    print_file(info);
    if (info->file)
        print_model(info);
    if (info->file)
        print_keys(info);
    if (info->tensors) {
        putchar('\n');
        print_tensors(info);
    }
    return cnx_console_flush(err);
}
