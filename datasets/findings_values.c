/* Values: what the numbers in the label files say about how they were made. */
#include <stdio.h>

#include "datasets/findings_parts.h"

/* The stored values as a whole. */
typedef struct value_facts {
    int distinct, least, most;
    int step;             /* the greatest common divisor of all values; 0 when there is only 0 */
    bool zero, white;     /* 0 and 255 occur */
    uint64_t most_pixels; /* of the commonest value */
    int commonest;
    int beyond; /* how many values are no class and not ignored */
    int first_beyond, last_beyond;
    uint64_t beyond_pixels, ignored_pixels;
    int absent; /* classes that never occur */
} value_facts;

static int divisor(int a, int b)
{
    while (b) {
        const int rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

static bool is_ignored(const cnx_diagnosis *d, int stored)
{
    return cnx_label_class(&d->rules, stored) == d->rules.ignore;
}

static bool is_beyond(const cnx_diagnosis *d, int stored)
{
    return d->classes && !is_ignored(d, stored) &&
           cnx_label_class(&d->rules, stored) >= d->classes->count;
}

/* Do files hold the class, and is it no ignored value? */
static bool occurs(const cnx_diagnosis *d, int class_number)
{
    const int stored = class_number + d->rules.reduce_zero_label;
    return class_number != d->rules.ignore && stored < CNX_LABEL_VALUES &&
           d->seen->values[stored].files > 0;
}

static value_facts gather(const cnx_diagnosis *d)
{
    value_facts f = {.least = -1, .first_beyond = -1};
    for (int v = 0; v < CNX_LABEL_VALUES; v++) {
        const cnx_value_use *use = &d->seen->values[v];
        if (!use->files)
            continue;
        f.distinct++;
        f.least = f.least < 0 ? v : f.least;
        f.most = v;
        f.step = divisor(v, f.step);
        if (use->pixels > f.most_pixels) {
            f.most_pixels = use->pixels;
            f.commonest = v;
        }
        if (is_ignored(d, v))
            f.ignored_pixels += use->pixels;
        if (is_beyond(d, v)) {
            f.first_beyond = f.beyond ? f.first_beyond : v;
            f.last_beyond = v;
            f.beyond_pixels += use->pixels;
            f.beyond++;
        }
    }
    f.zero = d->seen->values[0].files > 0;
    f.white = d->seen->values[255].files > 0;
    for (int c = 0; d->classes && c < d->classes->count; c++)
        f.absent += c != d->rules.ignore && !occurs(d, c);
    return f;
}

static double percent(const cnx_diagnosis *d, uint64_t pixels)
{
    return d->seen->pixels ? 100.0 * (double)pixels / (double)d->seen->pixels : 0;
}

/* ---- how the numbers were made, the surest sign first; true: that explains them ---- */

static bool is_black_and_white(cnx_diagnosis *d, const value_facts *v)
{
    if (!v->white || v->distinct != 1 + v->zero)
        return false;
    cnx_finding *f = cnx_finding_add(
        d, CNX_FINDING_PROBLEM, "black-and-white",
        v->zero ? "the label files hold 0 and 255 only: a mask of two classes, saved in black and "
                  "white"
                : "the label files hold 255 only");
    cnx_finding_advise(d, f,
                       "255 %s, so that nothing but 0 would be scored; store the second class as 1 "
                       "(white becomes 1), and 255 only where pixels should be left out",
                       d->rules.ignore == 255 ? "is the ignored value" : "is no class here");
    return true;
}

static bool is_stretched(cnx_diagnosis *d, const value_facts *v)
{
    if (v->distinct < 3 || v->step < (d->classes ? 2 : 10) ||
        (d->classes && !v->beyond && v->most != 255))
        return false;
    cnx_finding *f = cnx_finding_add(d, CNX_FINDING_PROBLEM, "stretched",
                                     "all values are multiples of %d (0 to %d, %d of them): the "
                                     "class numbers were stretched to be seen",
                                     v->step, v->most, v->distinct);
    cnx_finding_advise(d, f, "divide them by %d", v->step);
    return true;
}

static bool has_instances(cnx_diagnosis *d, const value_facts *v)
{
    if (v->most < 1000 || (d->classes && !v->beyond) || d->rules.coding == CNX_LABELS_RGB16)
        return false;
    cnx_finding *f = cnx_finding_add(d, CNX_FINDING_PROBLEM, "instance-numbers",
                                     "values go up to %d: these look like instance numbers (as "
                                     "1000 times the class plus a number), not classes",
                                     v->most);
    cnx_finding_advise(d, f,
                       "use the data set's semantic label files (for Cityscapes those that end in "
                       "_labelTrainIds.png: --label-suffix)");
    return true;
}

/* 0 is "other" in the files, and the rules do not say so: K classes are stored as 1 to K. */
static bool is_shifted(cnx_diagnosis *d, const value_facts *v)
{
    if (!d->classes || d->rules.reduce_zero_label || v->beyond != 1 ||
        v->last_beyond != d->classes->count)
        return false;
    cnx_finding *f = cnx_finding_add(
        d, CNX_FINDING_PROBLEM, "shifted",
        "values go up to %d, one more than the last of %d classes (counted from 0): %s",
        v->last_beyond, d->classes->count,
        v->zero ? "0 is probably \"other\" and the classes are stored as 1 and up"
                : "the classes are probably stored as 1 and up");
    cnx_finding_advise(d, f,
                       "use --reduce-zero-label: 0 is left out then, and every other value counts "
                       "as one less; or, where 0 is a class like the others, a list of %d classes",
                       d->classes->count + 1);
    return true;
}

/* The opposite: the rules take one off, but somebody has done so already. */
static bool is_reduced_already(cnx_diagnosis *d, const value_facts *v)
{
    if (!d->classes || !d->rules.reduce_zero_label || !v->zero || v->beyond ||
        d->classes->count >= CNX_LABEL_VALUES || d->classes->count == 255 ||
        d->seen->values[d->classes->count].files)
        return false;
    const bool marked = v->white; /* what reducing leaves where 0 was */
    if (!marked && percent(d, d->seen->values[0].pixels) < 40)
        return false;
    cnx_finding *f = cnx_finding_add(
        d, CNX_FINDING_WARNING, "reduced-already",
        "0 makes up %.1f %% of the pixels and would be left out%s, while the last class, stored as "
        "%d, never occurs: the classes are probably stored as 0 and up",
        percent(d, d->seen->values[0].pixels), marked ? ", 255 occurs as well" : "",
        d->classes->count);
    cnx_finding_advise(d, f, "if so, use --no-reduce-zero-label: values count as they are stored");
    return true;
}

static void diagnose_beyond(cnx_diagnosis *d, const value_facts *v)
{
    const cnx_value_use *first = &d->seen->values[v->first_beyond];
    char range[64];
    snprintf(range, sizeof range, v->beyond > 1 ? "%d to %d" : "%d", v->first_beyond,
             v->last_beyond);
    cnx_finding *f = cnx_finding_add(
        d, CNX_FINDING_PROBLEM, "beyond-classes",
        "%d value%s no class (%s; %s has %d): %llu pixels, %.3g %%", v->beyond,
        v->beyond == 1 ? " is" : "s are", range, d->classes->name, d->classes->count,
        (unsigned long long)v->beyond_pixels, percent(d, v->beyond_pixels));
    if (!f)
        return;
    f->count = first->files;
    f->examples[0] = first->first;
    f->example_count = 1;
    cnx_finding_advise(d, f,
                       "check that --classes is the right list; a value that marks pixels to leave "
                       "out is named with --ignore");
}

/* ---- what is odd ---- */

static void diagnose_ignored(cnx_diagnosis *d, const value_facts *v)
{
    const double share = percent(d, v->ignored_pixels);
    if (v->ignored_pixels == d->seen->pixels)
        cnx_finding_add(d, CNX_FINDING_PROBLEM, "all-ignored",
                        "every pixel is left out (ignored): there is nothing to score");
    else if (share > 50)
        cnx_finding_add(d, CNX_FINDING_WARNING, "mostly-ignored",
                        "%.1f %% of the pixels are left out (ignored)", share);
}

static void diagnose_absent(cnx_diagnosis *d, const value_facts *v)
{
    if (!d->classes || v->absent == 0)
        return;
    for (int c = 0; c < d->classes->count; c++)
        if (c != d->rules.ignore && !occurs(d, c)) {
            cnx_finding_add(d, CNX_FINDING_NOTE, "absent-classes",
                            "%d of %d classes never occur (the first: %d, %s); mmseg's mean leaves "
                            "them out unless they are predicted",
                            v->absent, d->classes->count, c, d->classes->names[c]);
            return;
        }
}

static void diagnose_unknown(cnx_diagnosis *d, const value_facts *v)
{
    if (d->classes)
        return;
    const bool like_ade20k = v->most <= 150 && v->most > 100 && v->zero;
    cnx_finding *f = cnx_finding_add(d, CNX_FINDING_NOTE, "classes-unknown",
                                     "values were not held against a list of classes");
    if (like_ade20k)
        cnx_finding_advise(d, f,
                           "--classes ade20k would: 0 to %d looks like its numbering (0 other, "
                           "classes from 1)",
                           v->most);
    else
        cnx_finding_advise(d, f, "--classes NAME, FILE or N does that");
}

static void diagnose_darkness(cnx_diagnosis *d, const value_facts *v)
{
    const int most = v->white ? 0 : v->most;
    if (most > 0 && most < 16)
        cnx_finding_add(d, CNX_FINDING_NOTE, "looks-black",
                        "a viewer shows these label files as black (values up to %d): that is as "
                        "it should be, they hold class numbers",
                        most);
}

void cnx_diagnose_values(cnx_diagnosis *d)
{
    if (d->seen->used == 0)
        return;
    const value_facts v = gather(d);
    const bool explained = is_black_and_white(d, &v) || is_stretched(d, &v) || is_shifted(d, &v) ||
                           has_instances(d, &v) || is_reduced_already(d, &v);
    if (v.beyond && !explained)
        diagnose_beyond(d, &v);
    diagnose_ignored(d, &v);
    diagnose_unknown(d, &v);
    diagnose_absent(d, &v);
    diagnose_darkness(d, &v);
}
