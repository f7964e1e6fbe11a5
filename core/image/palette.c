/* Colours of classes: palettes, coloured labels, overlays. */
#include <math.h>
#include <string.h>

#include "core/image/draw.h"

/*
 * One colour, from integers only, so that it is the same everywhere: the hue goes round by the
 * golden angle, which keeps any number of successive colours apart; five levels of value and three
 * of saturation separate the hues that come to lie near each other after some dozens.
 */
static void generate_colour(uint8_t rgb[3], unsigned index)
{
    static const unsigned values[] = {245, 170, 210, 135, 190}, saturations[] = {200, 110, 160};
    /* 2^32 / golden ratio: the fraction of a turn in 32 bits. */
    const uint32_t turn = (uint32_t)index * 2654435769u + 0x08000000u;
    const unsigned value = values[index % 5], saturation = saturations[index / 5 % 3];
    const unsigned position = (unsigned)(((uint64_t)turn * 6 * 256) >> 32); /* 0..1535 */
    const unsigned sector = position / 256, part = position % 256;
    const unsigned low = value * (255 - saturation) / 255;
    const unsigned rising = low + (value - low) * part / 255;
    const unsigned falling = low + (value - low) * (255 - part) / 255;
    const unsigned wheel[6][3] = {{value, rising, low}, {falling, value, low},
                                  {low, value, rising}, {low, falling, value},
                                  {rising, low, value}, {value, low, falling}};
    for (int c = 0; c < 3; c++)
        rgb[c] = (uint8_t)wheel[sector][c];
}

void cnx_palette_generate(uint8_t *rgb, int count)
{
    for (int i = 0; i < count; i++)
        generate_colour(rgb + 3 * (size_t)i, (unsigned)i);
}

static const uint8_t black[3] = {0, 0, 0};

static const uint8_t *colour_of(uint16_t label, const uint8_t *palette, int count)
{
    return label < count ? palette + 3 * (size_t)label : black;
}

void cnx_colour_labels(const uint16_t *labels, size_t n, const uint8_t *palette, int count,
                       uint8_t *out)
{
    for (size_t i = 0; i < n; i++)
        memcpy(out + 3 * i, colour_of(labels[i], palette, count), 3);
}

void cnx_blend_labels(uint8_t *rgb, const uint16_t *labels, size_t n, const uint8_t *palette,
                      int count, float opacity)
{
    /* !(> 0) also takes in NaN.  16 bits of opacity leave less than 1/256 of a level of error. */
    const float clamped = !(opacity > 0.0f) ? 0.0f : opacity < 1.0f ? opacity : 1.0f;
    const uint32_t over = (uint32_t)lrintf(clamped * 65536.0f), under = 65536 - over;
    for (size_t i = 0; i < n; i++) {
        const uint8_t *colour = colour_of(labels[i], palette, count);
        for (size_t c = 0; c < 3; c++)
            rgb[3 * i + c] = (uint8_t)((rgb[3 * i + c] * under + colour[c] * over + 32768) >> 16);
    }
}
