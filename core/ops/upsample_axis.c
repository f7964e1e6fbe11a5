#include "core/ops/upsample_axis.h"

#include <assert.h>

#include "core/ops/pixelwise.h"

/* Data of a doubled axis; a plain one has the samples alone. */
enum { EVEN, ODD, BACK, ON };
/* Kinds of a doubled axis; those of a plain one are numbered as its taps. */
enum { W_EVEN, W_ODD, Y_BACK, Y_BOTH, Y_ON };

static const struct {
    cnx_axis_filter filter;
    int data;
} doubled_kinds[CNX_AXIS_KINDS] = {
    [W_EVEN] = {CNX_FILTER_CENTRE, EVEN}, [W_ODD] = {CNX_FILTER_CENTRE, ODD},
    [Y_BACK] = {CNX_FILTER_BEFORE, BACK}, [Y_BOTH] = {CNX_FILTER_BOTH, EVEN},
    [Y_ON] = {CNX_FILTER_AFTER, ON},
};

cnx_axis cnx_axis_make(int in, int out, bool may_double)
{
    const bool doubled = may_double && out % 2 == 0 && out / 2 == in;
    return (cnx_axis){.in = in,
                      .out = out,
                      .doubled = doubled,
                      .kinds = doubled ? CNX_AXIS_KINDS : 3,
                      .data = doubled ? CNX_AXIS_DATA : 1,
                      .groups = (out + 1) / CNX_AXIS_GROUP + 1,
                      .lines = doubled ? in / 2 + 1 : in};
}

cnx_axis_filter cnx_axis_kind_filter(const cnx_axis *axis, int kind)
{
    return axis->doubled ? doubled_kinds[kind].filter : (cnx_axis_filter)kind;
}

int cnx_axis_kind_data(const cnx_axis *axis, int kind)
{
    return axis->doubled ? doubled_kinds[kind].data : 0;
}

int cnx_axis_data_lines(const cnx_axis *axis, int data)
{
    if (!axis->doubled)
        return axis->in;
    return data == EVEN ? (axis->in + 1) / 2 : data == ODD ? axis->in / 2 : axis->in / 2 + 1;
}

void cnx_axis_data_line(const cnx_axis *axis, int data, int line, int *plus, int *minus)
{
    const int even = 2 * line;
    *plus = line;
    *minus = -1;
    if (!axis->doubled)
        return;
    if (data == BACK || data == ON)
        *minus = even < axis->in ? even : -1;
    if (data == EVEN)
        *plus = even;
    else if (data == BACK)
        *plus = even - 1; /* -1 at line 0 */
    else if (data == ODD || even + 1 < axis->in)
        *plus = even + 1;
    else
        *plus = even == axis->in ? axis->in - 1 : -1;
}

static void add(cnx_axis_group *group, int kind, int line, int output, float weight)
{
    int s = 0;
    while (s < group->count && (group->source[s].kind != kind || group->source[s].line != line))
        s++;
    assert(s < CNX_AXIS_SOURCES);
    if (s == group->count)
        group->source[group->count++] = (cnx_axis_source){.kind = kind, .line = line};
    group->source[s].weight[output] += weight;
}

/* v[2 i], the border samples repeated. */
static void add_even(const cnx_axis *axis, cnx_axis_group *group, int i, int output, float weight)
{
    i = i < 0 ? 0 : i >= axis->in ? axis->in - 1 : i;
    add(group, i % 2 ? W_ODD : W_EVEN, i / 2, output, weight);
}

/* y[i], -1 <= i < in, zeros outside. */
static void add_odd(const cnx_axis *axis, cnx_axis_group *group, int i, int output, float weight)
{
    const int t = (i + 1) / 2;
    add(group, i % 2 ? Y_BACK : Y_ON, t, output, weight);
    if (2 * t < axis->in)
        add(group, Y_BOTH, t, output, weight);
}

static void add_doubled(const cnx_axis *axis, cnx_axis_group *group, int o, int output)
{
    const int i = o / 2, last = axis->in / 2;
    const int other = o % 2 ? i + 1 : i - 1;
    add_even(axis, group, i, output, 0.75f);
    add_even(axis, group, other, output, 0.25f);
    add_odd(axis, group, i - 1, output, o % 2 ? 0.25f : 0.75f);
    add_odd(axis, group, i, output, o % 2 ? 0.75f : 0.25f);
    const float on = axis->in % 2 ? -0.25f : 0.25f;
    if (o <= 1)
        add(group, Y_BACK, 0, output, o == 0 ? 0.25f : -0.25f);
    if (o >= axis->out - 2)
        add(group, Y_ON, last, output, o == axis->out - 1 ? -on : on);
}

static void add_plain(const cnx_axis *axis, cnx_axis_group *group, int o, int output)
{
    for (int tap = 0; tap < 3; tap++) {
        const int from = o + tap - 1;
        if (from < 0 || from >= axis->out)
            continue;
        const cnx_taps taps = cnx_resize_taps_at(from, axis->in, axis->out);
        for (int t = 0; t < taps.count; t++)
            add(group, tap, taps.first + t, output, taps.weight[t]);
    }
}

void cnx_axis_group_at(const cnx_axis *axis, int g, cnx_axis_group *group)
{
    *group = (cnx_axis_group){0};
    for (int j = 0; j < CNX_AXIS_GROUP; j++) {
        const int o = CNX_AXIS_GROUP * g - 2 + j;
        if (o < 0 || o >= axis->out)
            continue;
        if (axis->doubled)
            add_doubled(axis, group, o, j);
        else
            add_plain(axis, group, o, j);
    }
    group->first = group->last = group->source[0].line;
    for (int s = 1; s < group->count; s++) {
        const int line = group->source[s].line;
        group->first = line < group->first ? line : group->first;
        group->last = line > group->last ? line : group->last;
    }
}

int cnx_axis_reach(const cnx_axis *axis)
{
    int most = 0;
    for (int g = 0; g < axis->groups; g++) {
        cnx_axis_group group;
        cnx_axis_group_at(axis, g, &group);
        const int reach = group.last - group.first + 1;
        most = reach > most ? reach : most;
    }
    return most;
}

int cnx_axis_products(const cnx_axis *axis)
{
    int products = 0;
    for (int kind = 0; kind < axis->kinds; kind++)
        products += cnx_axis_data_lines(axis, cnx_axis_kind_data(axis, kind));
    return products;
}
