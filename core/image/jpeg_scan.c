#include "core/image/jpeg_scan.h"

#include <string.h>

/* The largest categories that 8-bit samples can give (T.81, F.1.2). */
enum { DC_CATEGORY_MAX = 11, AC_CATEGORY_MAX = 10 };

bool cnx_huffman_build(cnx_huffman *table, const uint8_t *counts, const uint8_t *symbols)
{
    memset(table, 0, sizeof *table);
    int32_t code = 0, index = 0;
    for (int length = 1; length <= 16; length++) {
        const int32_t count = counts[length - 1];
        if (code + count > 1 << length || index + count > 256)
            return false;
        table->shift[length] = index - code;
        table->last[length] = count ? code + count - 1 : -1;
        for (int32_t i = 0; i < count; i++, code++, index++) {
            table->symbols[index] = symbols[index];
            if (length > CNX_HUFFMAN_LOOK)
                continue;
            const int spare = CNX_HUFFMAN_LOOK - length;
            for (int32_t j = 0; j < 1 << spare; j++)
                table->look[(code << spare) + j] = (uint16_t)(length << 8 | symbols[index]);
        }
        code <<= 1;
    }
    table->defined = true;
    return true;
}

/* What stops a walk. */
typedef enum walk_fault {
    FAULT_NONE,
    FAULT_ENDS,    /* a marker or the end of the file where a block needs bits */
    FAULT_CODE,    /* bits that are no Huffman code */
    FAULT_VALUE,   /* a category that 8-bit samples cannot give */
    FAULT_RUN,     /* coefficients beyond the end of the block */
    FAULT_RESTART, /* no restart marker, or the wrong one, where one is due */
} walk_fault;

typedef struct walk {
    const uint8_t *bytes;
    size_t size, at;
    uint64_t bits; /* the next bits, left-aligned; zeros behind the last */
    int count;     /* how many of them are real */
    unsigned eob_run;
    walk_fault fault;
} walk;

/* At least 57 bits, unless a marker or the end of the file comes before. */
static void fill(walk *w)
{
    while (w->count <= 56 && w->at < w->size) {
        const uint8_t byte = w->bytes[w->at];
        if (byte == 0xFF) {
            if (w->at + 1 >= w->size || w->bytes[w->at + 1] != 0)
                return;
            w->at++; /* the zero that is stuffed behind a data byte of 0xFF */
        }
        w->at++;
        w->bits |= (uint64_t)byte << (56 - w->count);
        w->count += 8;
    }
}

/* n in [0, 16] */
static unsigned take_bits(walk *w, int n)
{
    if (w->count < n) {
        fill(w);
        if (w->count < n) {
            w->fault = FAULT_ENDS;
            return 0;
        }
    }
    if (n == 0)
        return 0;
    const unsigned value = (unsigned)(w->bits >> (64 - n));
    w->bits <<= n;
    w->count -= n;
    return value;
}

/* The next symbol; 0 with w->fault set when there is none. */
static int take_symbol(walk *w, const cnx_huffman *table)
{
    if (w->count < 16)
        fill(w);
    const unsigned entry = table->look[w->bits >> (64 - CNX_HUFFMAN_LOOK)];
    int length = (int)(entry >> 8), symbol = (int)(entry & 0xFF);
    if (length == 0) {
        int32_t code = 0;
        for (length = CNX_HUFFMAN_LOOK + 1; length <= 16; length++) {
            code = (int32_t)(w->bits >> (64 - length));
            if (code <= table->last[length])
                break;
        }
        if (length > 16) {
            w->fault = w->count < 16 ? FAULT_ENDS : FAULT_CODE;
            return 0;
        }
        symbol = table->symbols[(code + table->shift[length]) & 0xFF];
    }
    if (length > w->count) {
        w->fault = FAULT_ENDS;
        return 0;
    }
    w->bits <<= length;
    w->count -= length;
    return symbol;
}

static void walk_dc(walk *w, const cnx_huffman *table)
{
    const int category = take_symbol(w, table);
    if (category > DC_CATEGORY_MAX)
        w->fault = FAULT_VALUE;
    else
        take_bits(w, category);
}

static void walk_sequential_ac(walk *w, const cnx_huffman *table)
{
    for (int k = 1; k < 64 && !w->fault; k++) {
        const int symbol = take_symbol(w, table), run = symbol >> 4, category = symbol & 15;
        if (category == 0 && run == 0)
            return; /* end of block */
        k += run;
        if (k > 63)
            w->fault = FAULT_RUN;
        else if (category > AC_CATEGORY_MAX || (category == 0 && run != 15))
            w->fault = FAULT_VALUE;
        else
            take_bits(w, category);
    }
}

/* A run of blocks without further coefficients, this one included. */
static void begin_eob_run(walk *w, int exponent)
{
    w->eob_run = (1u << exponent) + take_bits(w, exponent);
}

static void walk_first_ac(walk *w, const cnx_jpeg_scan *scan, uint64_t *nonzero)
{
    for (int k = scan->first; w->eob_run == 0 && k <= scan->last && !w->fault; k++) {
        const int symbol = take_symbol(w, scan->ac[0]), run = symbol >> 4, category = symbol & 15;
        if (w->fault)
            return;
        if (category == 0 && run < 15) {
            begin_eob_run(w, run);
            break;
        }
        k += run;
        if (k > scan->last) {
            w->fault = FAULT_RUN;
        } else if (category > AC_CATEGORY_MAX) {
            w->fault = FAULT_VALUE;
        } else if (category > 0) {
            take_bits(w, category);
            *nonzero |= UINT64_C(1) << k;
        }
    }
    if (w->eob_run > 0)
        w->eob_run--;
}

/* Passes over `run` coefficients that are zero so far, and over all that are not: each of those has
 * a correction bit.  Returns where the next zero one stands, or last + 1. */
static int skip_known(walk *w, int k, int last, int run, uint64_t nonzero)
{
    for (; k <= last && !w->fault; k++) {
        if (nonzero >> k & 1)
            take_bits(w, 1);
        else if (run-- == 0)
            break;
    }
    return k;
}

static void walk_refined_ac(walk *w, const cnx_jpeg_scan *scan, uint64_t *nonzero)
{
    int k = scan->first;
    while (w->eob_run == 0 && k <= scan->last) {
        const int symbol = take_symbol(w, scan->ac[0]), run = symbol >> 4, category = symbol & 15;
        if (w->fault)
            return;
        if (category == 0 && run < 15) {
            begin_eob_run(w, run);
            break;
        }
        if (category > 1) {
            w->fault = FAULT_VALUE;
            return;
        }
        take_bits(w, category); /* its sign */
        k = skip_known(w, k, scan->last, run, *nonzero);
        if (w->fault)
            return;
        if (category == 1) {
            if (k > scan->last) {
                w->fault = FAULT_RUN;
                return;
            }
            *nonzero |= UINT64_C(1) << k;
        }
        k++;
    }
    if (w->eob_run > 0) {
        skip_known(w, k, scan->last, 64, *nonzero);
        w->eob_run--;
    }
}

static void walk_block(walk *w, const cnx_jpeg_frame *frame, const cnx_jpeg_scan *scan, int index,
                       size_t block)
{
    if (!frame->progressive) {
        walk_dc(w, scan->dc[index]);
        if (!w->fault)
            walk_sequential_ac(w, scan->ac[index]);
    } else if (scan->first == 0) {
        if (scan->high == 0)
            walk_dc(w, scan->dc[index]);
        else
            take_bits(w, 1);
    } else {
        uint64_t *nonzero = &frame->components[scan->component[0]].nonzero[block];
        if (scan->high == 0)
            walk_first_ac(w, scan, nonzero);
        else
            walk_refined_ac(w, scan, nonzero);
    }
}

static void walk_mcu(walk *w, const cnx_jpeg_frame *frame, const cnx_jpeg_scan *scan, int y, int x)
{
    if (scan->count == 1) {
        const cnx_jpeg_component *c = &frame->components[scan->component[0]];
        walk_block(w, frame, scan, 0, (size_t)y * (size_t)c->padded_wide + (size_t)x);
        return;
    }
    /* Scans of several components never need the history of a block. */
    for (int i = 0; i < scan->count; i++) {
        const cnx_jpeg_component *c = &frame->components[scan->component[i]];
        for (int b = 0; b < c->across * c->down && !w->fault; b++)
            walk_block(w, frame, scan, i, 0);
    }
}

/* Gives back the whole bytes that were taken into w->bits and not used. */
static void give_back(walk *w)
{
    for (int unused = w->count / 8; unused > 0; unused--)
        w->at -= w->bytes[w->at - 1] == 0 && w->bytes[w->at - 2] == 0xFF ? 2 : 1;
    w->bits = 0;
    w->count = 0;
}

static void walk_restart(walk *w, unsigned number)
{
    give_back(w);
    size_t at = w->at;
    while (at + 1 < w->size && w->bytes[at] == 0xFF && w->bytes[at + 1] == 0xFF)
        at++; /* fill bytes */
    if (w->size - at < 2) {
        w->fault = FAULT_ENDS;
    } else if (w->bytes[at] != 0xFF || w->bytes[at + 1] != 0xD0 + number % 8) {
        w->fault = FAULT_RESTART;
    } else {
        w->at = at + 2;
        w->eob_run = 0;
    }
}

static cnx_status fail_walk(const walk *w, int y, int rows, cnx_error *err)
{
    static const char *const reasons[] = {[FAULT_NONE] = "",
                                          [FAULT_ENDS] = "the data end too early",
                                          [FAULT_CODE] = "there is a code that no table has",
                                          [FAULT_VALUE] = "there is a value that cannot be",
                                          [FAULT_RUN] = "a block has more than 64 coefficients",
                                          [FAULT_RESTART] =
                                              "a restart marker is missing or out of turn"};
    return cnx_fail(err, CNX_ERR_FORMAT,
                    "the JPEG is damaged or cut off near byte %zu, in row %d of %d of its blocks: "
                    "%s",
                    w->at, y + 1, rows, reasons[w->fault]);
}

cnx_status cnx_jpeg_walk_scan(cnx_jpeg_frame *frame, const cnx_jpeg_scan *scan,
                              const uint8_t *bytes, size_t size, size_t at, size_t *end,
                              cnx_error *err)
{
    const cnx_jpeg_component *only = &frame->components[scan->component[0]];
    const int wide = scan->count == 1 ? only->blocks_wide : frame->mcus_wide;
    const int high = scan->count == 1 ? only->blocks_high : frame->mcus_high;
    walk w = {.bytes = bytes, .size = size, .at = at};
    unsigned until_restart = scan->restart_interval, restarts = 0;
    for (int y = 0; y < high; y++) {
        for (int x = 0; x < wide; x++) {
            if (scan->restart_interval && until_restart-- == 0) {
                walk_restart(&w, restarts++);
                until_restart = scan->restart_interval - 1;
            }
            if (!w.fault)
                walk_mcu(&w, frame, scan, y, x);
            if (w.fault)
                return fail_walk(&w, y, high, err);
        }
    }
    give_back(&w);
    *end = w.at;
    return CNX_OK;
}
