/*
 * JPEG (ITU-T T.81): Huffman-coded, sequential or progressive, 8 bits.  The markers are walked from
 * SOI to EOI, and jpeg_scan.c walks the data between them.
 *
 * What follows EOI does not matter (cameras put previews there).  A few stray bytes before a
 * marker, which some cameras leave and libjpeg skips with a warning, are taken out of the copy that
 * is decoded.  Undetected stays: damage that happens to be valid codes throughout, which only shows
 * as wrong colours; JPEG has no checksum.
 */
#include <stdlib.h>
#include <string.h>

#include "core/image/check.h"
#include "core/image/jpeg_scan.h"
#include "core/image/orient.h"

enum {
    SOF0 = 0xC0,
    SOF1 = 0xC1,
    SOF2 = 0xC2,
    DHT = 0xC4,
    JPG = 0xC8,
    DAC = 0xCC,
    SOF15 = 0xCF,
    RST0 = 0xD0,
    RST7 = 0xD7,
    SOI = 0xD8,
    EOI = 0xD9,
    SOS = 0xDA,
    DNL = 0xDC,
    DRI = 0xDD,
    DHP = 0xDE,
    EXP = 0xDF,
    APP0 = 0xE0,
    APP1 = 0xE1,
    APP14 = 0xEE,
    TEM = 0x01
};
/* Stray bytes that are forgiven at one place; more of them are a picture that is not the header's.
 */
enum { STRAY_MAX = 4096 };
/* More scans than any encoder makes (a full progression of 4 components needs under 100) are an
 * attack on the decoder's time. */
enum { SCANS_MAX = 256 };

typedef struct jpeg_state {
    cnx_picture *picture;
    cnx_jpeg_frame frame;
    cnx_huffman dc[CNX_JPEG_TABLES], ac[CNX_JPEG_TABLES];
    unsigned restart_interval;
    int scans;
    size_t at;
} jpeg_state;

/* A marker and, where it has one, its segment without the length field. */
typedef struct jpeg_segment {
    int marker;
    size_t at;           /* of its data */
    const uint8_t *data; /* lies wholly inside the file */
    uint32_t length;
} jpeg_segment;

static bool stands_alone(int marker)
{
    return marker == SOI || marker == EOI || marker == TEM || (marker >= RST0 && marker <= RST7);
}

static bool is_frame(int marker)
{
    return marker >= SOF0 && marker <= SOF15 && marker != DHT && marker != JPG && marker != DAC;
}

/* The next marker; stray bytes before it are cut from the copy when there is to be one. */
static cnx_status next_segment(jpeg_state *jpeg, jpeg_segment *out, cnx_error *err)
{
    cnx_picture *picture = jpeg->picture;
    const uint8_t *bytes = picture->bytes;
    const size_t start = jpeg->at;
    size_t at = start;
    while (at + 1 < picture->size &&
           (bytes[at] != 0xFF || bytes[at + 1] == 0 || bytes[at + 1] == 0xFF))
        at++;
    CNX_FAIL_IF(at + 1 >= picture->size, CNX_ERR_FORMAT,
                "the JPEG ends early, at byte %zu, without an end marker: it is cut off",
                picture->size);
    CNX_FAIL_IF(at - start > STRAY_MAX, CNX_ERR_FORMAT,
                "the JPEG is damaged: %zu bytes before the marker at byte %zu belong to nothing",
                at - start, at);
    if (picture->whole && at > start)
        CNX_TRY(cnx_rewrite_edit(&picture->rewrite, bytes, picture->size, start, at - start, NULL,
                                 0, err));
    *out = (jpeg_segment){.marker = bytes[at + 1], .at = at + 2};
    jpeg->at = at + 2;
    if (stands_alone(out->marker))
        return CNX_OK;
    const size_t left = picture->size - jpeg->at;
    const uint32_t length = left >= 2 ? cnx_be16(bytes + jpeg->at) : 0;
    CNX_FAIL_IF(left < 2 || (length >= 2 && length > left), CNX_ERR_FORMAT,
                "the JPEG ends inside its segment 0x%02x at byte %zu: it is cut off", out->marker,
                at);
    CNX_FAIL_IF(length < 2, CNX_ERR_FORMAT,
                "the JPEG segment 0x%02x at byte %zu has a length of %u; at least 2", out->marker,
                at, length);
    out->at = jpeg->at + 2;
    out->data = bytes + out->at;
    out->length = length - 2;
    jpeg->at += length;
    return CNX_OK;
}

static cnx_status read_component(cnx_jpeg_frame *frame, int index, const uint8_t *p, cnx_error *err)
{
    cnx_jpeg_component *c = &frame->components[index];
    *c = (cnx_jpeg_component){.id = p[0], .across = p[1] >> 4, .down = p[1] & 15};
    memset(c->precision, -1, sizeof c->precision);
    CNX_FAIL_IF(c->across < 1 || c->across > 4 || c->down < 1 || c->down > 4, CNX_ERR_FORMAT,
                "the JPEG component %d has the sampling factors %d x %d; they go from 1 to 4",
                c->id, c->across, c->down);
    return CNX_OK;
}

static int ceil_div(int64_t a, int64_t b)
{
    return (int)((a + b - 1) / b);
}

/* How many blocks there are, and that the file can hold them. */
static cnx_status lay_out_blocks(const cnx_picture *picture, cnx_jpeg_frame *frame, cnx_error *err)
{
    int across = 1, down = 1;
    for (int i = 0; i < frame->count; i++) {
        across = frame->components[i].across > across ? frame->components[i].across : across;
        down = frame->components[i].down > down ? frame->components[i].down : down;
    }
    frame->mcus_wide = ceil_div(frame->width, 8 * across);
    frame->mcus_high = ceil_div(frame->height, 8 * down);
    uint64_t blocks = 0;
    for (int i = 0; i < frame->count; i++) {
        cnx_jpeg_component *c = &frame->components[i];
        c->blocks_wide = ceil_div((int64_t)frame->width * c->across, 8 * across);
        c->blocks_high = ceil_div((int64_t)frame->height * c->down, 8 * down);
        c->padded_wide = frame->mcus_wide * c->across;
        c->padded_blocks = (size_t)c->padded_wide * (size_t)(frame->mcus_high * c->down);
        blocks += (uint64_t)c->blocks_wide * (uint64_t)c->blocks_high;
    }
    /* The DC value of a block takes a Huffman code, and that at least one bit. */
    CNX_FAIL_IF(blocks / 8 > picture->size, CNX_ERR_FORMAT,
                "the header says %d x %d pixels, which %zu bytes of JPEG cannot hold", frame->width,
                frame->height, picture->size);
    return CNX_OK;
}

static cnx_status read_frame(jpeg_state *jpeg, const jpeg_segment *segment, cnx_error *err)
{
    cnx_jpeg_frame *frame = &jpeg->frame;
    const uint8_t *p = segment->data;
    CNX_FAIL_IF(segment->marker > SOF2, CNX_ERR_UNSUPPORTED,
                "is a JPEG of a rare kind (frame type 0x%02x: lossless, hierarchical or "
                "arithmetic-coded), which is not read; save it as an ordinary JPEG or PNG",
                segment->marker);
    CNX_FAIL_IF(frame->count != 0, CNX_ERR_FORMAT, "the JPEG has two frame headers");
    CNX_FAIL_IF(segment->length < 6 || segment->length != 6 + 3 * (uint32_t)p[5], CNX_ERR_FORMAT,
                "the JPEG frame header has a wrong length (%u bytes)", segment->length);
    CNX_FAIL_IF(p[0] != 8, CNX_ERR_UNSUPPORTED, "is a JPEG of %d bits a sample; 8 are read", p[0]);
    CNX_FAIL_IF(p[5] != 1 && p[5] != 3 && p[5] != 4, CNX_ERR_FORMAT,
                "the JPEG header says %d components; expected 1, 3 or 4", p[5]);
    CNX_TRY(cnx_picture_set_size(jpeg->picture, cnx_be16(p + 3), cnx_be16(p + 1), err));
    frame->progressive = segment->marker == SOF2;
    frame->width = jpeg->picture->width;
    frame->height = jpeg->picture->height;
    for (int i = 0; i < p[5]; i++)
        CNX_TRY(read_component(frame, i, p + 6 + 3 * i, err));
    frame->count = p[5];
    return lay_out_blocks(jpeg->picture, frame, err);
}

static cnx_status read_tables(jpeg_state *jpeg, const jpeg_segment *segment, cnx_error *err)
{
    uint32_t at = 0;
    while (at < segment->length) {
        const uint8_t *p = segment->data + at;
        CNX_FAIL_IF(segment->length - at < 17, CNX_ERR_FORMAT,
                    "the JPEG segment of Huffman tables at byte %zu ends inside a table",
                    segment->at);
        const int kind = p[0] >> 4, index = p[0] & 15;
        uint32_t symbols = 0;
        for (int i = 1; i <= 16; i++)
            symbols += p[i];
        CNX_FAIL_IF(kind > 1 || index >= CNX_JPEG_TABLES, CNX_ERR_FORMAT,
                    "the JPEG has a Huffman table numbered 0x%02x, which does not exist", p[0]);
        CNX_FAIL_IF(symbols > 256 || symbols > segment->length - at - 17, CNX_ERR_FORMAT,
                    "the JPEG Huffman table at byte %zu has %u symbols, more than fit",
                    segment->at + at, symbols);
        CNX_FAIL_IF(!cnx_huffman_build(kind ? &jpeg->ac[index] : &jpeg->dc[index], p + 1, p + 17),
                    CNX_ERR_FORMAT,
                    "the JPEG Huffman table at byte %zu has more codes than their lengths allow",
                    segment->at + at);
        at += 17 + symbols;
    }
    return CNX_OK;
}

/* From `first` on: scans name their components in the frame's order (T.81, B.2.3), so that each is
 * found once even where, in defiance of the standard, two have the same name. */
static int find_component(const cnx_jpeg_frame *frame, int first, int id)
{
    for (int i = first; i < frame->count; i++)
        if (frame->components[i].id == id)
            return i;
    return -1;
}

static cnx_status read_scan_components(jpeg_state *jpeg, const jpeg_segment *segment,
                                       cnx_jpeg_scan *scan, cnx_error *err)
{
    const uint8_t *p = segment->data;
    int blocks = 0;
    for (int i = 0; i < scan->count; i++) {
        const int id = p[1 + 2 * i], tables = p[2 + 2 * i];
        const int dc = tables >> 4, ac = tables & 15;
        const int index = find_component(&jpeg->frame, i ? scan->component[i - 1] + 1 : 0, id);
        CNX_FAIL_IF(index < 0, CNX_ERR_FORMAT,
                    "the JPEG scan at byte %zu names component %d, which the frame does not have "
                    "at that place",
                    segment->at, id);
        CNX_FAIL_IF(dc >= CNX_JPEG_TABLES || ac >= CNX_JPEG_TABLES, CNX_ERR_FORMAT,
                    "the JPEG scan at byte %zu uses a Huffman table numbered 0x%02x, which does "
                    "not exist",
                    segment->at, tables);
        scan->component[i] = index;
        scan->dc[i] = &jpeg->dc[dc];
        scan->ac[i] = &jpeg->ac[ac];
        blocks += jpeg->frame.components[index].across * jpeg->frame.components[index].down;
    }
    CNX_FAIL_IF(scan->count > 1 && blocks > 10, CNX_ERR_FORMAT,
                "the JPEG scan at byte %zu has %d blocks in a unit; at most 10", segment->at,
                blocks);
    return CNX_OK;
}

static cnx_status read_scan_header(jpeg_state *jpeg, const jpeg_segment *segment,
                                   cnx_jpeg_scan *scan, cnx_error *err)
{
    const uint8_t *p = segment->data;
    const int count = segment->length ? p[0] : 0;
    CNX_FAIL_IF(jpeg->frame.count == 0, CNX_ERR_FORMAT, "the JPEG has a scan before its frame");
    CNX_FAIL_IF(count < 1 || count > jpeg->frame.count ||
                    segment->length != 4 + 2 * (uint32_t)count,
                CNX_ERR_FORMAT, "the JPEG scan header at byte %zu has a wrong length", segment->at);
    CNX_FAIL_IF(++jpeg->scans > SCANS_MAX, CNX_ERR_FORMAT, "the JPEG has more than %d scans",
                SCANS_MAX);
    p += 1 + 2 * count;
    *scan = (cnx_jpeg_scan){.count = count,
                            .first = p[0],
                            .last = p[1],
                            .high = p[2] >> 4,
                            .low = p[2] & 15,
                            .restart_interval = jpeg->restart_interval};
    return read_scan_components(jpeg, segment, scan, err);
}

/* The tables that the blocks of this scan are coded with. */
static cnx_status check_scan_tables(const jpeg_state *jpeg, const cnx_jpeg_scan *scan,
                                    cnx_error *err)
{
    const bool progressive = jpeg->frame.progressive;
    const bool needs_dc = !progressive || (scan->first == 0 && scan->high == 0);
    const bool needs_ac = !progressive || scan->first > 0;
    for (int i = 0; i < scan->count; i++)
        CNX_FAIL_IF((needs_dc && !scan->dc[i]->defined) || (needs_ac && !scan->ac[i]->defined),
                    CNX_ERR_FORMAT, "the JPEG uses a Huffman table that it does not define%s",
                    jpeg->scans == 1 ? " (a single frame of an MJPEG video leaves them out; save "
                                       "it as an ordinary JPEG)"
                                     : "");
    return CNX_OK;
}

/* Sequential frames hold each component once, with all its coefficients.  Some encoders say
 * something else about the coefficients, which libjpeg ignores with a warning. */
static cnx_status begin_sequential(jpeg_state *jpeg, const jpeg_segment *segment,
                                   const cnx_jpeg_scan *scan, cnx_error *err)
{
    static const uint8_t all[3] = {0, 63, 0};
    cnx_picture *picture = jpeg->picture;
    cnx_jpeg_frame *frame = &jpeg->frame;
    if (scan->first != 0 || scan->last != 63 || scan->high != 0 || scan->low != 0)
        CNX_TRY(cnx_rewrite_edit(&picture->rewrite, picture->bytes, picture->size,
                                 segment->at + segment->length - 3, 3, all, 3, err));
    for (int i = 0; i < scan->count; i++) {
        cnx_jpeg_component *c = &frame->components[scan->component[i]];
        CNX_FAIL_IF(c->coded, CNX_ERR_FORMAT, "the JPEG holds its component %d twice", c->id);
        c->coded = true;
    }
    return CNX_OK;
}

/* Each scan of a progressive frame must go on where the last one on the same coefficients ended. */
static cnx_status begin_progressive(cnx_jpeg_frame *frame, const cnx_jpeg_scan *scan,
                                    cnx_error *err)
{
    const bool dc = scan->first == 0;
    CNX_FAIL_IF(
        (dc ? scan->last != 0 : scan->first > scan->last || scan->last > 63 || scan->count > 1) ||
            scan->low > 13 || (scan->high && scan->high != scan->low + 1),
        CNX_ERR_FORMAT,
        "the JPEG has a scan of coefficients %d to %d, bits %d to %d, of %d components, "
        "which the standard does not allow",
        scan->first, scan->last, scan->high, scan->low, scan->count);
    for (int i = 0; i < scan->count; i++) {
        cnx_jpeg_component *c = &frame->components[scan->component[i]];
        CNX_FAIL_IF(!dc && c->precision[0] < 0, CNX_ERR_FORMAT,
                    "the JPEG has a scan of details before the one that they belong to");
        for (int k = scan->first; k <= scan->last; k++) {
            const int known = c->precision[k];
            CNX_FAIL_IF(scan->high ? known != scan->high : known >= 0, CNX_ERR_FORMAT,
                        "the JPEG has a progressive scan that does not continue the one before it");
            c->precision[k] = (int8_t)scan->low;
        }
        c->coded = true;
        if (!dc && !c->nonzero) {
            c->nonzero = calloc(c->padded_blocks, sizeof *c->nonzero);
            CNX_FAIL_IF(!c->nonzero, CNX_ERR_MEMORY, "not enough memory to check the JPEG");
        }
    }
    return CNX_OK;
}

static cnx_status read_scan(jpeg_state *jpeg, const jpeg_segment *segment, cnx_error *err)
{
    cnx_jpeg_scan scan;
    CNX_TRY(read_scan_header(jpeg, segment, &scan, err));
    CNX_TRY(check_scan_tables(jpeg, &scan, err));
    if (jpeg->frame.progressive)
        CNX_TRY(begin_progressive(&jpeg->frame, &scan, err));
    else
        CNX_TRY(begin_sequential(jpeg, segment, &scan, err));
    return cnx_jpeg_walk_scan(&jpeg->frame, &scan, jpeg->picture->bytes, jpeg->picture->size,
                              jpeg->at, &jpeg->at, err);
}

/* libjpeg warns of values that it does not know in two application segments, and then takes the
 * ones that are put in their place here. */
static cnx_status tidy_application(jpeg_state *jpeg, const jpeg_segment *segment, cnx_error *err)
{
    cnx_picture *picture = jpeg->picture;
    const uint8_t *p = segment->data;
    size_t offset = 0;
    uint8_t value = 1;
    if (segment->marker == APP0 && segment->length >= 12 && memcmp(p, "JFIF", 5) == 0) {
        if (p[5] != 1) /* major version */
            offset = 5;
    } else if (segment->marker == APP14 && segment->length >= 12 && memcmp(p, "Adobe", 5) == 0) {
        const uint8_t usual = picture->whole && jpeg->frame.count == 4 ? 2 : 1;
        if (p[11] != 0 && p[11] != usual) { /* colour transform */
            offset = 11;
            value = usual;
        }
    }
    if (offset == 0)
        return CNX_OK;
    return cnx_rewrite_edit(&picture->rewrite, picture->bytes, picture->size, segment->at + offset,
                            1, &value, 1, err);
}

/* The header: size, components and orientation, up to the first scan. */
static cnx_status read_head(jpeg_state *jpeg, cnx_error *err)
{
    cnx_picture *picture = jpeg->picture;
    const bool whole = picture->whole;
    picture->whole = false; /* nothing is cut while looking ahead */
    jpeg->at = 2;
    cnx_status status = CNX_OK;
    jpeg_segment segment = {0};
    bool exif_seen = false;
    while (status == CNX_OK && segment.marker != SOS) {
        status = next_segment(jpeg, &segment, err);
        if (status != CNX_OK)
            break;
        if (is_frame(segment.marker)) {
            status = read_frame(jpeg, &segment, err);
        } else if (segment.marker == APP1 && !exif_seen) {
            /* Parity: OpenCV looks into the first APP1 only, be it EXIF or not. */
            exif_seen = true;
            if (segment.length > 6)
                picture->orientation = cnx_exif_orientation(segment.data + 6, segment.length - 6);
        } else if (segment.marker == EOI || (segment.marker == SOS && jpeg->frame.count == 0)) {
            status = cnx_fail(err, CNX_ERR_FORMAT, "the JPEG holds no picture");
        }
    }
    picture->whole = whole;
    return status;
}

static cnx_status read_segment(jpeg_state *jpeg, const jpeg_segment *segment, cnx_error *err)
{
    switch (segment->marker) {
    case DHT:
        return read_tables(jpeg, segment, err);
    case DRI:
        CNX_FAIL_IF(segment->length != 2, CNX_ERR_FORMAT,
                    "the JPEG restart interval has %u bytes; expected 2", segment->length);
        jpeg->restart_interval = cnx_be16(segment->data);
        return CNX_OK;
    case SOS:
        return read_scan(jpeg, segment, err);
    case APP0:
    case APP14:
        return tidy_application(jpeg, segment, err);
    case SOI:
    case DNL:
    case DHP:
    case EXP:
        return cnx_fail(err, CNX_ERR_FORMAT,
                        "the JPEG has a marker 0x%02x at byte %zu, where it "
                        "cannot be read",
                        segment->marker, segment->at);
    default:
        return CNX_OK;
    }
}

static cnx_status read_whole(jpeg_state *jpeg, cnx_error *err)
{
    cnx_picture *picture = jpeg->picture;
    bool frame_seen = false;
    jpeg->at = 2;
    for (;;) {
        jpeg_segment segment;
        CNX_TRY(next_segment(jpeg, &segment, err));
        if (segment.marker == EOI)
            break;
        if (is_frame(segment.marker)) {
            CNX_FAIL_IF(frame_seen, CNX_ERR_FORMAT, "the JPEG has two frame headers");
            frame_seen = true;
        } else {
            CNX_TRY(read_segment(jpeg, &segment, err));
        }
    }
    for (int i = 0; i < jpeg->frame.count; i++)
        CNX_FAIL_IF(!jpeg->frame.components[i].coded, CNX_ERR_FORMAT,
                    "the JPEG ends before its component %d", jpeg->frame.components[i].id);
    cnx_rewrite_end(&picture->rewrite, picture->bytes, picture->size);
    return CNX_OK;
}

cnx_status cnx_check_jpeg(cnx_picture *picture, cnx_error *err)
{
    /* The tables are too much for a thread's stack. */
    jpeg_state *jpeg = calloc(1, sizeof *jpeg);
    CNX_FAIL_IF(!jpeg, CNX_ERR_MEMORY, "not enough memory to check the JPEG");
    jpeg->picture = picture;
    cnx_status status = read_head(jpeg, err);
    if (status == CNX_OK && picture->whole)
        status = read_whole(jpeg, err);
    for (int i = 0; i < CNX_JPEG_COMPONENTS; i++)
        free(jpeg->frame.components[i].nonzero);
    free(jpeg);
    return status;
}
