#include "datasets/imagenet_labels.h"

#include <stdlib.h>
#include <string.h>

#include "datasets/imagenet_classes.h"

#define BETWEEN " \t,;\r"

/* One field of a line. */
typedef struct field {
    const char *text;
    size_t length;
} field;

/* The next field of [*at, end); empty at the end. */
static field next_field(const char **at, const char *end)
{
    while (*at < end && **at && strchr(BETWEEN, **at))
        (*at)++;
    field f = {.text = *at};
    while (*at < end && !(**at && strchr(BETWEEN, **at)))
        (*at)++;
    f.length = (size_t)(*at - f.text);
    return f;
}

/* Without folders and suffix. */
static field stem_of(field f)
{
    for (size_t i = f.length; i > 0; i--)
        if (f.text[i - 1] == '/') {
            f = (field){f.text + i, f.length - i};
            break;
        }
    for (size_t i = f.length; i > 1; i--)
        if (f.text[i - 1] == '.') {
            f.length = i - 1;
            break;
        }
    return f;
}

static cnx_status class_of(int *out, const cnx_imagenet *set, field f, const char *name,
                           size_t line, cnx_error *err)
{
    long value = 0;
    size_t digits = 0;
    *out = cnx_imagenet_class(set, f.text, f.length);
    if (*out >= 0)
        return CNX_OK;
    while (digits < f.length && digits < 7 && f.text[digits] >= '0' && f.text[digits] <= '9')
        value = 10 * value + (f.text[digits++] - '0');
    CNX_FAIL_IF(
        digits == 0 || digits != f.length, CNX_ERR_FORMAT,
        "%s: line %zu: \"%.*s\" is none of the %d classes: expected a WordNet id such as %s, "
        "or a number from 0 to %d",
        name, line, (int)(f.length < 60 ? f.length : 60), f.text, set->class_count, set->wnids[0],
        set->class_count - 1);
    CNX_FAIL_IF(value >= set->class_count, CNX_ERR_FORMAT,
                "%s: line %zu: class %ld of %d (counted from 0); numbers from 1 to 1000 as in the "
                "development kit are in an order of their own: use a file with WordNet ids",
                name, line, value, set->class_count);
    *out = (int)value;
    return CNX_OK;
}

static int by_stem(const void *a, const void *b)
{
    const cnx_imagenet_label *x = a, *y = b;
    const size_t n = x->length < y->length ? x->length : y->length;
    const int order = memcmp(x->stem, y->stem, n);
    return order ? order : (x->length > y->length) - (x->length < y->length);
}

static cnx_status add(cnx_imagenet_labels *labels, size_t *room, cnx_imagenet_label label,
                      cnx_error *err)
{
    if (labels->count == *room) {
        const size_t more = *room ? 2 * *room : 1024;
        cnx_imagenet_label *items = realloc(labels->items, more * sizeof *items);
        CNX_FAIL_IF(!items, CNX_ERR_MEMORY, "not enough memory for %zu labels", more);
        labels->items = items;
        *room = more;
    }
    labels->items[labels->count++] = label;
    return CNX_OK;
}

/* One line into *label; `wanted` is whether there is anything in it. */
static cnx_status parse_line(cnx_imagenet_label *label, bool *named, bool *wanted,
                             const cnx_imagenet *set, const char *at, const char *end,
                             const char *name, size_t line, cnx_error *err)
{
    const field first = next_field(&at, end), second = next_field(&at, end);
    *wanted = first.length > 0 && first.text[0] != '#';
    *named = second.length > 0;
    if (!*wanted)
        return CNX_OK;
    if (line == 1 && *named && second.text[0] >= 'A' && second.text[0] <= 'Z' &&
        cnx_imagenet_class(set, second.text, second.length) < 0) {
        *wanted = false; /* ImageId,PredictionString */
        return CNX_OK;
    }
    const field stem = stem_of(first);
    *label = (cnx_imagenet_label){.line = line};
    if (*named) {
        label->stem = stem.text;
        label->length = stem.length;
    }
    return class_of(&label->label, set, *named ? second : first, name, line, err);
}

static cnx_status check_doubles(const cnx_imagenet_labels *labels, const char *name, cnx_error *err)
{
    for (size_t i = 1; i < labels->count; i++) {
        const cnx_imagenet_label *a = &labels->items[i - 1], *b = &labels->items[i];
        CNX_FAIL_IF(by_stem(a, b) == 0 && a->label != b->label, CNX_ERR_FORMAT,
                    "%s: lines %zu and %zu give \"%.*s\" different classes", name, a->line, b->line,
                    (int)(a->length < 100 ? a->length : 100), a->stem);
    }
    return CNX_OK;
}

cnx_status cnx_imagenet_labels_parse(cnx_imagenet_labels *out, const cnx_imagenet *set,
                                     const char *text, size_t size, const char *name,
                                     cnx_error *err)
{
    const char *at = text, *const end = text + size;
    size_t room = 0;
    cnx_status status = CNX_OK;
    *out = (cnx_imagenet_labels){0};
    for (size_t line = 1; at < end; line++) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        stop = stop ? stop : end;
        cnx_imagenet_label label;
        bool named, wanted;
        CNX_CHECK(parse_line(&label, &named, &wanted, set, at, stop, name, line, err));
        at = stop < end ? stop + 1 : end;
        if (!wanted)
            continue;
        CNX_CHECK_IF(out->count > 0 && named != out->named, CNX_ERR_FORMAT,
                     "%s: line %zu has %s, the lines before it have not", name, line,
                     named ? "a picture's name" : "a class alone");
        out->named = named;
        CNX_CHECK(add(out, &room, label, err));
    }
    if (out->named && out->count)
        qsort(out->items, out->count, sizeof *out->items, by_stem);
    if (out->named)
        CNX_CHECK(check_doubles(out, name, err));
cleanup:
    if (status != CNX_OK)
        cnx_imagenet_labels_free(out);
    return status;
}

void cnx_imagenet_labels_free(cnx_imagenet_labels *labels)
{
    free(labels->items);
    *labels = (cnx_imagenet_labels){0};
}

int cnx_imagenet_labels_find(const cnx_imagenet_labels *labels, const char *file_name)
{
    const field stem = stem_of((field){file_name, strlen(file_name)});
    const cnx_imagenet_label wanted = {.stem = stem.text, .length = stem.length};
    const cnx_imagenet_label *found =
        labels->count && labels->named
            ? bsearch(&wanted, labels->items, labels->count, sizeof *labels->items, by_stem)
            : NULL;
    return found ? found->label : -1;
}
