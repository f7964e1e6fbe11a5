/*
 * The table of names, a column for each dialect.  In a pattern
 *
 *   {i} {j} {k}  are numbers: stage, block, index;  {d} is a stage from 1 on
 *   {2i+1} ...   is a number from which {i} follows
 *   {r}          is the last part of a name: "weight", "running_mean"
 *   {x}          is one part or more
 *   ~            is "." or, in timm's flattened names, "_"
 */
#include "core/checkpoint/keymap.h"

#include <stdio.h>
#include <string.h>

#define DIALECTS 5
#define SAME     "=" /* as in the first column */

typedef struct rule {
    const char *canonical;
    const char *spelled[DIALECTS]; /* in the order of cnx_dialect; NULL: unknown there */
} rule;

/* Behind the backbone's prefix. */
static const rule backbone_rules[] = {
    {"downsample_layers.0.0.{r}",
     {SAME, SAME, "embeddings.patch_embeddings.{r}", "stem~0.{r}", "features.0.0.{r}"}},
    {"downsample_layers.0.1.{r}",
     {SAME, SAME, "embeddings.layernorm.{r}", "stem~1.{r}", "features.0.1.{r}"}},
    {"downsample_layers.{d}.{k}.{r}",
     {SAME, SAME, "encoder.stages.{d}.downsampling_layer.{k}.{r}", "stages~{d}.downsample.{k}.{r}",
      "features.{2d}.{k}.{r}"}},
    {"stages.{i}.{j}.dwconv.{r}",
     {SAME, "stages.{i}.{j}.depthwise_conv.{r}", "encoder.stages.{i}.layers.{j}.dwconv.{r}",
      "stages~{i}.blocks.{j}.conv_dw.{r}", "features.{2i+1}.{j}.block.0.{r}"}},
    {"stages.{i}.{j}.norm.{r}",
     {SAME, SAME, "encoder.stages.{i}.layers.{j}.layernorm.{r}", "stages~{i}.blocks.{j}.norm.{r}",
      "features.{2i+1}.{j}.block.2.{r}"}},
    {"stages.{i}.{j}.pwconv1.{r}",
     {SAME, "stages.{i}.{j}.pointwise_conv1.{r}", "encoder.stages.{i}.layers.{j}.pwconv1.{r}",
      "stages~{i}.blocks.{j}.mlp.fc1.{r}", "features.{2i+1}.{j}.block.3.{r}"}},
    {"stages.{i}.{j}.pwconv2.{r}",
     {SAME, "stages.{i}.{j}.pointwise_conv2.{r}", "encoder.stages.{i}.layers.{j}.pwconv2.{r}",
      "stages~{i}.blocks.{j}.mlp.fc2.{r}", "features.{2i+1}.{j}.block.5.{r}"}},
    {"stages.{i}.{j}.gamma",
     {SAME, SAME, "encoder.stages.{i}.layers.{j}.layer_scale_parameter",
      "stages~{i}.blocks.{j}.gamma", "features.{2i+1}.{j}.layer_scale"}},
    {"stages.{i}.{j}.grn.gamma",
     {SAME, SAME, "encoder.stages.{i}.layers.{j}.grn.weight",
      "stages~{i}.blocks.{j}.mlp.grn.weight", NULL}},
    {"stages.{i}.{j}.grn.beta",
     {SAME, SAME, "encoder.stages.{i}.layers.{j}.grn.bias", "stages~{i}.blocks.{j}.mlp.grn.bias",
      NULL}},
    {"norm{i}.{r}", {SAME, SAME, "hidden_states_norms.stage{i+1}.{r}", NULL, NULL}},
    /* as an early conversion of UperNet by Hugging Face has it */
    {"norm{i}.{r}", {NULL, NULL, "hidden_states_norms.{i}.{r}", NULL, NULL}},
    {"norm.{r}", {SAME, NULL, "layernorm.{r}", "head.norm.{r}", "classifier.0.{r}"}},
    /* isotropic networks, of the official release alone */
    {"stem.{r}", {SAME, NULL, NULL, NULL, NULL}},
    {"blocks.{j}.dwconv.{r}", {SAME, NULL, NULL, NULL, NULL}},
    {"blocks.{j}.norm.{r}", {SAME, NULL, NULL, NULL, NULL}},
    {"blocks.{j}.pwconv1.{r}", {SAME, NULL, NULL, NULL, NULL}},
    {"blocks.{j}.pwconv2.{r}", {SAME, NULL, NULL, NULL, NULL}},
    {"blocks.{j}.gamma", {SAME, NULL, NULL, NULL, NULL}},
};

/* mmpretrain's classifiers say norm3 for the norm of the pooled vector; in a dense model of mmseg
 * the same name is the output norm of stage 3.  The form of the file decides. */
static const rule classifier_norm = {"norm.{r}", {NULL, "norm3.{r}", NULL, NULL, NULL}};

/* Whole names. */
static const rule head_rules[] = {
    {"head.{r}", {SAME, "head.fc.{r}", "classifier.{r}", "head.fc.{r}", "classifier.2.{r}"}},
    {"decode_head.conv_seg.{r}", {SAME, SAME, "decode_head.classifier.{r}", NULL, NULL}},
    {"decode_head.{x}.bn.{r}", {SAME, SAME, "decode_head.{x}.batch_norm.{r}", NULL, NULL}},
    {"decode_head.{x}", {SAME, SAME, SAME, SAME, SAME}},
    {"auxiliary_head.conv_seg.{r}", {SAME, SAME, "auxiliary_head.classifier.{r}", NULL, NULL}},
    {"auxiliary_head.{x}.bn.{r}", {SAME, SAME, "auxiliary_head.{x}.batch_norm.{r}", NULL, NULL}},
    {"auxiliary_head.{x}", {SAME, SAME, SAME, SAME, SAME}},
    {"neck.{x}", {SAME, SAME, SAME, SAME, SAME}},
    {"rpn_head.{x}", {SAME, SAME, SAME, SAME, SAME}},
    {"roi_head.{x}", {SAME, SAME, SAME, SAME, SAME}},
};

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/* Prefixes of the backbone's names; the longer of two that fit stands first. */
typedef struct prefix_rule {
    const char *spelled, *canonical;
    bool huggingface_only;
} prefix_rule;

static const prefix_rule prefixes[] = {
    {"backbone.convnextv2.", "backbone.", true},
    {"backbone.convnext.", "backbone.", true},
    {"backbone.", "backbone.", false},
    {"convnextv2.", "", true},
    {"convnext.", "", true},
    {"", "", false},
};

/* What the fields of a pattern stand for in one name. */
typedef struct captures {
    int number[3]; /* i (or d), j, k */
    const char *rest, *part;
    size_t rest_length, part_length; /* {r}, {x} */
} captures;

/* A field between braces: {r}, {x}, or a number with its factor and addend. */
typedef struct field {
    char letter;
    int factor, addend;
    const char *end; /* behind the closing brace */
} field;

static field parse_field(const char *pattern) /* pattern[0] is '{' */
{
    field f = {.factor = 1};
    const char *p = pattern + 1;
    if (*p == '2') {
        f.factor = 2;
        p++;
    }
    f.letter = *p++;
    if (*p == '+') {
        f.addend = p[1] - '0';
        p += 2;
    }
    f.end = p + 1;
    return f;
}

static int number_slot(char letter)
{
    return letter == 'j' ? 1 : letter == 'k' ? 2 : 0;
}

/* A number as programs write it: no sign, no leading zero, at most six digits. */
static const char *match_number(const field *f, const char *text, captures *c)
{
    int value = 0, digits = 0;
    while (text[digits] >= '0' && text[digits] <= '9' && digits < 7)
        value = value * 10 + (text[digits++] - '0');
    if (digits == 0 || digits == 7 || (text[0] == '0' && digits > 1))
        return NULL;
    value -= f->addend;
    if (value < 0 || value % f->factor != 0 || (f->letter == 'd' && value == 0))
        return NULL;
    c->number[number_slot(f->letter)] = value / f->factor;
    return text + digits;
}

static bool match(const char *pattern, const char *text, captures *c)
{
    for (; *pattern && *pattern != '{'; pattern++, text++)
        if (*pattern == '~' ? *text != '.' && *text != '_' : *text != *pattern)
            return false;
    if (!*pattern)
        return !*text;
    const field f = parse_field(pattern);
    switch (f.letter) {
    case 'r': /* always the end of a pattern */
        c->rest = text;
        c->rest_length = strlen(text);
        return c->rest_length > 0 && !strchr(text, '.');
    case 'x':
        c->part = text;
        for (c->part_length = 1; text[c->part_length - 1]; c->part_length++)
            if (match(f.end, text + c->part_length, c))
                return true;
        return false;
    default:
        text = match_number(&f, text, c);
        return text && match(f.end, text, c);
    }
}

static char *put(char *out, const char *text, size_t length)
{
    memcpy(out, text, length);
    return out + length;
}

/* The name that a pattern makes of what was captured. */
static void fill(const char *pattern, const captures *c, char *out)
{
    while (*pattern) {
        if (*pattern != '{') {
            *out++ = *pattern == '~' ? '.' : *pattern;
            pattern++;
            continue;
        }
        const field f = parse_field(pattern);
        if (f.letter == 'r')
            out = put(out, c->rest, c->rest_length);
        else if (f.letter == 'x')
            out = put(out, c->part, c->part_length);
        else
            out += sprintf(out, "%d", f.factor * c->number[number_slot(f.letter)] + f.addend);
        pattern = f.end;
    }
    *out = '\0';
}

static const char *spelling(const rule *r, cnx_dialect dialect)
{
    const char *s = r->spelled[dialect];
    return s && strcmp(s, SAME) == 0 ? r->canonical : s;
}

static const rule *match_rules(const rule *rules, size_t count, cnx_dialect dialect,
                               const char *name, captures *c)
{
    for (size_t i = 0; i < count; i++) {
        const char *pattern = spelling(&rules[i], dialect);
        if (pattern && match(pattern, name, c))
            return &rules[i];
    }
    return NULL;
}

static bool starts_with(const char *text, const char *prefix)
{
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* The backbone rule that explains a name, and the prefix behind which it does. */
static const rule *match_backbone(const cnx_keymap *map, const char *name,
                                  const prefix_rule **prefix, captures *c)
{
    for (size_t i = 0; i < COUNT(prefixes); i++) {
        if ((prefixes[i].huggingface_only && map->dialect != CNX_DIALECT_HUGGINGFACE) ||
            !starts_with(name, prefixes[i].spelled))
            continue;
        const char *rest = name + strlen(prefixes[i].spelled);
        const rule *r = NULL;
        if (map->classifier)
            r = match_rules(&classifier_norm, 1, map->dialect, rest, c);
        if (!r)
            r = match_rules(backbone_rules, COUNT(backbone_rules), map->dialect, rest, c);
        if (r) {
            *prefix = &prefixes[i];
            return r;
        }
    }
    return NULL;
}

/* Names of the backbone and of a classifier's last layer: what the dialects differ in. */
static size_t explained(const cnx_keymap *map, const char *const *names, size_t count)
{
    size_t n = 0;
    for (size_t i = 0; i < count; i++) {
        captures c;
        const prefix_rule *prefix;
        n += match_backbone(map, names[i], &prefix, &c) ||
             match_rules(head_rules, 1, map->dialect, names[i], &c);
    }
    return n;
}

static bool any_starts_with(const char *const *names, size_t count, const char *prefix)
{
    for (size_t i = 0; i < count; i++)
        if (starts_with(names[i], prefix))
            return true;
    return false;
}

const char *cnx_dialect_name(cnx_dialect dialect)
{
    static const char *const names[] = {"official", "OpenMMLab 1.x", "Hugging Face", "timm",
                                        "torchvision"};
    return names[dialect];
}

cnx_keymap cnx_keymap_detect(const char *const *names, size_t count)
{
    cnx_keymap best = {.dialect = CNX_DIALECT_OFFICIAL, .prefix = ""};
    size_t most = 0;
    for (int d = 0; d < DIALECTS; d++) {
        const cnx_keymap map = {.dialect = (cnx_dialect)d, .prefix = ""};
        const size_t n = explained(&map, names, count);
        if (n > most) {
            most = n;
            best = map;
        }
    }
    best.classifier = best.dialect == CNX_DIALECT_OPENMMLAB1 &&
                      any_starts_with(names, count, "head.fc.") &&
                      !any_starts_with(names, count, "decode_head.");
    for (size_t i = 0; i < count; i++) {
        captures c;
        const prefix_rule *prefix;
        if (match_backbone(&best, names[i], &prefix, &c)) {
            best.prefix = prefix->spelled;
            break;
        }
    }
    return best;
}

size_t cnx_keymap_room(const char *name)
{
    return strlen(name) + 96; /* more than all literal text of any pattern and prefix */
}

/* The counter that BatchNorm keeps while it is trained. */
static bool is_counter(const char *name)
{
    static const char counter[] = ".num_batches_tracked";
    const size_t n = strlen(name);
    return n >= sizeof counter && strcmp(name + n - (sizeof counter - 1), counter) == 0;
}

/* What no prediction needs, though it belongs to the model. */
static bool is_ignored(const cnx_keymap *map, const char *canonical)
{
    if (is_counter(canonical))
        return true;
    /* An early UperNet of Hugging Face carries the last norm of its classifier along. */
    if (map->dialect == CNX_DIALECT_HUGGINGFACE && starts_with(canonical, "backbone.norm."))
        return true;
    return starts_with(canonical, "auxiliary_head.");
}

cnx_name_kind cnx_keymap_canonical(const cnx_keymap *map, const char *name, char *canonical)
{
    captures c;
    const prefix_rule *prefix;
    const rule *r = match_backbone(map, name, &prefix, &c);
    canonical[0] = '\0';
    if (r) {
        const char *kept = map->classifier ? "" : prefix->canonical;
        fill(r->canonical, &c, put(canonical, kept, strlen(kept)));
    } else {
        r = match_rules(head_rules, COUNT(head_rules), map->dialect, name, &c);
        if (!r)
            return is_counter(name) ? CNX_NAME_IGNORED : CNX_NAME_UNKNOWN;
        fill(r->canonical, &c, canonical);
    }
    return is_ignored(map, canonical) ? CNX_NAME_IGNORED : CNX_NAME_KNOWN;
}

static bool spell(const rule *rules, size_t count, cnx_dialect dialect, const char *canonical,
                  char *name)
{
    for (size_t i = 0; i < count; i++) {
        captures c;
        const char *pattern = spelling(&rules[i], dialect);
        if (pattern && match(rules[i].canonical, canonical, &c)) {
            fill(pattern, &c, name);
            return true;
        }
    }
    return false;
}

bool cnx_keymap_spelling(const cnx_keymap *map, const char *canonical, char *name)
{
    if (spell(head_rules, COUNT(head_rules), map->dialect, canonical, name))
        return true;
    const char *rest = canonical;
    if (starts_with(rest, "backbone."))
        rest += strlen("backbone.");
    char *out = put(name, map->prefix, strlen(map->prefix));
    if (map->classifier && spell(&classifier_norm, 1, map->dialect, rest, out))
        return true;
    return spell(backbone_rules, COUNT(backbone_rules), map->dialect, rest, out);
}
