/* Random weights: what suits a name, how they are spread, and what they depend on. */
#include <math.h>

#include "core/checkpoint/random.h"
#include "core/checkpoint/weights.h"
#include "tests/unit/check.h"

static void test_kinds(void)
{
    static const struct {
        const char *name;
        int rank;
        cnx_fill fill;
    } cases[] = {{"backbone.stages.0.0.dwconv.weight", 4, CNX_FILL_WEIGHT},
                 {"backbone.stages.0.0.pwconv1.weight", 2, CNX_FILL_WEIGHT},
                 {"backbone.stages.0.0.pwconv1.bias", 1, CNX_FILL_SHIFT},
                 {"backbone.stages.0.0.gamma", 1, CNX_FILL_GAMMA},
                 {"backbone.stages.0.0.grn.gamma", 4, CNX_FILL_SCALE},
                 {"backbone.stages.0.0.grn.beta", 4, CNX_FILL_SHIFT},
                 {"backbone.norm0.weight", 1, CNX_FILL_SCALE},
                 {"decode_head.bottleneck.bn.running_mean", 1, CNX_FILL_SHIFT},
                 {"decode_head.bottleneck.bn.running_var", 1, CNX_FILL_SCALE}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        CHECK(cnx_fill_for(cases[i].name, cases[i].rank) == cases[i].fill, "%s", cases[i].name);
}

/* Mean, deviation and the limits that no value leaves. */
static void test_spread(cnx_fill fill, double mean, double deviation, double low, double high)
{
    enum { ROWS = 100, COUNT = 40000 };
    static float values[COUNT];
    double sum = 0, squares = 0;
    bool inside = true;
    cnx_fill_random(fill, "some.name", 7, ROWS, COUNT, values);
    for (int i = 0; i < COUNT; i++) {
        sum += (double)values[i];
        squares += (double)values[i] * (double)values[i];
        inside = inside && (double)values[i] >= low && (double)values[i] <= high;
    }
    sum /= COUNT;
    CHECK(inside, "kind %d leaves %g to %g", (int)fill, low, high);
    CHECK(fabs(sum - mean) < 0.02 * (high - low), "kind %d: mean %g", (int)fill, sum);
    CHECK(fabs(sqrt(squares / COUNT - sum * sum) - deviation) < 0.05 * deviation, "kind %d: %g",
          (int)fill, sqrt(squares / COUNT - sum * sum));
}

/* A tensor's values are the same whatever else is read, and others for another name or seed. */
static void test_weights(void)
{
    cnx_error err = {0};
    cnx_weights *w = NULL;
    const int64_t shape[] = {4, 6};
    float a[24], b[24], c[24];
    CHECK(cnx_weights_open_random(&w, 3, &err) == CNX_OK, "%s", err.message);
    CHECK(cnx_weights_expect(w, "x.weight", 2, shape), "not there");
    CHECK(cnx_weights_expect(w, "y.weight", 2, shape), "not there");
    CHECK(cnx_weights_check(w, &err) == CNX_OK, "%s", err.message);
    CHECK(cnx_weights_key_count(w) == 2 && cnx_weights_elements(w, "y.weight") == 24,
          "wrong count");
    CHECK(cnx_weights_elements(w, "z.weight") == 0, "a tensor that nobody asked for");
    CHECK(cnx_weights_read(w, "y.weight", a, &err) == CNX_OK, "%s", err.message);
    CHECK(cnx_weights_read(w, "x.weight", b, &err) == CNX_OK, "%s", err.message);
    CHECK(cnx_weights_read(w, "z.weight", b, &err) == CNX_ERR_INTERNAL, "read what is not there");
    cnx_fill_random(CNX_FILL_WEIGHT, "y.weight", 3, 4, 24, c);
    CHECK(memcmp(a, c, sizeof a) == 0, "other values than those of the name");
    CHECK(memcmp(a, b, sizeof a) != 0, "one name's values are another's");
    cnx_fill_random(CNX_FILL_WEIGHT, "y.weight", 4, 4, 24, c);
    CHECK(memcmp(a, c, sizeof a) != 0, "one seed's values are another's");
    cnx_weights_close(&w);
}

int main(void)
{
    test_kinds();
    test_spread(CNX_FILL_WEIGHT, 0, 1 / sqrt(400), -0.15, 0.15);
    test_spread(CNX_FILL_SCALE, 1, 1 / sqrt(12), 0.5, 1.5);
    test_spread(CNX_FILL_SHIFT, 0, 0.4 / sqrt(12), -0.2, 0.2);
    test_spread(CNX_FILL_GAMMA, 0.55, 0.9 / sqrt(12), 0.1, 1);
    test_weights();
    return CHECK_RESULT;
}
