/* Decimal text to doubles: as the C library rounds, and no more than the grammar of JSON. */
#include "core/number.h"

#include <math.h>
#include <stdbool.h>

#include "tests/unit/check.h"

static void expect(const char *text)
{
    double got = 0;
    const double want = strtod(text, NULL);
    const char *end = cnx_number_read(&got, text);
    CHECK(end == text + strlen(text) && memcmp(&got, &want, sizeof got) == 0,
          "%s: %.17g, expected %.17g", text, got, want);
}

/* `rest`: what must be left unread. */
static void expect_prefix(const char *text, const char *rest)
{
    double got;
    const char *end = cnx_number_read(&got, text);
    CHECK(end && strcmp(end, rest) == 0, "%s: stopped at %s", text, end ? end : "(nothing)");
}

static void refuse(const char *text)
{
    double got;
    CHECK(cnx_number_read(&got, text) == NULL, "%s was read", text);
}

static void random_numbers(void)
{
    unsigned long long seed = 3;
    char text[128];
    for (int round = 0; round < 400000; round++) {
        const unsigned long long bits = check_random(&seed);
        double value;
        switch (round % 5) {
        case 0: /* any double, as Python writes it */
            memcpy(&value, &bits, sizeof value);
            if (!isfinite(value))
                continue;
            snprintf(text, sizeof text, "%.17g", value);
            break;
        case 1: /* a float32 in full */
            snprintf(text, sizeof text, "%.17g", (double)(float)check_uniform(&seed));
            break;
        case 2: /* as coordinates and scores are written */
            snprintf(text, sizeof text, "%.*f", (int)(bits % 20), (double)(bits >> 44) / 1000.0);
            break;
        case 3: /* many digits, any exponent */
            snprintf(text, sizeof text, "%llu.%llue%d", bits >> (bits % 60), check_random(&seed),
                     (int)(bits % 700) - 350);
            break;
        default: /* halfway between neighbours, and beside it */
            value = ldexp((double)(bits >> 11 | 1ull << 52), -(int)(bits % 12));
            snprintf(text, sizeof text, "%.*f%s", 12, value + ldexp(.5, -(int)(bits % 12)),
                     bits & 2048 ? "" : "00000000000000000000001");
        }
        expect(text);
    }
}

int main(void)
{
    static const char *const sound[] = {
        "0",
        "-0",
        "0.0",
        "-0.0e5",
        "1",
        "-1",
        "9007199254740993",
        "9007199254740992",
        "9223372036854775807",
        "18446744073709551615",
        "18446744073709551616",
        "1e22",
        "1e23",
        "8.5e-23",
        "123456789012345678901234567890",
        "0.1",
        "0.3",
        "1e-5",
        "2.2250738585072014e-308",
        "2.2250738585072011e-308",
        "4.9406564584124654e-324",
        "2e-324",
        "3e-324",
        "1e-400",
        "1e400",
        "-1e400",
        "1.7976931348623157e308",
        "1.7976931348623159e308",
        "0.000000000000000000000000001",
        "0.00000000000000000000000000000000000000000000000000000000000000000000000012345",
        "1e1000000000000",
        "1e-1000000000000",
        "0e99999999999",
        "1E+2",
        "1e+02",
        "0.5",
        "1.00000000000000011102230246251565404236316680908203125",
        "1.00000000000000011102230246251565404236316680908203124",
        "1.00000000000000011102230246251565404236316680908203126",
        "5708990770823839524233143877797980545530986496"};
    for (size_t i = 0; i < sizeof sound / sizeof *sound; i++)
        expect(sound[i]);
    /* A thousand digits, of which the last decides. */
    char text[1200] = "1.00000000000000011102230246251565404236316680908203125";
    memset(text + strlen(text), '0', 1000);
    expect(text);
    text[1050] = '1';
    expect(text);
    expect_prefix("12,", ",");
    expect_prefix("1.5]", "]");
    expect_prefix("3e2}", "}");
    expect_prefix("-7 ", " ");
    static const char *const unsound[] = {"",   "-",   "+1",  ".5",  "1.",  "1.e5", "01", "-01",
                                          "1e", "1e+", "NaN", "inf", "--1", "e5",   " 1"};
    for (size_t i = 0; i < sizeof unsound / sizeof *unsound; i++)
        refuse(unsound[i]);
    random_numbers();
    return CHECK_RESULT;
}
