/* Layers are loaded once each, the largest first, few large ones at a time; and it is the first
 * layer that fails whose error is told, whatever the timing. */
#include <stdatomic.h>
#include <time.h>

#include "backbone/loading.h"
#include "tests/unit/check.h"

enum { LAYERS = 40 };

typedef struct record {
    atomic_int calls[LAYERS];
    bool fails[LAYERS];
    unsigned long long seed;
    atomic_int now, most, started;
    int order[LAYERS]; /* by start */
} record;

static void wait_a_little(unsigned long long seed, int index)
{
    seed += (unsigned long long)index;
    const struct timespec pause = {.tv_nsec = (long)(check_random(&seed) % 300000)};
    nanosleep(&pause, NULL);
}

static cnx_status load(void *context, int index, cnx_error *err)
{
    record *r = context;
    r->order[atomic_fetch_add(&r->started, 1)] = index;
    const int now = atomic_fetch_add(&r->now, 1) + 1;
    int most = r->most;
    while (now > most && !atomic_compare_exchange_weak(&r->most, &most, now))
        ;
    atomic_fetch_add(&r->calls[index], 1);
    wait_a_little(r->seed, index);
    atomic_fetch_sub(&r->now, 1);
    CNX_FAIL_IF(r->fails[index], CNX_ERR_MODEL, "layer %d", index);
    return CNX_OK;
}

static void check_success(int threads)
{
    record r = {.seed = 1};
    size_t weights[LAYERS];
    cnx_error err = {0};
    for (int i = 0; i < LAYERS; i++)
        weights[i] = (size_t)(i * 7 % LAYERS);
    CHECK(cnx_load_layers(LAYERS, weights, load, &r, threads, &err) == CNX_OK, "%s", err.message);
    for (int i = 0; i < LAYERS; i++)
        CHECK(r.calls[i] == 1, "%d threads: layer %d %d times", threads, i, (int)r.calls[i]);
    for (int i = 1; i < LAYERS && threads == 1; i++)
        CHECK(weights[r.order[i - 1]] >= weights[r.order[i]], "layer %d late", r.order[i]);
}

static void check_failures(int threads, unsigned long long seed)
{
    record r = {.seed = seed};
    size_t weights[LAYERS];
    cnx_error err = {0};
    int first = -1;
    char expected[32];
    for (int i = LAYERS - 1; i >= 0; i--) {
        weights[i] = (size_t)(check_random(&seed) % 1000);
        r.fails[i] = check_random(&seed) % 8 == 0;
        if (r.fails[i])
            first = i;
    }
    const cnx_status status = cnx_load_layers(LAYERS, weights, load, &r, threads, &err);
    snprintf(expected, sizeof expected, "layer %d", first);
    CHECK(status == (first < 0 ? CNX_OK : CNX_ERR_MODEL), "status %d", (int)status);
    CHECK(first < 0 || (strcmp(err.message, expected) == 0 && err.status == status),
          "%d threads: \"%s\", expected \"%s\"", threads, err.message, expected);
    for (int i = 0; i < LAYERS; i++)
        CHECK(r.calls[i] <= 1 && (r.calls[i] == 1 || i > first), "layer %d %d times", i,
              (int)r.calls[i]);
}

int main(void)
{
    const int threads[] = {1, 2, 3, 8};
    for (size_t t = 0; t < sizeof threads / sizeof *threads; t++) {
        check_success(threads[t]);
        for (unsigned long long seed = 0; seed < 12; seed++)
            check_failures(threads[t], seed);
    }

    record none = {0}, large = {0}, one = {0};
    CHECK(cnx_load_layers(0, NULL, load, &none, 4, NULL) == CNX_OK && none.started == 0, "none");
    const size_t gigabyte = (size_t)1 << 28,
                 sizes[6] = {gigabyte, gigabyte, gigabyte, gigabyte, gigabyte, gigabyte};
    CHECK(cnx_load_layers(6, sizes, load, &large, 6, NULL) == CNX_OK, "large");
    CHECK(large.started == 6 && large.most <= 2, "%d large ones at a time", (int)large.most);
    one.fails[0] = true;
    CHECK(cnx_load_layers(1, sizes, load, &one, 4, NULL) == CNX_ERR_MODEL, "no error to fill");
    return CHECK_RESULT;
}
