#include "tools/option_value.h"

#include <errno.h>
#include <float.h>
#include <limits.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/words.h"

/* A whole number that fills [text, text + length). */
static bool parse_whole(const char *text, size_t length, int *out)
{
    long value = 0;
    if (length == 0 || length > 10)
        return false;
    for (size_t i = 0; i < length; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        value = 10 * value + (text[i] - '0');
    }
    if (value > INT_MAX)
        return false;
    *out = (int)value;
    return true;
}

/* A decimal number that fills [text, text + length): no hexadecimal, no "inf", no blanks. */
static bool parse_decimal(const char *text, size_t length, double *out)
{
    char copy[64];
    if (length == 0 || length >= sizeof copy || strspn(text, "0123456789.eE+-") < length)
        return false;
    memcpy(copy, text, length);
    copy[length] = '\0';
    char *end;
    *out = strtod(copy, &end);
    return *end == '\0' && isfinite(*out);
}

static cnx_status parse_int(const cnx_option *option, const char *text, cnx_int_arg *out,
                            cnx_error *err)
{
    const bool may_be_auto = option->kind == CNX_OPT_INT_OR_AUTO;
    int value = 0;
    CNX_FAIL_IF(!(may_be_auto && strcmp(text, "auto") == 0) &&
                    (!parse_whole(text, strlen(text), &value) || value < option->min ||
                     value > option->max),
                CNX_ERR_ARGUMENT, "\"%s\" is not a whole number from %.0f to %.0f%s", text,
                option->min, option->max, may_be_auto ? ", or the word auto" : "");
    out->value = value;
    return CNX_OK;
}

static cnx_status parse_real(const cnx_option *option, const char *text, cnx_real_arg *out,
                             cnx_error *err)
{
    double value;
    CNX_FAIL_IF(
        !parse_decimal(text, strlen(text), &value) || value < option->min || value > option->max,
        CNX_ERR_ARGUMENT, "\"%s\" is not a number from %g to %g", text, option->min, option->max);
    out->value = value;
    return CNX_OK;
}

static cnx_status parse_reals(const cnx_option *option, const char *text, cnx_reals_arg *out,
                              cnx_error *err)
{
    out->count = 0;
    for (const char *item = text;;) {
        const size_t length = strcspn(item, ",");
        double value;
        CNX_FAIL_IF(!parse_decimal(item, length, &value) || value < option->min ||
                        value > option->max,
                    CNX_ERR_ARGUMENT, "\"%.*s\" in \"%s\" is not a number from %g to %g",
                    (int)(length < 64 ? length : 64), item, text, option->min, option->max);
        CNX_FAIL_IF(out->count == CNX_MAX_REALS, CNX_ERR_ARGUMENT,
                    "more than %d numbers in the list", CNX_MAX_REALS);
        out->values[out->count++] = value;
        if (!item[length])
            return CNX_OK;
        item += length + 1;
    }
}

/* The power of 1024 of a suffix ("", "K", "MB", "GiB" ...), -1 when there is no such one. */
static int byte_suffix(const char *suffix)
{
    static const char letters[] = "kmgt";
    if (!*suffix || strcmp(suffix, "B") == 0)
        return 0;
    const char lower = (char)(suffix[0] | 0x20);
    const char *found = lower ? strchr(letters, lower) : NULL;
    const bool known = !suffix[1] || strcmp(suffix + 1, "B") == 0 || strcmp(suffix + 1, "iB") == 0;
    return found && *found && known ? (int)(found - letters) + 1 : -1;
}

static cnx_status parse_bytes(const char *text, cnx_bytes_arg *out, cnx_error *err)
{
    const size_t digits = strspn(text, "0123456789.");
    const int power = byte_suffix(text + digits);
    double value;
    CNX_FAIL_IF(!parse_decimal(text, digits, &value) || power < 0, CNX_ERR_ARGUMENT,
                "\"%s\" is not a size in bytes (such as 512M, 1.5G or 800000000)", text);
    value = floor(ldexp(value, 10 * power));
    CNX_FAIL_IF(value < 1 || value >= (double)(SIZE_MAX / 2), CNX_ERR_ARGUMENT,
                "\"%s\" is %s any memory", text, value < 1 ? "less than" : "more than");
    out->value = (size_t)value;
    return CNX_OK;
}

static cnx_status parse_size(const cnx_option *option, const char *text, cnx_size_arg *out,
                             cnx_error *err)
{
    const bool may_be_none = option->kind == CNX_OPT_SIZE_OR_NONE;
    out->none = may_be_none && strcmp(text, "none") == 0;
    if (out->none)
        return CNX_OK;
    const size_t before = strcspn(text, "xX");
    const char *second = text[before] ? text + before + 1 : text + before;
    int a = 0, b = 0;
    const bool sound = parse_whole(text, before, &a) && parse_whole(second, strlen(second), &b);
    CNX_FAIL_IF(!sound || a < option->min || a > option->max || b < option->min || b > option->max,
                CNX_ERR_ARGUMENT, "\"%s\" is not %s: two whole numbers from %.0f to %.0f%s", text,
                option->value, option->min, option->max,
                may_be_none ? " with an x between, or the word none" : " with an x between");
    out->first = a;
    out->second = b;
    return CNX_OK;
}

/* Which of the choices [text, text + length) is. */
static cnx_status find_choice(const cnx_option *option, const char *text, size_t length, int *index,
                              cnx_error *err)
{
    size_t count = 0;
    char list[512] = "";
    for (; option->choices[count]; count++) {
        const char *choice = option->choices[count];
        if (strlen(choice) == length && memcmp(choice, text, length) == 0) {
            *index = (int)count;
            return CNX_OK;
        }
        const size_t used = strlen(list);
        snprintf(list + used, sizeof list - used, "%s%s", count ? ", " : "", choice);
    }
    char word[65];
    snprintf(word, sizeof word, "%.*s", (int)(length < 64 ? length : 64), text);
    const char *nearest = cnx_words_nearest(word, option->choices, count);
    return cnx_fail(err, CNX_ERR_ARGUMENT, "\"%s\" is not one of %s%s%s%s", word, list,
                    nearest ? "; did you mean \"" : "", nearest ? nearest : "",
                    nearest ? "\"?" : "");
}

/* Numbers replace those of an earlier flag; so does a choice. */
static cnx_status parse_weights(const cnx_option *option, const char *text, cnx_weights_arg *out,
                                cnx_error *err)
{
    int count = 0;
    for (const char *item = text;;) {
        const size_t length = strcspn(item, ",");
        double value;
        if (parse_decimal(item, length, &value)) {
            CNX_FAIL_IF(value < option->min || value > option->max, CNX_ERR_ARGUMENT,
                        "%g in \"%s\" is not from %g to %g", value, text, option->min, option->max);
            CNX_FAIL_IF(count == CNX_MAX_SHARES, CNX_ERR_ARGUMENT,
                        "more than %d numbers in the list", CNX_MAX_SHARES);
            out->shares[count++] = value;
            out->count = count;
        } else {
            CNX_TRY(find_choice(option, item, length, &out->value, err));
        }
        if (!item[length])
            return CNX_OK;
        item += length + 1;
    }
}

static cnx_status parse_set(const cnx_option *option, const char *text, cnx_set_arg *out,
                            cnx_error *err)
{
    for (const char *item = text;;) {
        const size_t length = strcspn(item, ",");
        int index;
        CNX_TRY(find_choice(option, item, length, &index, err));
        out->bits |= 1u << index;
        if (!item[length])
            return CNX_OK;
        item += length + 1;
    }
}

static cnx_status add_text(const char *text, cnx_texts_arg *out, cnx_error *err)
{
    const char **items = realloc(out->items, (out->count + 1) * sizeof *items);
    CNX_FAIL_IF(!items, CNX_ERR_MEMORY, "not enough memory for the command line");
    out->items = items;
    items[out->count++] = text;
    return CNX_OK;
}

cnx_status cnx_option_value(const cnx_option *option, const char *text, void *target,
                            cnx_error *err)
{
    switch (option->kind) {
    case CNX_OPT_END:
    case CNX_OPT_GROUP:
    case CNX_OPT_FLAG:
        break;
    case CNX_OPT_TEXT:
        CNX_FAIL_IF(!*text, CNX_ERR_ARGUMENT, "an empty value");
        ((cnx_text_arg *)target)->value = text;
        return CNX_OK;
    case CNX_OPT_TEXTS:
        return add_text(text, target, err);
    case CNX_OPT_INT:
    case CNX_OPT_INT_OR_AUTO:
        return parse_int(option, text, target, err);
    case CNX_OPT_REAL:
        return parse_real(option, text, target, err);
    case CNX_OPT_REALS:
        return parse_reals(option, text, target, err);
    case CNX_OPT_BYTES:
        return parse_bytes(text, target, err);
    case CNX_OPT_SIZE:
    case CNX_OPT_SIZE_OR_NONE:
        return parse_size(option, text, target, err);
    case CNX_OPT_CHOICE:
        return find_choice(option, text, strlen(text), &((cnx_int_arg *)target)->value, err);
    case CNX_OPT_WEIGHTS:
        return parse_weights(option, text, target, err);
    case CNX_OPT_SET:
        return parse_set(option, text, target, err);
    }
    return cnx_fail(err, CNX_ERR_INTERNAL, "a flag without a value was given one");
}
