#include "core/json_scan.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "core/number.h"

enum { MAX_DEPTH = 64 };

char cnx_json_peek(cnx_json_scan *scan)
{
    const char *p = scan->at;
    while (*p == ' ' || *p == '\n' || *p == '\t' || *p == '\r')
        p++;
    scan->at = p;
    return *p;
}

/* At a place where something else must stand.  Always fails. */
static cnx_status unexpected(cnx_json_scan *scan, const char *expected, cnx_error *err)
{
    if (scan->at >= scan->end) {
        scan->ran_out = true;
        return cnx_fail(err, CNX_ERR_FORMAT, "the file ends where %s is expected: it is cut off",
                        expected);
    }
    const unsigned char c = (unsigned char)*scan->at;
    if (c > 32 && c < 127)
        return cnx_fail(err, CNX_ERR_FORMAT, "'%c' stands where %s is expected", c, expected);
    return cnx_fail(err, CNX_ERR_FORMAT, "byte 0x%02x stands where %s is expected", c, expected);
}

cnx_status cnx_json_expect(cnx_json_scan *scan, char c, const char *where, cnx_error *err)
{
    if (cnx_json_peek(scan) == c && scan->at < scan->end) {
        scan->at++;
        return CNX_OK;
    }
    char expected[64];
    const char text[] = {'\'', c, '\'', '\0'};
    size_t n = strlen(text);
    memcpy(expected, text, n);
    for (const char *p = where; *p && n + 2 < sizeof expected; p++) {
        if (p == where)
            expected[n++] = ' ';
        expected[n++] = *p;
    }
    expected[n] = '\0';
    return unexpected(scan, expected, err);
}

/* Four hexadecimal digits; -1 when they are none. */
static int hex4(const char *p, const char *end)
{
    int value = 0;
    if (end - p < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        const char c = p[i];
        const int digit = c >= '0' && c <= '9'   ? c - '0'
                          : c >= 'a' && c <= 'f' ? c - 'a' + 10
                          : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                                 : -1;
        if (digit < 0)
            return -1;
        value = 16 * value + digit;
    }
    return value;
}

/* The length of the escape whose backslash is at p; 0 when it is none. */
static size_t escape_length(const char *p, const char *end)
{
    if (p[1] == 'u')
        return hex4(p + 2, end) >= 0 ? 6 : 0;
    return p[1] && strchr("\"\\/bfnrt", p[1]) ? 2 : 0;
}

/* Past a string whose opening quote is at the position. */
static cnx_status pass_string(cnx_json_text *out, cnx_json_scan *scan, cnx_error *err)
{
    const char *p = scan->at + 1;
    bool escaped = false;
    for (;;) {
        while (*p != '"' && *p != '\\' && (unsigned char)*p >= 32)
            p++;
        if (*p != '\\')
            break;
        escaped = true;
        const size_t length = escape_length(p, scan->end);
        if (length == 0)
            break;
        p += length;
    }
    if (*p != '"') {
        const bool over = p >= scan->end || (*p == '\\' && scan->end - p < 6);
        scan->ran_out |= over;
        CNX_FAIL_IF(over, CNX_ERR_FORMAT, "the file ends inside a string: it is cut off");
        CNX_FAIL_IF(*p == '\\', CNX_ERR_FORMAT, "a string holds a backslash that begins nothing");
        return cnx_fail(err, CNX_ERR_FORMAT, "a string holds the control character 0x%02x",
                        (unsigned char)*p);
    }
    *out = (cnx_json_text){scan->at + 1, (size_t)(p - scan->at - 1), escaped};
    scan->at = p + 1;
    return CNX_OK;
}

cnx_status cnx_json_next_key(bool *more, cnx_json_text *key, bool *first, cnx_json_scan *scan,
                             cnx_error *err)
{
    char c = cnx_json_peek(scan);
    *more = c != '}';
    if (c == '}') {
        scan->at++;
        return CNX_OK;
    }
    if (!*first) {
        if (c != ',')
            return unexpected(scan, "',' or '}'", err);
        scan->at++;
        c = cnx_json_peek(scan);
    }
    *first = false;
    if (c != '"')
        return unexpected(scan, "a key in quotes", err);
    CNX_TRY(pass_string(key, scan, err));
    if (cnx_json_peek(scan) != ':')
        return unexpected(scan, "':' after a key", err);
    scan->at++;
    cnx_json_peek(scan);
    return CNX_OK;
}

cnx_status cnx_json_scan_object(cnx_json_field field, void *user, cnx_json_scan *scan,
                                cnx_error *err)
{
    cnx_json_text key;
    bool first = true, more;
    scan->at++;
    for (;;) {
        CNX_TRY(cnx_json_next_key(&more, &key, &first, scan, err));
        if (!more)
            return CNX_OK;
        CNX_TRY(field(user, &key, scan, err));
    }
}

cnx_status cnx_json_next_element(bool *more, bool *first, cnx_json_scan *scan, cnx_error *err)
{
    const char c = cnx_json_peek(scan);
    *more = c != ']';
    if (c == ']') {
        scan->at++;
        return CNX_OK;
    }
    if (!*first) {
        if (c != ',')
            return unexpected(scan, "',' or ']'", err);
        scan->at++;
        if (cnx_json_peek(scan) == ']')
            return unexpected(scan, "a value after ','", err);
    }
    *first = false;
    return CNX_OK;
}

const char *cnx_json_kind_here(cnx_json_scan *scan)
{
    switch (cnx_json_peek(scan)) {
    case '"':
        return "a string";
    case '[':
        return "a list";
    case '{':
        return "an object";
    case 't':
    case 'f':
        return "true or false";
    case 'n':
        return "null";
    default:
        return "something else";
    }
}

/* Past `word` if it stands there. */
static bool pass_word(cnx_json_scan *scan, const char *word)
{
    const size_t n = strlen(word);
    const size_t left = (size_t)(scan->end - scan->at);
    if (left < n) {
        scan->ran_out |= memcmp(scan->at, word, left) == 0;
        return false;
    }
    if (memcmp(scan->at, word, n) != 0)
        return false;
    scan->at += n;
    return true;
}

/* False when there is no number. */
static bool pass_number(double *out, cnx_json_scan *scan)
{
    const char *end = cnx_number_read(out, scan->at);
    if (end) {
        scan->at = end;
        /* More digits may follow in the next piece. */
        scan->ran_out |= end >= scan->end;
        return true;
    }
    /* "-", "1." or "1e" at the end may go on. */
    const char *p = scan->at;
    while (*p && strchr("+-.0123456789eE", *p))
        p++;
    scan->ran_out |= p >= scan->end;
    *out = (double)NAN;
    if (pass_word(scan, "NaN"))
        return true;
    const bool negative = *scan->at == '-';
    *out = negative ? -(double)INFINITY : (double)INFINITY;
    return pass_word(scan, negative ? "-Infinity" : "Infinity");
}

cnx_status cnx_json_scan_number(double *out, const char *what, cnx_json_scan *scan, cnx_error *err)
{
    const char c = cnx_json_peek(scan);
    if (pass_number(out, scan)) {
        CNX_FAIL_IF(scan->ran_out, CNX_ERR_FORMAT, "the file ends inside %s: it is cut off", what);
        return CNX_OK;
    }
    CNX_FAIL_IF(scan->ran_out, CNX_ERR_FORMAT, "the file ends inside %s: it is cut off", what);
    CNX_FAIL_IF(c == '-' || (c >= '0' && c <= '9'), CNX_ERR_FORMAT, "%s is not a number in JSON",
                what);
    return cnx_fail(err, CNX_ERR_FORMAT, "%s is %s; a number is expected", what,
                    cnx_json_kind_here(scan));
}

cnx_status cnx_json_scan_whole(long long *out, const char *what, cnx_json_scan *scan,
                               cnx_error *err)
{
    double value = 0;
    CNX_TRY(cnx_json_scan_number(&value, what, scan, err));
    CNX_FAIL_IF(!(fabs(value) <= 9007199254740992.0) || value != floor(value), CNX_ERR_FORMAT,
                "%s is %.17g; a whole number is expected", what, value);
    *out = (long long)value;
    return CNX_OK;
}

cnx_status cnx_json_scan_string(cnx_json_text *out, const char *what, cnx_json_scan *scan,
                                cnx_error *err)
{
    const char c = cnx_json_peek(scan);
    if (c == '"')
        return pass_string(out, scan, err);
    scan->ran_out |= scan->at >= scan->end;
    CNX_FAIL_IF(scan->ran_out, CNX_ERR_FORMAT, "the file ends before %s: it is cut off", what);
    if (c == '-' || (c >= '0' && c <= '9'))
        return cnx_fail(err, CNX_ERR_FORMAT, "%s is a number; a string is expected", what);
    return cnx_fail(err, CNX_ERR_FORMAT, "%s is %s; a string is expected", what,
                    cnx_json_kind_here(scan));
}

static cnx_status skip_scalar(cnx_json_scan *scan, char c, cnx_error *err)
{
    if (c == '"') {
        cnx_json_text text;
        return pass_string(&text, scan, err);
    }
    double value;
    if ((c == 't' && pass_word(scan, "true")) || (c == 'f' && pass_word(scan, "false")) ||
        (c == 'n' && pass_word(scan, "null")))
        return CNX_OK;
    if (pass_number(&value, scan) && !scan->ran_out)
        return CNX_OK;
    CNX_FAIL_IF(scan->ran_out, CNX_ERR_FORMAT, "the file ends inside a value: it is cut off");
    return unexpected(scan, "a value", err);
}

cnx_status cnx_json_skip(cnx_json_scan *scan, cnx_error *err)
{
    uint64_t objects = 0; /* bit d: the container at depth d + 1 is an object */
    int depth = 0;
    do {
        bool first = false; /* nothing yet in the innermost container */
        const char c = cnx_json_peek(scan);
        if (c == '[' || c == '{') {
            CNX_FAIL_IF(depth == MAX_DEPTH, CNX_ERR_FORMAT, "nested more than %d deep",
                        (int)MAX_DEPTH);
            const uint64_t bit = (uint64_t)1 << depth;
            objects = c == '{' ? objects | bit : objects & ~bit;
            depth++;
            scan->at++;
            first = true;
        } else {
            CNX_TRY(skip_scalar(scan, c, err));
        }
        /* To the next value, out of what ends before it. */
        for (bool more = false; depth > 0 && !more; first = false) {
            cnx_json_text key;
            if (objects >> (depth - 1) & 1)
                CNX_TRY(cnx_json_next_key(&more, &key, &first, scan, err));
            else
                CNX_TRY(cnx_json_next_element(&more, &first, scan, err));
            depth -= !more;
        }
    } while (depth > 0);
    return CNX_OK;
}

static size_t put_utf8(char *out, int c)
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (char)(0xC0 | c >> 6);
        out[1] = (char)(0x80 | (c & 63));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (char)(0xE0 | c >> 12);
        out[1] = (char)(0x80 | (c >> 6 & 63));
        out[2] = (char)(0x80 | (c & 63));
        return 3;
    }
    out[0] = (char)(0xF0 | c >> 18);
    out[1] = (char)(0x80 | (c >> 12 & 63));
    out[2] = (char)(0x80 | (c >> 6 & 63));
    out[3] = (char)(0x80 | (c & 63));
    return 4;
}

/* One \u escape at p (behind the u), with the second half of a pair; *p moves past it. */
static int read_escape(const char **p, const char *end)
{
    int c = hex4(*p, end);
    if (c < 0)
        return 0xFFFD;
    *p += 4;
    if (c < 0xD800 || c > 0xDFFF)
        return c;
    if (c < 0xDC00 && end - *p >= 6 && (*p)[0] == '\\' && (*p)[1] == 'u') {
        const int low = hex4(*p + 2, end);
        if (low >= 0xDC00 && low <= 0xDFFF) {
            *p += 6;
            return 0x10000 + ((c - 0xD800) << 10) + (low - 0xDC00);
        }
    }
    return 0xFFFD;
}

size_t cnx_json_unescape(char *out, const cnx_json_text *text)
{
    static const char names[] = "\"\\/bfnrt", values[] = "\"\\/\b\f\n\r\t";
    const char *p = text->at, *const end = p + text->length;
    size_t n = 0;
    while (p < end) {
        const char *back = memchr(p, '\\', (size_t)(end - p));
        const size_t plain = (size_t)((back ? back : end) - p);
        memmove(out + n, p, plain);
        n += plain;
        p += plain;
        if (p == end)
            break;
        /* Which escapes there are was checked when the string was passed. */
        const char c = p[1];
        const char *known = strchr(names, c);
        p += 2;
        if (known)
            out[n++] = values[known - names];
        else
            n += put_utf8(out + n, read_escape(&p, end));
    }
    return n;
}

bool cnx_json_text_is(const cnx_json_text *text, const char *word)
{
    const size_t n = strlen(word);
    if (!text->escaped)
        return text->length == n && memcmp(text->at, word, n) == 0;
    char plain[256];
    if (text->length > sizeof plain)
        return false;
    return cnx_json_unescape(plain, text) == n && memcmp(plain, word, n) == 0;
}
