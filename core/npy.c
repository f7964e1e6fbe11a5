#include "core/npy.h"

#include <stdlib.h>
#include <string.h>

#include "core/memory.h"

enum { PREFIX = 8, HEADER_ALIGNMENT = 64 };
static const char magic[] = "\x93NUMPY";

typedef struct npy_kind {
    const char *descr; /* as numpy writes it on a little-endian machine */
    cnx_npy_type type;
    size_t size;
} npy_kind;

static const npy_kind kinds[] = {{"<f4", CNX_NPY_F32, 4}, {"<f2", CNX_NPY_F16, 2},
                                 {"<f8", CNX_NPY_F64, 8}, {"<i8", CNX_NPY_I64, 8},
                                 {"<i4", CNX_NPY_I32, 4}, {"<u2", CNX_NPY_U16, 2},
                                 {"|u1", CNX_NPY_U8, 1},  {"|b1", CNX_NPY_BOOL, 1}};

/* A cursor over the header: a Python dictionary literal of three known keys. */
typedef struct header_text {
    const char *at, *end;
} header_text;

static void skip_blanks(header_text *text)
{
    while (text->at < text->end && (*text->at == ' ' || *text->at == '\n' || *text->at == '\t'))
        text->at++;
}

static bool take(header_text *text, char c)
{
    skip_blanks(text);
    if (text->at >= text->end || *text->at != c)
        return false;
    text->at++;
    return true;
}

/* A quoted string without escapes, cut to what fits; out has room for `room` bytes. */
static bool take_string(header_text *text, char *out, size_t room)
{
    skip_blanks(text);
    if (text->at >= text->end || (*text->at != '\'' && *text->at != '"'))
        return false;
    const char quote = *text->at++;
    size_t length = 0;
    for (; text->at < text->end && *text->at != quote; text->at++) {
        if (*text->at == '\\' || length + 1 >= room)
            return false;
        out[length++] = *text->at;
    }
    out[length] = '\0';
    return take(text, quote);
}

static bool take_word(header_text *text, const char *word)
{
    skip_blanks(text);
    const size_t length = strlen(word);
    if ((size_t)(text->end - text->at) < length || memcmp(text->at, word, length) != 0)
        return false;
    text->at += length;
    return true;
}

static bool take_size(header_text *text, size_t *out)
{
    skip_blanks(text);
    if (text->at >= text->end || *text->at < '0' || *text->at > '9')
        return false;
    size_t value = 0;
    for (; text->at < text->end && *text->at >= '0' && *text->at <= '9'; text->at++)
        if (!cnx_mul(value, 10, &value) || !cnx_add(value, (size_t)(*text->at - '0'), &value))
            return false;
    *out = value;
    return true;
}

static cnx_status take_descr(header_text *text, cnx_npy *npy, size_t *item, cnx_error *err)
{
    char descr[32];
    CNX_FAIL_IF(!take_string(text, descr, sizeof descr), CNX_ERR_UNSUPPORTED,
                "the array has elements of a compound type; expected plain numbers");
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        /* The order mark means nothing for single bytes. */
        if (strcmp(descr, kinds[i].descr) == 0 ||
            (kinds[i].size == 1 && descr[0] == '<' && strcmp(descr + 1, kinds[i].descr + 1) == 0)) {
            npy->type = kinds[i].type;
            *item = kinds[i].size;
            return CNX_OK;
        }
    }
    return cnx_fail(err, CNX_ERR_UNSUPPORTED,
                    "the array has elements of type '%s'; known are <f4, <f2, <f8, <i8, <i4, <u2, "
                    "|u1 and |b1",
                    descr);
}

static cnx_status take_shape(header_text *text, cnx_npy *npy, cnx_error *err)
{
    bool sound = take(text, '(');
    npy->rank = 0;
    npy->elements = 1;
    while (sound && !take(text, ')')) {
        CNX_FAIL_IF(npy->rank == CNX_NPY_MAX_RANK, CNX_ERR_UNSUPPORTED,
                    "the array has more than %d dimensions", CNX_NPY_MAX_RANK);
        size_t extent;
        sound = take_size(text, &extent);
        if (!sound)
            break;
        npy->shape[npy->rank++] = extent;
        CNX_FAIL_IF(!cnx_mul(npy->elements, extent, &npy->elements), CNX_ERR_FORMAT,
                    "the shape of the array is too large");
        take_word(text, "L"); /* numpy under Python 2 wrote long integers */
        if (!take(text, ',')) {
            sound = take(text, ')');
            break;
        }
    }
    CNX_FAIL_IF(!sound, CNX_ERR_FORMAT, "the shape of the array cannot be read");
    return CNX_OK;
}

static cnx_status parse_header(header_text text, cnx_npy *npy, size_t *item, cnx_error *err)
{
    enum { DESCR = 1, ORDER = 2, SHAPE = 4, ALL = 7 };
    unsigned seen = 0;
    bool sound = take(&text, '{');
    while (sound && !take(&text, '}')) {
        char key[16];
        unsigned mark = 0;
        if (!take_string(&text, key, sizeof key) || !take(&text, ':'))
            break;
        if (strcmp(key, "descr") == 0) {
            mark = DESCR;
            CNX_TRY(take_descr(&text, npy, item, err));
        } else if (strcmp(key, "fortran_order") == 0) {
            mark = ORDER;
            CNX_FAIL_IF(take_word(&text, "True"), CNX_ERR_UNSUPPORTED,
                        "the array is in Fortran order; save numpy.ascontiguousarray of it");
            sound = take_word(&text, "False");
        } else if (strcmp(key, "shape") == 0) {
            mark = SHAPE;
            CNX_TRY(take_shape(&text, npy, err));
        }
        sound = sound && mark && !(seen & mark);
        seen |= mark;
        if (sound && !take(&text, ',')) {
            sound = take(&text, '}');
            break;
        }
    }
    CNX_FAIL_IF(!sound || seen != ALL, CNX_ERR_FORMAT,
                "the header of the array cannot be read; expected {'descr': ..., 'fortran_order': "
                "..., 'shape': ...}");
    return CNX_OK;
}

/* Where the header's text lies; format 1 has a 16-bit length, 2 and 3 a 32-bit one. */
static cnx_status find_header(const cnx_mapping *file, size_t *begin, size_t *length,
                              cnx_error *err)
{
    CNX_FAIL_IF(file->size < PREFIX + 2 || memcmp(file->data, magic, 6) != 0, CNX_ERR_FORMAT,
                "is not a .npy file: it does not begin with \\x93NUMPY");
    const unsigned char *p = file->data;
    CNX_FAIL_IF(p[6] < 1 || p[6] > 3, CNX_ERR_UNSUPPORTED,
                "is a .npy file of format %d.%d; 1.0, 2.0 and 3.0 are read", p[6], p[7]);
    *begin = p[6] == 1 ? PREFIX + 2 : PREFIX + 4;
    *length = 0;
    for (size_t at = *begin; at > PREFIX && file->size >= *begin; at--)
        *length = *length << 8 | p[at - 1];
    CNX_FAIL_IF(file->size < *begin || *length > file->size - *begin, CNX_ERR_FORMAT,
                "the .npy file ends inside its header: it is cut off");
    return CNX_OK;
}

static cnx_status read_array(cnx_npy *npy, const cnx_mapping *file, cnx_error *err)
{
    size_t begin = 0, length = 0, item = 1, bytes;
    CNX_TRY(find_header(file, &begin, &length, err));
    const char *text = (const char *)file->data + begin;
    CNX_TRY(parse_header((header_text){text, text + length}, npy, &item, err));
    const size_t found = file->size - begin - length;
    CNX_FAIL_IF(!cnx_mul(npy->elements, item, &bytes) || bytes != found, CNX_ERR_FORMAT,
                "the .npy file holds %zu bytes of data; its shape calls for %zu elements of %zu",
                found, npy->elements, item);
    if (bytes == 0)
        return CNX_OK;
    CNX_TRY(cnx_alloc_or_fail(&npy->data, bytes, "an array", err));
    memcpy(npy->data, file->data + begin + length, bytes);
    return CNX_OK;
}

cnx_status cnx_npy_read(cnx_npy *out, const char *path, cnx_error *err)
{
    *out = (cnx_npy){0};
    cnx_npy npy = {0};
    cnx_mapping file;
    CNX_TRY(cnx_mapping_open(&file, path, err));
    const cnx_status status = read_array(&npy, &file, err);
    cnx_mapping_close(&file);
    if (status != CNX_OK) {
        cnx_error_prefix(err, "%s", path);
        return status;
    }
    *out = npy;
    return CNX_OK;
}

void cnx_npy_free(cnx_npy *npy)
{
    cnx_free(npy->data);
    *npy = (cnx_npy){0};
}

cnx_status cnx_npy_begin_f32(cnx_output *file, int rank, const size_t *shape, size_t *data_offset,
                             cnx_error *err)
{
    return cnx_npy_begin(file, CNX_NPY_F32, rank, shape, data_offset, err);
}

static const char *descr_of(cnx_npy_type type)
{
    size_t i = 0;
    while (kinds[i].type != type)
        i++;
    return kinds[i].descr;
}

cnx_status cnx_npy_begin(cnx_output *file, cnx_npy_type type, int rank, const size_t *shape,
                         size_t *data_offset, cnx_error *err)
{
    CNX_FAIL_IF(rank < 0 || rank > CNX_NPY_MAX_RANK, CNX_ERR_ARGUMENT,
                "an array of %d dimensions was asked for; at most %d", rank, CNX_NPY_MAX_RANK);
    /* 8 extents of at most 20 digits: the text stays below 256 bytes. */
    char header[320];
    int n = PREFIX + 2;
    n += snprintf(header + n, sizeof header - (size_t)n,
                  "{'descr': '%s', 'fortran_order': False, 'shape': (", descr_of(type));
    for (int i = 0; i < rank; i++)
        n += snprintf(header + n, sizeof header - (size_t)n, "%zu%s", shape[i],
                      rank == 1      ? ","
                      : i + 1 < rank ? ", "
                                     : "");
    n += snprintf(header + n, sizeof header - (size_t)n, "), }");
    /* Blanks and a line end bring the data onto a boundary, as numpy does. */
    const size_t whole = cnx_round_up((size_t)n + 1, HEADER_ALIGNMENT);
    memset(header + n, ' ', whole - (size_t)n);
    header[whole - 1] = '\n';
    memcpy(header, magic, 6);
    header[6] = 1;
    header[7] = 0;
    header[8] = (char)((whole - PREFIX - 2) & 0xFF);
    header[9] = (char)((whole - PREFIX - 2) >> 8);
    *data_offset = whole;
    return cnx_output_write_at(file, header, whole, 0, err);
}
