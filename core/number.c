/*
 * Most numbers in files have few digits, and are a quotient or product of two doubles that are exact;
 * those with up to 19 digits and a moderate exponent take one division of 128-bit integers, which tells
 * how to round.  The C library reads the rest, from text without a decimal point, which has no locale.
 */
#include "core/number.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    MAX_DIGITS = 19,   /* of an integer in 64 bits */
    MAX_EXACT = 22,    /* 10^22 is a double */
    MAX_QUOTIENT = 19, /* 10^19 is a 64-bit integer */
    KEPT_DIGITS = 780, /* no double needs more to be told from its neighbours */
    MAX_EXPONENT = 1000000
};

typedef unsigned __int128 wide;

static const double powers[MAX_EXACT + 1] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                             1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                             1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
static const uint64_t whole_powers[MAX_QUOTIENT + 1] = {1ull,
                                                        10ull,
                                                        100ull,
                                                        1000ull,
                                                        10000ull,
                                                        100000ull,
                                                        1000000ull,
                                                        10000000ull,
                                                        100000000ull,
                                                        1000000000ull,
                                                        10000000000ull,
                                                        100000000000ull,
                                                        1000000000000ull,
                                                        10000000000000ull,
                                                        100000000000000ull,
                                                        1000000000000000ull,
                                                        10000000000000000ull,
                                                        100000000000000000ull,
                                                        1000000000000000000ull,
                                                        10000000000000000000ull};

static bool is_digit(char c)
{
    return (unsigned)(c - '0') < 10;
}

/* digits / 10^power, rounded to the nearest double, ties to even. */
static double quotient(uint64_t digits, int power)
{
    const uint64_t divisor = whole_powers[power];
    const int shift = __builtin_clzll(digits);
    const wide dividend = (wide)(digits << shift) << 64;
    wide q = dividend / divisor;
    bool rest = dividend % divisor != 0;
    /* q has 64 bits or more: the 54 first ones stay, the last of which tells the half. */
    const uint64_t high = (uint64_t)(q >> 64);
    const int bits = high ? 128 - __builtin_clzll(high) : 64;
    const int drop = bits - 54;
    rest |= (q & (((wide)1 << drop) - 1)) != 0;
    uint64_t m = (uint64_t)(q >> drop);
    const bool half = m & 1;
    m >>= 1;
    if (half && (rest || (m & 1)))
        m++;
    return ldexp((double)m, drop + 1 - 64 - shift);
}

/* By the C library: at most KEPT_DIGITS digits, and a last one that stands for all that are left out. */
static double by_library(const char *first, const char *end, long exponent, bool negative)
{
    char text[KEPT_DIGITS + 40];
    size_t n = 0, count = 0;
    bool more = false;
    if (negative)
        text[n++] = '-';
    for (const char *p = first; p < end; p++) {
        if (*p == '.' || (count == 0 && *p == '0'))
            continue;
        if (count < KEPT_DIGITS) {
            text[n++] = *p;
            count++;
        } else {
            more |= *p != '0';
            exponent++;
        }
    }
    if (count == 0)
        return negative ? -0.0 : 0.0;
    if (more) {
        text[n++] = '1';
        exponent--;
    }
    snprintf(text + n, sizeof text - n, "e%ld", exponent);
    return strtod(text, NULL);
}

const char *cnx_number_read(double *out, const char *text)
{
    const char *p = text;
    const bool negative = *p == '-';
    p += negative;
    const char *const first = p;
    if (!is_digit(*p))
        return NULL;
    /* The digits as an integer, which wraps where there are too many. */
    uint64_t digits = 0;
    while (is_digit(*p))
        digits = 10 * digits + (uint64_t)(*p++ - '0');
    if (*first == '0' && p - first > 1)
        return NULL;
    long count = p - first, exponent = 0;
    if (*p == '.') {
        const char *const fraction = ++p;
        while (is_digit(*p))
            digits = 10 * digits + (uint64_t)(*p++ - '0');
        if (p == fraction)
            return NULL;
        exponent = fraction - p;
        count += p - fraction;
    }
    const char *const end = p;
    if (*p == 'e' || *p == 'E') {
        p++;
        const bool down = *p == '-';
        p += *p == '-' || *p == '+';
        if (!is_digit(*p))
            return NULL;
        long e = 0;
        for (; is_digit(*p); p++)
            e = e < MAX_EXPONENT ? 10 * e + (*p - '0') : e;
        exponent += down ? -e : e;
    }
    if (count > MAX_DIGITS) { /* leading zeros count for nothing */
        for (const char *z = first; z < end && (*z == '0' || *z == '.'); z++)
            count -= *z == '0';
    }
    double value;
    if (count <= MAX_DIGITS && digits == 0)
        value = 0;
    else if (count <= MAX_DIGITS && digits <= (uint64_t)1 << 53 && exponent >= -MAX_EXACT &&
             exponent <= MAX_EXACT)
        value =
            exponent < 0 ? (double)digits / powers[-exponent] : (double)digits * powers[exponent];
    else if (count <= MAX_DIGITS && exponent < 0 && exponent >= -MAX_QUOTIENT)
        value = quotient(digits, (int)-exponent);
    else {
        *out = by_library(first, end, exponent, negative);
        return p;
    }
    *out = negative ? -value : value;
    return p;
}
