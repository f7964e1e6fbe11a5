/*
 * The algebra of one axis, in double precision: with taps and samples that are numbers, what the
 * products give is compared with upsampling and convolving as they are defined.
 */
#include <math.h>

#include "core/ops/upsample_axis.h"
#include "tests/unit/check.h"

enum { LONGEST = 140 };

static double sample(const double *x, int in, int out, int o)
{
    if (o < 0 || o >= out)
        return 0;
    double s = (o + 0.5) * in / out - 0.5;
    s = s < 0 ? 0 : s;
    const int i = (int)s < in - 1 ? (int)s : in - 1;
    const int next = i + 1 < in ? i + 1 : i;
    return x[i] + (s - i) * (x[next] - x[i]);
}

static double product(const cnx_axis *axis, const double *x, const double taps[3], int kind,
                      int line)
{
    const cnx_axis_filter filter = cnx_axis_kind_filter(axis, kind);
    const double tap = filter == CNX_FILTER_BOTH ? taps[0] + taps[2] : taps[(int)filter];
    const int data = cnx_axis_kind_data(axis, kind);
    CHECK(line >= 0 && line < cnx_axis_data_lines(axis, data), "%d -> %d: line %d of kind %d",
          axis->in, axis->out, line, kind);
    int plus, minus;
    cnx_axis_data_line(axis, data, line, &plus, &minus);
    CHECK(plus < axis->in && minus < axis->in, "%d -> %d: line %d of kind %d takes %d, %d",
          axis->in, axis->out, line, kind, plus, minus);
    return tap * ((plus < 0 ? 0 : x[plus]) - (minus < 0 ? 0 : x[minus]));
}

static void check_axis(int in, int out, bool may_double)
{
    unsigned long long state = (unsigned long long)(in * 1000 + out);
    double x[LONGEST], taps[3], worst = 0;
    for (int i = 0; i < in; i++)
        x[i] = (double)check_uniform(&state);
    for (int t = 0; t < 3; t++)
        taps[t] = (double)check_uniform(&state);
    const cnx_axis axis = cnx_axis_make(in, out, may_double);
    int made = 0, most = 0;
    for (int g = 0, first = 0; g < axis.groups; g++) {
        cnx_axis_group group;
        cnx_axis_group_at(&axis, g, &group);
        CHECK(group.first >= first, "%d -> %d: group %d goes back", in, out, g);
        first = group.first;
        most = group.last - first + 1 > most ? group.last - first + 1 : most;
        for (int j = 0; j < CNX_AXIS_GROUP; j++) {
            const int o = CNX_AXIS_GROUP * g - 2 + j;
            if (o < 0 || o >= out)
                continue;
            double got = 0, want = 0;
            for (int s = 0; s < group.count; s++) {
                const cnx_axis_source *source = &group.source[s];
                CHECK(source->line >= group.first && source->line <= group.last,
                      "%d -> %d: line outside", in, out);
                got +=
                    (double)source->weight[j] * product(&axis, x, taps, source->kind, source->line);
            }
            for (int t = 0; t < 3; t++)
                want += taps[t] * sample(x, in, out, o + t - 1);
            worst = fmax(worst, fabs(got - want));
            made++;
        }
    }
    /* The weights of a doubled axis are exact; those of another are float32's. */
    const double limit = axis.doubled ? 1e-15 : 2e-5;
    CHECK(worst < limit, "%d -> %d, doubled %d: off by %g", in, out, axis.doubled, worst);
    CHECK(made == out, "%d -> %d: %d outputs", in, out, made);
    CHECK(most == cnx_axis_reach(&axis), "%d -> %d: reach", in, out);
}

int main(void)
{
    for (int in = 1; in <= 70; in++) {
        check_axis(in, 2 * in, true);
        check_axis(in, 2 * in, false);
        for (int out = 1; out <= LONGEST; out += 1 + out / 7)
            check_axis(in, out, true);
    }
    const cnx_axis doubled = cnx_axis_make(64, 128, true), plain = cnx_axis_make(64, 128, false);
    CHECK(doubled.doubled && cnx_axis_products(&doubled) == 64 + 32 + 2 * 33, "products");
    CHECK(!plain.doubled && cnx_axis_products(&plain) == 3 * 64, "products");
    CHECK(!cnx_axis_make(64, 127, true).doubled && !cnx_axis_make(64, 129, true).doubled, "odd");
    return CHECK_RESULT;
}
