#include "tools/words.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/utf8.h"

void cnx_words_printable(char *text)
{
    for (unsigned char *p = (unsigned char *)text; *p; p++) {
        if ((*p < 0x20 && *p != '\n') || *p == 0x7f)
            *p = '?';
        /* C1 controls, U+0080..U+009F: some terminals obey them. */
        if (p[0] == 0xc2 && p[1] >= 0x80 && p[1] <= 0x9f)
            p[0] = p[1] = '?';
    }
}

char *cnx_words_shown(const char *text)
{
    char *copy = cnx_utf8_copy(text);
    if (copy)
        cnx_words_printable(copy);
    return copy;
}

cnx_words cnx_words_bytes(size_t bytes)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    cnx_words words;
    double value = (double)bytes;
    size_t unit = 0;
    while (value >= 1023.5 && unit + 1 < sizeof units / sizeof *units) {
        value /= 1024;
        unit++;
    }
    snprintf(words.text, sizeof words.text, unit > 0 && value < 9.95 ? "%.1f %s" : "%.0f %s", value,
             units[unit]);
    return words;
}

cnx_words cnx_words_clock(double seconds)
{
    cnx_words words;
    if (!(seconds >= 0) || seconds > 3.6e8) {
        snprintf(words.text, sizeof words.text, "?");
        return words;
    }
    const long total = lround(seconds);
    if (total >= 3600)
        snprintf(words.text, sizeof words.text, "%ld:%02ld:%02ld", total / 3600, total / 60 % 60,
                 total % 60);
    else
        snprintf(words.text, sizeof words.text, "%ld:%02ld", total / 60, total % 60);
    return words;
}

cnx_words cnx_words_count(size_t n)
{
    char digits[32];
    const int length = snprintf(digits, sizeof digits, "%zu", n);
    cnx_words words;
    size_t to = 0;
    for (int i = 0; i < length; i++) {
        if (i && (length - i) % 3 == 0)
            words.text[to++] = ' ';
        words.text[to++] = digits[i];
    }
    words.text[to] = '\0';
    return words;
}

cnx_words cnx_words_si(double value)
{
    static const char units[] = " KMGTPE";
    cnx_words words;
    size_t unit = 0;
    while (value >= 999.5 && unit + 2 < sizeof units) {
        value /= 1000;
        unit++;
    }
    if (unit == 0)
        snprintf(words.text, sizeof words.text, "%.0f", value);
    else
        snprintf(words.text, sizeof words.text, value < 99.95 ? "%.1f %c" : "%.0f %c", value,
                 units[unit]);
    return words;
}

#define MAX_WORD 64

/* Edit distance with insertions, deletions, substitutions and swaps of neighbours. */
static size_t edit_distance(const char *a, size_t na, const char *b, size_t nb)
{
    size_t rows[3][MAX_WORD + 1];
    size_t *before = rows[0], *last = rows[1], *now = rows[2];
    for (size_t j = 0; j <= nb; j++)
        last[j] = j;
    for (size_t i = 1; i <= na; i++) {
        now[0] = i;
        for (size_t j = 1; j <= nb; j++) {
            size_t best = last[j - 1] + (a[i - 1] != b[j - 1]);
            best = best < last[j] + 1 ? best : last[j] + 1;
            best = best < now[j - 1] + 1 ? best : now[j - 1] + 1;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                before[j - 2] + 1 < best)
                best = before[j - 2] + 1;
            now[j] = best;
        }
        size_t *const oldest = before;
        before = last;
        last = now;
        now = oldest;
    }
    return last[nb];
}

const char *cnx_words_nearest(const char *text, const char *const *names, size_t count)
{
    const size_t length = strlen(text);
    if (length == 0 || length > MAX_WORD)
        return NULL;
    const char *nearest = NULL;
    size_t best = length / 2 > 2 ? length / 2 + 1 : 3; /* anything farther is another word */
    for (size_t i = 0; i < count; i++) {
        const size_t other = strlen(names[i]);
        if (other > MAX_WORD)
            continue;
        const bool begins = length >= 2 && strncmp(names[i], text, length) == 0;
        const size_t distance = begins ? 0 : edit_distance(text, length, names[i], other);
        if (distance < best && distance < other) {
            best = distance;
            nearest = names[i];
        }
    }
    return nearest;
}
