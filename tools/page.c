#include "tools/page.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "core/image/png.h"

extern const char cnx_page_style[], cnx_page_style_end[];
extern const char cnx_page_script[], cnx_page_script_end[];

/* ---- text ---- */

/* Also right inside attributes and script elements: no quote, angle or ampersand stays as it is. */
void cnx_page_text(FILE *to, const char *text)
{
    for (; *text; text++)
        switch (*text) {
        case '&':
            fputs("&amp;", to);
            break;
        case '<':
            fputs("&lt;", to);
            break;
        case '>':
            fputs("&gt;", to);
            break;
        case '"':
            fputs("&quot;", to);
            break;
        case '\'':
            fputs("&#39;", to);
            break;
        default:
            if ((unsigned char)*text >= ' ' || *text == '\n')
                fputc(*text, to);
        }
}

/* A JSON string that may stand inside a script element. */
static void put_json(FILE *to, const char *text)
{
    fputc('"', to);
    for (; *text; text++) {
        const unsigned char c = (unsigned char)*text;
        if (c < ' ' || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&')
            fprintf(to, "\\u%04x", c);
        else
            fputc(c, to);
    }
    fputc('"', to);
}

/* Base64 in pieces: what is left of a group of three waits for the next. */
typedef struct base64 {
    FILE *to;
    unsigned char rest[3];
    int held;
} base64;

static void put_group(base64 *b)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned bits = (unsigned)b->rest[0] << 16 | (unsigned)b->rest[1] << 8 | b->rest[2];
    for (int i = 0; i < 4; i++)
        fputc(i <= b->held ? digits[bits >> (18 - 6 * i) & 63] : '=', b->to);
    memset(b->rest, 0, sizeof b->rest);
    b->held = 0;
}

static void put_base64(base64 *b, const void *data, size_t size)
{
    const unsigned char *bytes = data;
    for (size_t i = 0; i < size; i++) {
        b->rest[b->held++] = bytes[i];
        if (b->held == 3)
            put_group(b);
    }
}

static void end_base64(base64 *b)
{
    if (b->held)
        put_group(b);
}

/* ---- frame ---- */

void cnx_page_begin(FILE *to, const char *title, const char *subtitle)
{
    fputs(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; "
        "style-src 'unsafe-inline'; script-src 'unsafe-inline'\">\n"
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
        "<link rel=\"icon\" href=\"data:,\">\n<title>",
        to);
    cnx_page_text(to, title);
    fputs("</title>\n<style>\n", to);
    fwrite(cnx_page_style, 1, (size_t)(cnx_page_style_end - cnx_page_style), to);
    fputs("</style>\n</head>\n<body>\n<h1>", to);
    cnx_page_text(to, title);
    fputs("</h1>\n<p>", to);
    cnx_page_text(to, subtitle);
    fputs("</p>\n", to);
}

void cnx_page_end(FILE *to)
{
    fputs("<script>\n", to);
    fwrite(cnx_page_script, 1, (size_t)(cnx_page_script_end - cnx_page_script), to);
    fputs("</script>\n</body>\n</html>\n", to);
}

void cnx_page_section(FILE *to, const char *heading, const char *text)
{
    fputs("<h2>", to);
    cnx_page_text(to, heading);
    fputs("</h2>\n", to);
    if (!text)
        return;
    fputs("<p>", to);
    cnx_page_text(to, text);
    fputs("</p>\n", to);
}

/* ---- tables ---- */

void cnx_page_table_begin(FILE *to, const char *id, const cnx_page_column *columns, int count,
                          bool sorts)
{
    fputs(sorts ? "<div class=\"scroll\">\n<table class=\"sorts\" id=\"" : "<table id=\"", to);
    cnx_page_text(to, id);
    fputs("\">\n<thead><tr>", to);
    for (int i = 0; i < count; i++) {
        fputs(columns[i].word ? "<th scope=\"col\" class=\"word\">" : "<th scope=\"col\">", to);
        fputs(sorts ? "<button type=\"button\">" : "", to);
        cnx_page_text(to, columns[i].name);
        fputs(sorts ? "</button></th>" : "</th>", to);
    }
    fputs("</tr></thead>\n<tbody>\n", to);
}

void cnx_page_table_row(FILE *to, const cnx_page_column *columns, int count,
                        const cnx_page_cell *cells)
{
    fputs("<tr>", to);
    for (int i = 0; i < count; i++) {
        const double value = cells[i].value;
        if (columns[i].word) {
            fputs("<td class=\"word\" data-v=\"", to);
            cnx_page_text(to, cells[i].text);
            fputs("\">", to);
            cnx_page_text(to, cells[i].text);
            fputs("</td>", to);
        } else if (isnan(value)) {
            fputs("<td data-v=\"\">&ndash;</td>", to);
        } else {
            const int decimals = columns[i].decimals < 0 ? 0 : columns[i].decimals;
            fprintf(to, "<td data-v=\"%.17g\">%.*f</td>", value, decimals, value);
        }
    }
    fputs("</tr>\n", to);
}

void cnx_page_table_end(FILE *to, bool sorts)
{
    fputs(sorts ? "</tbody>\n</table>\n</div>\n" : "</tbody>\n</table>\n", to);
}

/* ---- drawings ---- */

void cnx_page_matrix(FILE *to, const char *const *names, int classes, const int64_t *confusion)
{
    const size_t n = (size_t)classes;
    fputs(
        "<div class=\"matrix\">\n<canvas role=\"img\" aria-label=\"confusion matrix\"></canvas>\n"
        "<output>Rows are the truth, columns the prediction; the diagonal is what was right. Point "
        "at a cell.</output>\n<script type=\"application/json\">{\"names\":[",
        to);
    for (size_t i = 0; i < n; i++) {
        fputs(i ? "," : "", to);
        put_json(to, names[i]);
    }
    fputs("],\"shares\":\"", to);
    base64 b = {.to = to};
    for (size_t row = 0; row < n; row++) {
        double sum = 0;
        for (size_t column = 0; column < n; column++)
            sum += (double)confusion[row * n + column];
        for (size_t column = 0; column < n; column++) {
            const double share = sum > 0 ? (double)confusion[row * n + column] / sum : 0;
            const unsigned value = (unsigned)lrint(share * 65535);
            const unsigned char bytes[] = {(unsigned char)value, (unsigned char)(value >> 8)};
            put_base64(&b, bytes, sizeof bytes);
        }
    }
    end_base64(&b);
    fputs("\"}</script>\n</div>\n", to);
}

/* The picture as a PNG in a data address. */
static cnx_status put_image(FILE *to, const cnx_image *image, cnx_error *err)
{
    char *data = NULL, name[] = "a picture of the report";
    size_t size = 0;
    cnx_png_writer *png = NULL;
    cnx_status status = CNX_OK;
    cnx_output memory = {.stream = open_memstream(&data, &size), .path = name};
    CNX_FAIL_IF(!memory.stream, CNX_ERR_MEMORY, "no memory for a picture of the report");
    CNX_CHECK(cnx_png_open(&png, &memory, CNX_PNG_RGB8, image->width, image->height, NULL, 0, err));
    CNX_CHECK(cnx_png_write_rows(png, image->data, image->height, err));
    CNX_CHECK(cnx_png_finish(png, err));
    CNX_CHECK_IF(fflush(memory.stream) != 0, CNX_ERR_MEMORY,
                 "no memory for a picture of the report");
    fprintf(to, "<img width=\"%d\" height=\"%d\" src=\"data:image/png;base64,", image->width,
            image->height);
    base64 b = {.to = to};
    put_base64(&b, data, size);
    end_base64(&b);
cleanup:
    cnx_png_close(&png);
    fclose(memory.stream);
    free(data);
    return status;
}

void cnx_page_pictures_begin(FILE *to)
{
    fputs("<div class=\"pictures\">\n", to);
}

cnx_status cnx_page_picture(FILE *to, const char *caption, const cnx_page_view *views, int count,
                            cnx_error *err)
{
    fputs("<figure>\n<figcaption>", to);
    cnx_page_text(to, caption);
    fputs("</figcaption>\n<div class=\"views\">\n", to);
    for (int i = 0; i < count; i++) {
        fputs("<div>", to);
        CNX_TRY(put_image(to, views[i].image, err));
        fputs("\" alt=\"", to);
        cnx_page_text(to, views[i].caption);
        fputs("\">", to);
        cnx_page_text(to, views[i].caption);
        fputs("</div>\n", to);
    }
    fputs("</div>\n</figure>\n", to);
    return CNX_OK;
}

void cnx_page_pictures_end(FILE *to)
{
    fputs("</div>\n", to);
}

/* ---- facts ---- */

void cnx_page_facts_begin(FILE *to)
{
    fputs("<dl>\n", to);
}

void cnx_page_fact(FILE *to, const char *name, const char *fmt, ...)
{
    char *text = NULL;
    va_list args;
    va_start(args, fmt);
    const int length = vasprintf(&text, fmt, args);
    va_end(args);
    fputs("<dt>", to);
    cnx_page_text(to, name);
    fputs("</dt><dd>", to);
    cnx_page_text(to, length < 0 ? "(no memory)" : text);
    fputs("</dd>\n", to);
    if (length >= 0)
        free(text);
}

void cnx_page_facts_end(FILE *to)
{
    fputs("</dl>\n", to);
}
