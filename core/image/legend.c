/* The legend below an overlay. */
#include <stdio.h>
#include <string.h>

#include "core/image/draw.h"
#include "core/image/font.h"
#include "core/image/text.h"

enum { MARGIN = 6, SWATCH = 9, SWATCH_GAP = 4, COLUMN_GAP = 12, LINE = 13 };
enum { NAME_MAX = 28, NAME_MIN = 3, SHARE_TEXT = 7 };
static const uint8_t ground[3] = {24, 24, 28}, ink[3] = {235, 235, 235}, frame[3] = {110, 110, 110};

/* Everything in pixels of the finished picture. */
typedef struct layout {
    int scale; /* of the font and all distances */
    int columns, lines;
    int column_width;
    int name_chars, share_chars; /* room for the text of an entry; share_chars 0: no shares */
} layout;

static bool any_share(const cnx_legend_entry *entries, int count)
{
    for (int i = 0; i < count; i++)
        if (entries[i].share >= 0.0f)
            return true;
    return false;
}

static int longest_name(const cnx_legend_entry *entries, int count)
{
    size_t longest = 1;
    for (int i = 0; i < count; i++) {
        const size_t n = cnx_text_characters(entries[i].text);
        longest = n > longest ? n : longest;
    }
    return longest < NAME_MAX ? (int)longest : NAME_MAX;
}

static int entry_width(const layout *l, int name_chars)
{
    return SWATCH + SWATCH_GAP + (name_chars + l->share_chars) * CNX_FONT_ADVANCE;
}

/* As many columns as fit; where not even one does, the name is cut to what fits, at last to
 * nothing. */
static layout lay_out(const cnx_legend_entry *entries, int count, int width)
{
    layout l = {.scale = width < 800 ? 1 : width < 2400 ? 2 : width / 1200};
    const int room = width / l.scale - 2 * MARGIN;
    l.share_chars = any_share(entries, count) ? SHARE_TEXT : 0;
    l.name_chars = longest_name(entries, count);
    if (entry_width(&l, l.name_chars) > room) {
        if (entry_width(&l, NAME_MIN) > room)
            l.share_chars = 0;
        const int chars = (room - entry_width(&l, 0)) / CNX_FONT_ADVANCE;
        l.name_chars = chars > l.name_chars ? l.name_chars : chars > 0 ? chars : 0;
    }
    const int column = entry_width(&l, l.name_chars) + COLUMN_GAP;
    l.columns = (room + COLUMN_GAP) / column;
    l.columns = l.columns < 1 ? 1 : l.columns > count ? count : l.columns;
    l.lines = (count + l.columns - 1) / l.columns;
    l.columns = (count + l.lines - 1) / l.lines; /* no empty column at the end */
    l.column_width = column;
    return l;
}

static void format_share(char out[16], float share)
{
    const float percent = share < 1.0f ? share * 100.0f : 100.0f;
    if (percent > 0.0f && percent < 0.1f)
        snprintf(out, 16, "%s", "<0.1%");
    else
        snprintf(out, 16, "%.1f%%", (double)percent);
}

static void draw_entry(cnx_image *image, const layout *l, const cnx_legend_entry *entry, int x,
                       int y)
{
    cnx_fill_rectangle(image, l->scale, x, y, SWATCH, SWATCH,
                       frame); /* so that dark colours show on the ground */
    cnx_fill_rectangle(image, l->scale, x + 1, y + 1, SWATCH - 2, SWATCH - 2, entry->rgb);
    x += SWATCH + SWATCH_GAP;
    cnx_draw_text(image, l->scale, x, y + 1, entry->text, l->name_chars, ink);
    if (l->share_chars == 0 || !(entry->share >= 0.0f))
        return;
    char share[16];
    format_share(share, entry->share);
    const int length = (int)strlen(share); /* right-aligned: the columns of figures line up */
    x += (l->name_chars + l->share_chars - length) * CNX_FONT_ADVANCE;
    cnx_draw_text(image, l->scale, x, y + 1, share, length, ink);
}

cnx_status cnx_legend_draw(cnx_image *out, const cnx_legend_entry *entries, int count, int width,
                           cnx_error *err)
{
    *out = (cnx_image){0};
    CNX_FAIL_IF(width < 1, CNX_ERR_ARGUMENT, "a legend %d pixels wide was asked for", width);
    if (count < 1)
        return CNX_OK;
    const layout l = lay_out(entries, count, width);
    const int64_t height = (int64_t)(2 * MARGIN + (l.lines - 1) * (int64_t)LINE + SWATCH) * l.scale;
    CNX_FAIL_IF(height > INT32_MAX, CNX_ERR_ARGUMENT, "a legend of %d entries is too tall", count);
    CNX_TRY(cnx_image_alloc(out, width, (int)height, err));
    cnx_fill_rectangle(out, 1, 0, 0, width, (int)height, ground);
    for (int i = 0; i < count; i++) /* down the first column, then the next */
        draw_entry(out, &l, &entries[i], MARGIN + i / l.lines * l.column_width,
                   MARGIN + i % l.lines * LINE);
    return CNX_OK;
}
