#include "tools/meter.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/memory.h"
#include "tools/words.h"

/* Seconds between two lines. */
static const double terminal_interval = 0.1, plain_interval = 5.0;

void cnx_meter_begin(cnx_meter *p, size_t total, const char *unit, bool enabled)
{
    const char *kind = getenv("TERM");
    const double now = cnx_now();
    *p = (cnx_meter){.enabled = enabled,
                     .terminal = isatty(STDERR_FILENO) && kind && strcmp(kind, "dumb") != 0,
                     .total = total,
                     .unit = unit,
                     .started = now,
                     .last = now};
}

/* The columns of the terminal. */
static int terminal_width(void)
{
    struct winsize size;
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col >= 20)
        return size.ws_col;
    return 80;
}

static void compose(const cnx_meter *p, double now, char *text, size_t size)
{
    const double elapsed = now - p->started;
    const double done = (double)p->done + p->share;
    const double left = done > 0 ? elapsed * ((double)p->total - done) / done : -1;
    const double rate = elapsed > 0 ? done / elapsed : 0;
    char speed[48] = "";
    if (rate >= 1)
        snprintf(speed, sizeof speed, "%.1f/s", rate);
    else if (rate > 0)
        snprintf(speed, sizeof speed, "%.1f s each", 1 / rate);
    snprintf(text, size, "%zu/%zu %s, %.0f %%, %s%sleft %s, peak %s%s%s", p->done, p->total,
             p->unit, p->total ? 100 * done / (double)p->total : 100.0, speed, *speed ? ", " : "",
             cnx_words_clock(left).text, cnx_words_bytes(cnx_peak_rss()).text,
             p->current ? ": " : "", p->current ? p->current : "");
    cnx_words_printable(text);
}

/* Cuts text to that many columns, never inside a UTF-8 sequence. */
static void cut_to_width(char *text, int columns)
{
    for (char *p = text; *p; p++) {
        if (((unsigned char)*p & 0xc0) == 0x80)
            continue;
        if (columns-- == 0) {
            *p = '\0';
            return;
        }
    }
}

static void show(cnx_meter *p, bool item_ended)
{
    if (!p->enabled)
        return;
    const double now = cnx_now();
    const double interval = p->terminal ? terminal_interval : plain_interval;
    if (now - p->last < interval && !(p->terminal && item_ended))
        return;
    p->last = now;
    char text[512];
    compose(p, now, text, sizeof text);
    if (p->terminal) {
        cut_to_width(text, terminal_width() - 1);
        fprintf(stderr, "\r\033[K%s", text);
        fflush(stderr);
        p->shown = true;
    } else {
        fprintf(stderr, "cnx: %s\n", text);
    }
}

void cnx_meter_item(cnx_meter *p, const char *name)
{
    const char *slash = strrchr(name, '/');
    p->current = slash && slash[1] ? slash + 1 : name;
    show(p, false);
}

void cnx_meter_share(cnx_meter *p, double share)
{
    p->share = share;
    show(p, false);
}

void cnx_meter_item_done(cnx_meter *p)
{
    p->done++;
    p->share = p->share > 1 ? p->share - 1 : 0;
    p->current = NULL;
    show(p, true);
}

void cnx_meter_clear(cnx_meter *p)
{
    if (!p->shown)
        return;
    fputs("\r\033[K", stderr);
    fflush(stderr);
    p->shown = false;
}
