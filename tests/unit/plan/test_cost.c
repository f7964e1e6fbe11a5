/* What the operations of a plan cost, one of each against its definition. */
#include "core/plan/cost.h"
#include "core/plan/plan.h"
#include "tests/unit/check.h"

static cnx_kernels kernels;

/* A plan of one node; cost_of closes it. */
static cnx_plan *open_plan(void)
{
    cnx_error err;
    cnx_plan *plan;
    CHECK(cnx_plan_open(&plan, &kernels, 1, &err) == CNX_OK, "%s", err.message);
    return plan;
}

static cnx_cost cost_of(cnx_plan *plan)
{
    cnx_error err;
    CHECK(cnx_plan_finish(plan, &err) == CNX_OK, "%s", err.message);
    const cnx_cost cost = cnx_plan_cost(plan, 0);
    cnx_plan_close(&plan);
    return cost;
}

static void same(const char *what, const cnx_cost *got, const cnx_cost *wanted)
{
#define SAME(field)                                                                                \
    CHECK(got->field == wanted->field, "%s: " #field " is %g, not %g", what, (double)got->field,   \
          (double)wanted->field)
    SAME(conv_macs);
    SAME(linear_macs);
    SAME(products);
    SAME(conv_bias);
    SAME(linear_bias);
    SAME(layernorm);
    SAME(batchnorm);
    SAME(gelu);
    SAME(relu);
    SAME(scale);
    SAME(residual);
    SAME(grn);
    SAME(pool);
    SAME(resize);
    SAME(activated);
    CHECK(got->weight_bytes >= wanted->weight_bytes, "%s: %zu bytes of weights, not %zu", what,
          got->weight_bytes, wanted->weight_bytes);
#undef SAME
}

static void test_convolutions(void)
{
    cnx_conv conv = {.kind = CNX_CONV_3X3, .size = 3, .in_c = 5, .out_c = 7, .act = CNX_ACT_RELU};
    const double macs = 6 * 9 * 9 * 5 * 7, outputs = 6 * 9 * 7;
    for (int form = CNX_FORM_CONV; form <= CNX_FORM_LINEAR; form++) {
        cnx_plan *plan = open_plan();
        conv.form = (cnx_conv_form)form;
        cnx_plan_conv(plan, "conv", &conv, cnx_plan_external(plan, 6, 9, 5),
                      cnx_plan_map(plan, 6, 9, 7));
        const cnx_cost cost = cost_of(plan);
        const bool linear = form == CNX_FORM_LINEAR;
        same("conv", &cost,
             &(cnx_cost){.conv_macs = linear ? 0 : macs,
                         .linear_macs = linear ? macs : 0,
                         .products = macs,
                         .conv_bias = form == CNX_FORM_CONV ? outputs : 0,
                         .batchnorm = form == CNX_FORM_BATCHNORM ? outputs : 0,
                         .linear_bias = linear ? outputs : 0,
                         .relu = outputs,
                         .activated = outputs,
                         .weight_bytes = 4 * (9 * 5 * 7 + 7)});
    }
    cnx_plan *plan = open_plan();
    const cnx_dwconv dw = {.c = 7};
    cnx_plan_dwconv(plan, "dw", &dw, cnx_plan_external(plan, 6, 9, 7), cnx_plan_map(plan, 6, 9, 7));
    const cnx_cost cost = cost_of(plan);
    same("dwconv", &cost,
         &(cnx_cost){.conv_macs = 54 * 49 * 7,
                     .products = 54 * 49 * 7,
                     .conv_bias = outputs,
                     .activated = outputs,
                     .weight_bytes = 4 * (49 * 7 + 7)});
}

/* A map of 10 x 12 and one of half its size, joined. */
static void test_joined(void)
{
    cnx_concat_conv conv;
    const int channels[] = {32, 8};
    cnx_concat_conv_shape(&conv, 2, channels, 16, true, true, 1);
    conv.form = CNX_FORM_BATCHNORM;
    cnx_plan *plan = open_plan();
    const cnx_value in[] = {cnx_plan_external(plan, 10, 12, 32), cnx_plan_external(plan, 5, 6, 8)};
    cnx_plan_concat_conv(plan, "join", &conv, in, cnx_plan_map(plan, 10, 12, 16));
    const cnx_cost cost = cost_of(plan);
    /* 3 x 3 patches of 36 points; the doubled axes have their own test. */
    const cnx_axis y = cnx_axis_make(5, 10, true), x = cnx_axis_make(6, 12, true);
    const double first = 9.0 * 36 * 32 * 16;
    const double second = (double)cnx_axis_products(&y) * cnx_axis_products(&x) * 8 * 16;
    const double outputs = 10 * 12 * 16;
    same("concat_conv", &cost,
         &(cnx_cost){.conv_macs = 9.0 * 120 * 40 * 16,
                     .products = first + second,
                     .batchnorm = outputs,
                     .relu = outputs,
                     .resize = 120 * 8,
                     .activated = outputs,
                     .weight_bytes = 4 * (36 * 32 * 16 + 16 * 8 * 16)});
    CHECK(second < 9.0 * 30 * 8 * 16, "doubling saves nothing: %g", second);
}

static void test_block(void)
{
    for (int grn = 0; grn < 2; grn++) {
        const cnx_mlp mlp = {.c = 7, .hidden = 28, .grn = grn};
        cnx_plan *plan = open_plan();
        cnx_plan_mlp(plan, "mlp", &mlp, cnx_plan_external(plan, 6, 9, 7),
                     cnx_plan_map(plan, 6, 9, 7));
        const cnx_cost cost = cost_of(plan);
        same("mlp", &cost,
             &(cnx_cost){.linear_macs = 54 * 2 * 7 * 28,
                         .products = 54 * 2 * 7 * 28,
                         .linear_bias = 54 * 35,
                         .layernorm = 54 * 7,
                         .gelu = 54 * 28,
                         .scale = grn ? 0 : 54 * 7,
                         .grn = grn ? 54 * 28 : 0,
                         .residual = 54 * 7,
                         .activated = 54 * 7,
                         .weight_bytes = 4 * (2 * 7 * 28 + 35)});
    }
}

static void test_pixelwise(void)
{
    cnx_plan *plan = open_plan();
    cnx_value in = cnx_plan_external(plan, 6, 9, 7);
    cnx_plan_pool(plan, "pool", in, cnx_plan_map(plan, 2, 2, 7));
    cnx_cost cost = cost_of(plan);
    same("pool", &cost, &(cnx_cost){.pool = 54 * 7, .activated = 4 * 7});
    for (int add = 0; add < 2; add++) {
        plan = open_plan();
        in = cnx_plan_external(plan, 6, 9, 7);
        cnx_plan_resize(plan, "resize", in, cnx_plan_map(plan, 12, 18, 7), add);
        cost = cost_of(plan);
        same("resize", &cost,
             &(cnx_cost){.resize = 216 * 7, .residual = add ? 216 * 7 : 0, .activated = 216 * 7});
    }
    plan = open_plan();
    const float ones[7] = {1, 1, 1, 1, 1, 1, 1};
    in = cnx_plan_external(plan, 6, 9, 7);
    cnx_plan_layernorm(plan, "norm", ones, ones, 1e-6f, in, in);
    cost = cost_of(plan);
    same("layernorm", &cost,
         &(cnx_cost){.layernorm = 54 * 7, .activated = 54 * 7, .weight_bytes = 4 * 2 * 7});
}

int main(void)
{
    cnx_error err;
    if (cnx_kernels_init(&kernels, "ref", &err) != CNX_OK)
        return fprintf(stderr, "%s\n", err.message), 1;
    test_convolutions();
    test_joined();
    test_block();
    test_pixelwise();
    return CHECK_RESULT;
}
