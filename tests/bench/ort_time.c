/*
 * Times ONNX Runtime on a network that export_network wrote, by its shared library alone.
 *
 *     ort_time --library libonnxruntime.so.1 --size 512x512 --threads 2 --runs 3 NET.onnx
 *
 * The library's C interface is a table of function pointers that only ever grows at its end, so
 * places in it are as good as names: what is used here stands where it stood in version 1. Settings
 * are the runtime's own (all graph optimisations, memory arena on), but for the number of threads.
 */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>

#include "timed_peer.h"

enum { API_VERSION = 1, LOG_ERROR = 3, OPTIMISE_ALL = 99, ELEMENT_FLOAT = 1 };
enum { ARENA_ALLOCATOR = 1, MEMORY_DEFAULT = 0 };

typedef struct ort_env ort_env;
typedef struct ort_session ort_session;
typedef struct ort_options ort_options;
typedef struct ort_value ort_value;
typedef struct ort_memory ort_memory;
typedef struct ort_shape ort_shape;
typedef struct ort_status ort_status; /* NULL: all is well */

/* The numbers are the members' places in the runtime's table. */
typedef struct ort_api {
    void *unused_0[2];
    const char *(*error_message)(const ort_status *status); /* 2 */
    ort_status *(*create_env)(int log_level, const char *name, ort_env **out);
    void *unused_4[3];
    ort_status *(*create_session)(const ort_env *env, const char *path, const ort_options *options,
                                  ort_session **out); /* 7 */
    void *unused_8[1];
    ort_status *(*run)(ort_session *session, const void *run_options,
                       const char *const *input_names, const ort_value *const *inputs,
                       size_t input_count, const char *const *output_names, size_t output_count,
                       ort_value **outputs); /* 9 */
    ort_status *(*create_options)(ort_options **out);
    void *unused_11[8];
    ort_status *(*disable_arena)(ort_options *options); /* 19 */
    void *unused_20[3];
    ort_status *(*set_optimisation)(ort_options *options, int level); /* 23 */
    ort_status *(*set_intra_threads)(ort_options *options, int threads);
    ort_status *(*set_inter_threads)(ort_options *options, int threads); /* 25 */
    void *unused_26[23];
    ort_status *(*create_tensor)(const ort_memory *memory, void *data, size_t bytes,
                                 const int64_t *shape, size_t rank, int element_type,
                                 ort_value **out); /* 49 */
    void *unused_50[1];
    ort_status *(*tensor_data)(ort_value *value, void **out); /* 51 */
    void *unused_52[12];
    ort_status *(*element_count)(const ort_shape *shape, size_t *out); /* 64 */
    ort_status *(*tensor_shape)(const ort_value *value, ort_shape **out);
    void *unused_66[3];
    ort_status *(*create_cpu_memory)(int allocator, int kind, ort_memory **out); /* 69 */
    void *unused_70[22];
    void (*release_env)(ort_env *env); /* 92 */
    void (*release_status)(ort_status *status);
    void (*release_memory)(ort_memory *memory);
    void (*release_session)(ort_session *session); /* 95 */
    void (*release_value)(ort_value *value);
    void *unused_97[2];
    void (*release_shape)(ort_shape *shape); /* 99 */
    void (*release_options)(ort_options *options);
} ort_api;

#define AT(member, place)                                                                          \
    _Static_assert(offsetof(ort_api, member) == (place) * sizeof(void *), #member)
AT(error_message, 2);
AT(create_session, 7);
AT(run, 9);
AT(disable_arena, 19);
AT(set_optimisation, 23);
AT(create_tensor, 49);
AT(tensor_data, 51);
AT(element_count, 64);
AT(create_cpu_memory, 69);
AT(release_env, 92);
AT(release_shape, 99);

typedef struct ort_api_base {
    const ort_api *(*get_api)(uint32_t version);
    const char *(*version)(void);
} ort_api_base;

/* A session that is ready to run. */
typedef struct runtime {
    const timed_run *settings;
    const ort_api *api;
    ort_env *env;
    ort_session *session;
    ort_memory *memory;
    ort_value *input, *outputs[TIMED_PEER_OUTPUTS];
    timed_outputs wanted;
} runtime;

static void check(const runtime *r, ort_status *status, const char *what)
{
    if (status)
        timed_run_fail(r->settings, "%s: %s: %s", r->settings->model, what,
                       r->api->error_message(status));
}

static void find_api(void *self, void *library, const char *path)
{
    runtime *r = self;
    void *symbol = dlsym(library, "OrtGetApiBase");
    if (!symbol)
        timed_run_fail(r->settings, "%s: is not ONNX Runtime: no OrtGetApiBase in it", path);
    const ort_api_base *(*get_base)(void);
    *(void **)&get_base = symbol; /* as POSIX has it: ISO C has no such conversion */
    const ort_api_base *base = get_base();
    r->api = base->get_api(API_VERSION);
    if (!r->api)
        timed_run_fail(r->settings, "%s: does not know version %d of its interface", path,
                       (int)API_VERSION);
    printf("runtime onnxruntime %s\n", base->version());
}

static void open_session(void *self)
{
    runtime *r = self;
    const ort_api *api = r->api;
    ort_options *options;
    check(r, api->create_env(LOG_ERROR, "ort_time", &r->env), "environment");
    check(r, api->create_options(&options), "options");
    check(r, api->set_intra_threads(options, r->settings->threads), "threads");
    check(r, api->set_inter_threads(options, 1), "threads");
    check(r, api->set_optimisation(options, OPTIMISE_ALL), "optimisation");
    if (r->settings->flag_given)
        check(r, api->disable_arena(options), "arena");
    check(r, api->create_session(r->env, r->settings->model, options, &r->session), "session");
    api->release_options(options);
}

static void bind_input(void *self, float *values)
{
    runtime *r = self;
    const int64_t shape[4] = {1, 3, r->settings->h, r->settings->w};
    const size_t bytes = (size_t)(shape[1] * shape[2] * shape[3]) * sizeof(float);
    check(r, r->api->create_cpu_memory(ARENA_ALLOCATOR, MEMORY_DEFAULT, &r->memory), "memory");
    check(r, r->api->create_tensor(r->memory, values, bytes, shape, 4, ELEMENT_FLOAT, &r->input),
          "input");
}

static void release_outputs(runtime *r)
{
    for (int i = 0; i < r->wanted.count; i++) {
        if (r->outputs[i])
            r->api->release_value(r->outputs[i]);
        r->outputs[i] = NULL;
    }
}

/* The results of a run stay until the next: their memory is part of what a run needs. */
static void run_once(void *self)
{
    static const char *const input_name[] = {"input"};
    runtime *r = self;
    release_outputs(r);
    check(r,
          r->api->run(r->session, NULL, input_name, (const ort_value *const *)&r->input, 1,
                      r->wanted.names, (size_t)r->wanted.count, r->outputs),
          "run");
}

static void save_outputs(void *self)
{
    runtime *r = self;
    for (int i = 0; i < r->wanted.count; i++) {
        ort_shape *shape;
        size_t count;
        void *data;
        check(r, r->api->tensor_shape(r->outputs[i], &shape), "output");
        check(r, r->api->element_count(shape, &count), "output");
        check(r, r->api->tensor_data(r->outputs[i], &data), "output");
        timed_run_save(r->settings, i == 0, data, count);
        r->api->release_shape(shape);
    }
}

static void close_session(void *self)
{
    runtime *r = self;
    release_outputs(r);
    r->api->release_value(r->input);
    r->api->release_memory(r->memory);
    r->api->release_session(r->session);
    r->api->release_env(r->env);
}

int main(int argc, char **argv)
{
    timed_run settings = {.program = "ort_time",
                          .option = "library",
                          .option_help = "FILE  the runtime (libonnxruntime.so; or $ORT_LIBRARY)",
                          .flag = "no-arena",
                          .flag_help = "     without the runtime's memory arena"};
    static const timed_peer peer = {.variable = "ORT_LIBRARY",
                                    .library = "libonnxruntime.so",
                                    .find = find_api,
                                    .load = open_session,
                                    .bind = bind_input,
                                    .run = run_once,
                                    .save = save_outputs,
                                    .close = close_session};
    timed_run_parse(&settings, argc, argv);
    runtime r = {.settings = &settings, .wanted = timed_peer_outputs(&settings)};
    timed_peer_go(&settings, &peer, &r);
    return 0;
}
