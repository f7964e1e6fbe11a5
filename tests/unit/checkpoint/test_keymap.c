/* Names of every dialect against the worked examples, and there and back. */
#include "core/checkpoint/keymap.h"
#include "tests/unit/check.h"

typedef struct example {
    cnx_dialect dialect;
    bool classifier;
    const char *name, *canonical;
    cnx_name_kind kind;
} example;

static const example examples[] = {
    /* segmentation: OpenMMLab 1.x and Hugging Face */
    {CNX_DIALECT_OFFICIAL, false, "backbone.stages.2.7.pwconv1.weight",
     "backbone.stages.2.7.pwconv1.weight", CNX_NAME_KNOWN},
    {CNX_DIALECT_OPENMMLAB1, false, "backbone.downsample_layers.0.0.weight",
     "backbone.downsample_layers.0.0.weight", CNX_NAME_KNOWN},
    {CNX_DIALECT_OPENMMLAB1, false, "backbone.stages.2.7.pointwise_conv1.weight",
     "backbone.stages.2.7.pwconv1.weight", CNX_NAME_KNOWN},
    {CNX_DIALECT_OPENMMLAB1, false, "backbone.norm3.weight", "backbone.norm3.weight",
     CNX_NAME_KNOWN},
    {CNX_DIALECT_HUGGINGFACE, false, "backbone.embeddings.patch_embeddings.weight",
     "backbone.downsample_layers.0.0.weight", CNX_NAME_KNOWN},
    {CNX_DIALECT_HUGGINGFACE, false, "backbone.encoder.stages.2.downsampling_layer.0.bias",
     "backbone.downsample_layers.2.0.bias", CNX_NAME_KNOWN},
    {CNX_DIALECT_HUGGINGFACE, false, "backbone.encoder.stages.0.layers.1.layer_scale_parameter",
     "backbone.stages.0.1.gamma", CNX_NAME_KNOWN},
    {CNX_DIALECT_HUGGINGFACE, false, "backbone.hidden_states_norms.stage2.weight",
     "backbone.norm1.weight", CNX_NAME_KNOWN},
    {CNX_DIALECT_HUGGINGFACE, false, "decode_head.psp_modules.3.1.batch_norm.running_var",
     "decode_head.psp_modules.3.1.bn.running_var", CNX_NAME_KNOWN},
    {CNX_DIALECT_HUGGINGFACE, false, "decode_head.classifier.bias", "decode_head.conv_seg.bias",
     CNX_NAME_KNOWN},
    {CNX_DIALECT_HUGGINGFACE, false, "auxiliary_head.convs.0.batch_norm.weight",
     "auxiliary_head.convs.0.bn.weight", CNX_NAME_IGNORED},
    {CNX_DIALECT_HUGGINGFACE, false, "auxiliary_head.classifier.bias",
     "auxiliary_head.conv_seg.bias", CNX_NAME_IGNORED},
    {CNX_DIALECT_HUGGINGFACE, false, "decode_head.bottleneck.batch_norm.num_batches_tracked",
     "decode_head.bottleneck.bn.num_batches_tracked", CNX_NAME_IGNORED},
    /* an early Hugging Face UperNet */
    {CNX_DIALECT_HUGGINGFACE, false, "backbone.convnext.encoder.stages.1.layers.0.dwconv.weight",
     "backbone.stages.1.0.dwconv.weight", CNX_NAME_KNOWN},
    {CNX_DIALECT_HUGGINGFACE, false, "backbone.hidden_states_norms.1.weight",
     "backbone.norm1.weight", CNX_NAME_KNOWN},
    {CNX_DIALECT_HUGGINGFACE, false, "backbone.convnext.layernorm.weight", "backbone.norm.weight",
     CNX_NAME_IGNORED},
    /* classification */
    {CNX_DIALECT_OPENMMLAB1, true, "backbone.stages.2.5.depthwise_conv.weight",
     "stages.2.5.dwconv.weight", CNX_NAME_KNOWN},
    {CNX_DIALECT_OPENMMLAB1, true, "backbone.norm3.bias", "norm.bias", CNX_NAME_KNOWN},
    {CNX_DIALECT_OPENMMLAB1, true, "head.fc.weight", "head.weight", CNX_NAME_KNOWN},
    {CNX_DIALECT_TIMM, false, "stem.1.weight", "downsample_layers.0.1.weight", CNX_NAME_KNOWN},
    {CNX_DIALECT_TIMM, false, "stages.3.downsample.1.bias", "downsample_layers.3.1.bias",
     CNX_NAME_KNOWN},
    {CNX_DIALECT_TIMM, false, "stages.2.blocks.5.conv_dw.weight", "stages.2.5.dwconv.weight",
     CNX_NAME_KNOWN},
    {CNX_DIALECT_TIMM, false, "stages.3.blocks.0.mlp.fc2.bias", "stages.3.0.pwconv2.bias",
     CNX_NAME_KNOWN},
    {CNX_DIALECT_TIMM, false, "stages.3.blocks.0.mlp.grn.weight", "stages.3.0.grn.gamma",
     CNX_NAME_KNOWN},
    {CNX_DIALECT_TIMM, false, "head.norm.bias", "norm.bias", CNX_NAME_KNOWN},
    {CNX_DIALECT_TIMM, false, "head.fc.weight", "head.weight", CNX_NAME_KNOWN},
    {CNX_DIALECT_TIMM, false, "stem_0.weight", "downsample_layers.0.0.weight", CNX_NAME_KNOWN},
    {CNX_DIALECT_TIMM, false, "stages_0.blocks.1.norm.bias", "stages.0.1.norm.bias",
     CNX_NAME_KNOWN},
    {CNX_DIALECT_TORCHVISION, false, "features.0.1.weight", "downsample_layers.0.1.weight",
     CNX_NAME_KNOWN},
    {CNX_DIALECT_TORCHVISION, false, "features.6.1.bias", "downsample_layers.3.1.bias",
     CNX_NAME_KNOWN},
    {CNX_DIALECT_TORCHVISION, false, "features.5.5.block.0.weight", "stages.2.5.dwconv.weight",
     CNX_NAME_KNOWN},
    {CNX_DIALECT_TORCHVISION, false, "features.7.0.block.5.bias", "stages.3.0.pwconv2.bias",
     CNX_NAME_KNOWN},
    {CNX_DIALECT_TORCHVISION, false, "features.1.0.layer_scale", "stages.0.0.gamma",
     CNX_NAME_KNOWN},
    {CNX_DIALECT_TORCHVISION, false, "classifier.2.weight", "head.weight", CNX_NAME_KNOWN},
    {CNX_DIALECT_HUGGINGFACE, false, "convnext.encoder.stages.3.downsampling_layer.1.bias",
     "downsample_layers.3.1.bias", CNX_NAME_KNOWN},
    {CNX_DIALECT_HUGGINGFACE, false, "convnextv2.encoder.stages.1.layers.0.grn.weight",
     "stages.1.0.grn.gamma", CNX_NAME_KNOWN},
    {CNX_DIALECT_HUGGINGFACE, false, "convnext.layernorm.bias", "norm.bias", CNX_NAME_KNOWN},
    {CNX_DIALECT_HUGGINGFACE, false, "classifier.weight", "head.weight", CNX_NAME_KNOWN},
    /* what only looks like a name */
    {CNX_DIALECT_TORCHVISION, false, "features.4.layer_scale", "", CNX_NAME_UNKNOWN},
    {CNX_DIALECT_TORCHVISION, false, "features.0.2.weight", "", CNX_NAME_UNKNOWN},
    {CNX_DIALECT_TORCHVISION, false, "features.01.0.block.0.weight", "", CNX_NAME_UNKNOWN},
    {CNX_DIALECT_OFFICIAL, false, "stages.0.99999999999999999999.gamma", "", CNX_NAME_UNKNOWN},
    {CNX_DIALECT_OFFICIAL, false, "stages.0.-1.gamma", "", CNX_NAME_UNKNOWN},
    {CNX_DIALECT_OFFICIAL, false, "stages.0.0.norm.", "", CNX_NAME_UNKNOWN},
    {CNX_DIALECT_OFFICIAL, false, "stages.0.0.norm.weight.more", "", CNX_NAME_UNKNOWN},
    {CNX_DIALECT_OFFICIAL, false, "head.fc.weight", "", CNX_NAME_UNKNOWN},
    {CNX_DIALECT_OFFICIAL, false, "decode_head.", "", CNX_NAME_UNKNOWN},
    {CNX_DIALECT_OFFICIAL, false, "query_head.rpn_conv.weight", "", CNX_NAME_UNKNOWN},
    {CNX_DIALECT_OFFICIAL, false, "memory.bn.num_batches_tracked", "", CNX_NAME_IGNORED},
    {CNX_DIALECT_OFFICIAL, false, "neck.fpn_convs.3.conv.bias", "neck.fpn_convs.3.conv.bias",
     CNX_NAME_KNOWN},
    {CNX_DIALECT_HUGGINGFACE, false, "rpn_head.rpn_cls.weight", "rpn_head.rpn_cls.weight",
     CNX_NAME_KNOWN},
    {CNX_DIALECT_TIMM, false, "roi_head.bbox_head.0.fc_cls.weight",
     "roi_head.bbox_head.0.fc_cls.weight", CNX_NAME_KNOWN},
    {CNX_DIALECT_OPENMMLAB1, false, "roi_head.bbox_head.2.shared_convs.3.bn.running_var",
     "roi_head.bbox_head.2.shared_convs.3.bn.running_var", CNX_NAME_KNOWN},
    {CNX_DIALECT_OFFICIAL, false, "roi_head.bbox_head.0.shared_convs.0.bn.num_batches_tracked",
     "roi_head.bbox_head.0.shared_convs.0.bn.num_batches_tracked", CNX_NAME_IGNORED},
    {CNX_DIALECT_OFFICIAL, false, "", "", CNX_NAME_UNKNOWN},
};

static void test_examples(void)
{
    for (size_t i = 0; i < sizeof examples / sizeof *examples; i++) {
        const example *e = &examples[i];
        const cnx_keymap map = {.dialect = e->dialect, .classifier = e->classifier, .prefix = ""};
        char *canonical = malloc(cnx_keymap_room(e->name));
        const cnx_name_kind kind = cnx_keymap_canonical(&map, e->name, canonical);
        CHECK(kind == e->kind && strcmp(canonical, e->canonical) == 0, "%s %s: %d \"%s\"",
              cnx_dialect_name(e->dialect), e->name, (int)kind, canonical);
        free(canonical);
    }
}

/* ---- there and back ---- */

typedef struct list {
    char names[256][512];
    const char *pointers[256];
    size_t count;
} list;

static void add(list *l, const char *prefix, const char *module, const char *part)
{
    snprintf(l->names[l->count], sizeof l->names[0], "%s%s%s", prefix, module, part);
    l->pointers[l->count] = l->names[l->count];
    l->count++;
}

static void add_both(list *l, const char *prefix, const char *module)
{
    add(l, prefix, module, ".weight");
    add(l, prefix, module, ".bias");
}

static void add_backbone(list *l, const char *prefix, int version)
{
    static const char *const parts[] = {"dwconv", "norm", "pwconv1", "pwconv2"};
    char name[96];
    for (int i = 0; i < 4; i++) {
        for (int k = 0; k < 2; k++) {
            snprintf(name, sizeof name, "downsample_layers.%d.%d", i, k);
            add_both(l, prefix, name);
        }
        for (int part = 0; part < 4; part++) {
            snprintf(name, sizeof name, "stages.%d.%d.%s", i, 10 * i, parts[part]);
            add_both(l, prefix, name);
        }
        snprintf(name, sizeof name, "stages.%d.%d.%s", i, 10 * i,
                 version == 1 ? "gamma" : "grn.gamma");
        add(l, prefix, name, "");
        if (version == 2) {
            snprintf(name, sizeof name, "stages.%d.%d.grn.beta", i, 10 * i);
            add(l, prefix, name, "");
        }
    }
}

static void add_segmentor(list *l)
{
    static const char *const modules[] = {"psp_modules.0.1", "psp_modules.3.1", "bottleneck",
                                          "lateral_convs.2", "fpn_convs.0",     "fpn_bottleneck"};
    static const char *const parts[] = {".conv.weight", ".bn.weight", ".bn.bias",
                                        ".bn.running_mean", ".bn.running_var"};
    char name[96];
    add_backbone(l, "backbone.", 1);
    for (int i = 0; i < 4; i++) {
        snprintf(name, sizeof name, "norm%d", i);
        add_both(l, "backbone.", name);
    }
    for (int m = 0; m < 6; m++)
        for (int p = 0; p < 5; p++)
            add(l, "decode_head.", modules[m], parts[p]);
    add_both(l, "decode_head.", "conv_seg");
}

static void add_classifier(list *l, int version)
{
    add_backbone(l, "", version);
    add_both(l, "", "norm");
    add_both(l, "", "head");
}

/* Spells the official names in a dialect, lets the dialect be told from them, translates back. */
static void round_trip(const list *official, cnx_keymap spell)
{
    static list file;
    file.count = 0;
    for (size_t i = 0; i < official->count; i++) {
        char name[256];
        CHECK(cnx_keymap_spelling(&spell, official->pointers[i], name), "%s in %s",
              official->pointers[i], cnx_dialect_name(spell.dialect));
        add(&file, "", name, "");
    }
    const cnx_keymap map = cnx_keymap_detect(file.pointers, file.count);
    CHECK(map.dialect == spell.dialect && map.classifier == spell.classifier, "%s told as %s",
          cnx_dialect_name(spell.dialect), cnx_dialect_name(map.dialect));
    CHECK(strcmp(map.prefix, spell.prefix) == 0, "prefix \"%s\"", map.prefix);
    for (size_t i = 0; i < official->count; i++) {
        char canonical[256];
        cnx_keymap_canonical(&map, file.pointers[i], canonical);
        CHECK(strcmp(canonical, official->pointers[i]) == 0, "%s: %s -> %s, not %s",
              cnx_dialect_name(map.dialect), file.pointers[i], canonical, official->pointers[i]);
    }
}

static void test_round_trips(void)
{
    static list segmentor, v1, v2;
    add_segmentor(&segmentor);
    add_classifier(&v1, 1);
    add_classifier(&v2, 2);
    round_trip(&segmentor, (cnx_keymap){CNX_DIALECT_OFFICIAL, false, "backbone."});
    round_trip(&segmentor, (cnx_keymap){CNX_DIALECT_OPENMMLAB1, false, "backbone."});
    round_trip(&segmentor, (cnx_keymap){CNX_DIALECT_HUGGINGFACE, false, "backbone."});
    round_trip(&segmentor, (cnx_keymap){CNX_DIALECT_HUGGINGFACE, false, "backbone.convnext."});
    for (int version = 1; version <= 2; version++) {
        const list *l = version == 1 ? &v1 : &v2;
        round_trip(l, (cnx_keymap){CNX_DIALECT_OFFICIAL, false, ""});
        round_trip(l, (cnx_keymap){CNX_DIALECT_OPENMMLAB1, true, "backbone."});
        round_trip(l, (cnx_keymap){CNX_DIALECT_HUGGINGFACE, false, "convnext."});
        round_trip(l, (cnx_keymap){CNX_DIALECT_HUGGINGFACE, false, "convnextv2."});
        round_trip(l, (cnx_keymap){CNX_DIALECT_TIMM, false, ""});
    }
    round_trip(&v1, (cnx_keymap){CNX_DIALECT_TORCHVISION, false, ""});
    char name[256];
    CHECK(!cnx_keymap_spelling(&(cnx_keymap){CNX_DIALECT_TORCHVISION, false, ""},
                               "stages.0.0.grn.gamma", name),
          "torchvision has no GRN, got %s", name);
}

static void test_long_name(void)
{
    enum { LENGTH = 1 << 20 };
    char *name = malloc(LENGTH + 1);
    memset(name, 'x', LENGTH);
    name[LENGTH] = '\0';
    memcpy(name, "decode_head.", 12);
    char *canonical = malloc(cnx_keymap_room(name));
    const cnx_keymap map = cnx_keymap_detect((const char *const[]){name}, 1);
    CHECK(cnx_keymap_canonical(&map, name, canonical) == CNX_NAME_KNOWN &&
              strcmp(name, canonical) == 0,
          "a name of a megabyte");
    free(canonical);
    free(name);
}

int main(void)
{
    test_examples();
    test_round_trips();
    test_long_name();
    return CHECK_RESULT;
}
