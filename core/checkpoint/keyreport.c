#include "core/checkpoint/keyreport.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/checkpoint/keymap.h"

enum { NAMED = 4 }; /* offenders that a message names before it only counts */

cnx_shown_name cnx_show_name(const char *name)
{
    cnx_shown_name shown;
    const int n = snprintf(shown.text, sizeof shown.text, "%s", name);
    if (n >= (int)sizeof shown.text)
        memcpy(shown.text + sizeof shown.text - 4, "...", 4);
    for (char *p = shown.text; *p; p++)
        if ((unsigned char)*p < ' ' || *p == 127)
            *p = '?';
    return shown;
}

void cnx_format_shape(char *out, size_t size, int rank, const int64_t *shape)
{
    size_t n = (size_t)snprintf(out, size, "[");
    for (int i = 0; i < rank && n < size; i++)
        n += (size_t)snprintf(out + n, size - n, i ? ", %lld" : "%lld", (long long)shape[i]);
    if (n < size)
        snprintf(out + n, size - n, "]");
}

/* A message that grows up to its room. */
typedef struct text {
    char data[1600];
    size_t length;
} text;

static void append(text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void append(text *t, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    const int n = vsnprintf(t->data + t->length, sizeof t->data - t->length, fmt, args);
    va_end(args);
    if (n > 0)
        t->length =
            t->length + (size_t)n < sizeof t->data ? t->length + (size_t)n : sizeof t->data - 1;
}

/* The canonical name, and the file's own spelling where that differs. */
static void append_key_name(text *t, const cnx_weights *w, const cnx_key *key)
{
    append(t, "%s", cnx_show_name(key->canonical).text);
    if (key->tensor) {
        if (strcmp(key->tensor->name, key->canonical) != 0)
            append(t, " (%s)", cnx_show_name(key->tensor->name).text);
        return;
    }
    char *spelled = malloc(cnx_keymap_room(key->canonical));
    if (spelled && cnx_weights_spelling(w, key->canonical, spelled) &&
        strcmp(spelled, key->canonical) != 0)
        append(t, " (%s)", cnx_show_name(spelled).text);
    free(spelled);
}

static void append_offender(text *t, const cnx_weights *w, const cnx_key *key)
{
    char want[128], have[128];
    cnx_format_shape(want, sizeof want, key->rank, key->shape);
    append_key_name(t, w, key);
    if (key->state == CNX_KEY_MISSING) {
        append(t, " is missing (expected shape %s)", want);
        return;
    }
    if (key->state == CNX_KEY_WRONG_DTYPE) {
        append(t, " holds %s (expected float32, float64, float16 or bfloat16)",
               cnx_dtype_name(key->tensor->dtype));
        return;
    }
    cnx_format_shape(have, sizeof have, key->tensor->rank, key->tensor->shape);
    append(t, " has shape %s, expected %s", have, want);
}

static bool is_offender(const cnx_key *key)
{
    return key->state == CNX_KEY_MISSING || key->state == CNX_KEY_WRONG_SHAPE ||
           key->state == CNX_KEY_WRONG_DTYPE;
}

/* ---- names that nobody asked for ---- */

/* The top-level parts ("backbone", "decode_head", "stages") that the model's tensors are in. */
typedef struct part_list {
    struct {
        const char *name;
        size_t length;
    } parts[32];
    size_t count;
} part_list;

static size_t part_length(const char *name)
{
    return strcspn(name, ".");
}

static bool has_part(const part_list *list, const char *name)
{
    const size_t n = part_length(name);
    for (size_t i = 0; i < list->count; i++)
        if (list->parts[i].length == n && memcmp(list->parts[i].name, name, n) == 0)
            return true;
    return false;
}

static void add_part(part_list *list, const char *name)
{
    if (list->count == sizeof list->parts / sizeof *list->parts || has_part(list, name))
        return;
    list->parts[list->count].name = name;
    list->parts[list->count++].length = part_length(name);
}

static part_list model_parts(const cnx_weights *w)
{
    part_list list = {.count = 0};
    for (size_t i = 0; i < cnx_weights_key_count(w); i++) {
        const cnx_key *key = cnx_weights_key(w, i);
        if (key->rank == 0) /* nobody asked */
            continue;
        add_part(&list, key->canonical);
        if (key->tensor)
            add_part(&list, key->tensor->name);
    }
    return list;
}

/* Inside the model's own parts a name that has no place means another architecture; anywhere else
 * (an averaged copy, another head) it is none of our business. */
static bool is_left_over(const part_list *own, const cnx_key *key)
{
    return key->state == CNX_KEY_UNUSED &&
           (has_part(own, key->tensor->name) || (key->canonical && has_part(own, key->canonical)));
}

static size_t append_left_over(text *t, const cnx_weights *w)
{
    const part_list own = model_parts(w);
    size_t found = 0;
    for (size_t i = 0; i < cnx_weights_key_count(w); i++) {
        const cnx_key *key = cnx_weights_key(w, i);
        if (!is_left_over(&own, key))
            continue;
        if (found < NAMED)
            append(t, "%s%s", found ? ", " : "", cnx_show_name(key->tensor->name).text);
        found++;
    }
    if (found > NAMED)
        append(t, " and %zu more", found - NAMED);
    return found;
}

cnx_status cnx_check_keys(const cnx_weights *w, cnx_error *err)
{
    text wrong = {.length = 0}, left_over = {.length = 0};
    size_t offenders = 0;
    for (size_t i = 0; i < cnx_weights_key_count(w); i++) {
        const cnx_key *key = cnx_weights_key(w, i);
        if (!is_offender(key))
            continue;
        if (offenders < NAMED) {
            append(&wrong, "%s", offenders ? "; " : "");
            append_offender(&wrong, w, key);
        }
        offenders++;
    }
    if (offenders > NAMED)
        append(&wrong, "; and %zu more", offenders - NAMED);
    const size_t extra = append_left_over(&left_over, w);
    const char *file = cnx_weights_file(w);
    CNX_FAIL_IF(offenders && extra, CNX_ERR_MODEL, "%.200s: %s. Not part of this network: %.300s",
                file, wrong.data, left_over.data);
    CNX_FAIL_IF(offenders, CNX_ERR_MODEL, "%.200s: %s", file, wrong.data);
    CNX_FAIL_IF(extra, CNX_ERR_MODEL,
                "%.200s: %s %s no place in this network: the file holds another architecture", file,
                left_over.data, extra == 1 ? "has" : "have");
    return CNX_OK;
}

/* ---- relatives of ConvNeXt ---- */

static bool starts_with(const char *name, const char *prefix)
{
    return strncmp(name, prefix, strlen(prefix)) == 0;
}

static cnx_status refuse(const cnx_weights *w, const char *name, const char *why, cnx_error *err)
{
    return cnx_fail(err, CNX_ERR_UNSUPPORTED,
                    "%s: %s shows %s: another network than the published ConvNeXt",
                    cnx_weights_file(w), name, why);
}

/* A norm with a weight and no bias. */
static bool is_rms_norm(const cnx_weights *w)
{
    return cnx_weights_find(w, "stages.0.0.norm.weight") &&
           !cnx_weights_find(w, "stages.0.0.norm.bias") &&
           cnx_weights_find(w, "stages.0.0.dwconv.bias");
}

cnx_status cnx_refuse_other_networks(const cnx_weights *w, cnx_error *err)
{
    if (cnx_weights_dialect(w) != CNX_DIALECT_TIMM)
        return CNX_OK;
    for (size_t i = 0; i < cnx_weights_key_count(w); i++) {
        const char *name = cnx_weights_key(w, i)->tensor->name;
        if (starts_with(name, "norm_pre."))
            return refuse(w, name, "a norm before pooling (timm's head_norm_first, _hnf)", err);
        if (starts_with(name, "stem.2.") || starts_with(name, "stem_2."))
            return refuse(w, name, "an overlapping stem (timm's _ols)", err);
    }
    const cnx_tensor_info *stem = cnx_weights_find(w, "downsample_layers.0.0.weight");
    if (stem && stem->rank == 4 && stem->shape[2] == 3 && stem->shape[3] == 3)
        return refuse(w, stem->name, "an overlapping stem of 3x3 convolutions (timm's _ols)", err);
    if (is_rms_norm(w))
        return refuse(w, "stages.0.blocks.0.norm", "an RMS norm (a weight and no bias)", err);
    return CNX_OK;
}
