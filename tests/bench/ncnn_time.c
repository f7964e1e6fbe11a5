/*
 * Times ncnn on a network that export_network wrote, by its shared library alone.
 *
 *     ncnn_time --library libncnn.so --size 512x512 --threads 2 --runs 3 NET.param
 *
 * The weights are NET.bin.  Settings are ncnn's own (Winograd, packed layouts), float32 only, with
 * the pools of memory that its own benchmark uses.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include "timed_peer.h"

enum { MAX_PATH = 4096 };

/* Objects of ncnn's C interface. */
typedef void *handle;

/* What is used of it. */
typedef struct ncnn_api {
    const char *(*version)(void);
    handle (*create_blob_pool)(void), (*create_workspace_pool)(void);
    void (*destroy_allocator)(handle allocator);
    handle (*create_net)(void);
    void (*destroy_net)(handle net);
    handle (*net_option)(handle net);
    void (*set_threads)(handle option, int threads);
    void (*set_blob_pool)(handle option, handle allocator);
    void (*set_workspace_pool)(handle option, handle allocator);
    void (*set_fp16_packed)(handle option, int enable);
    void (*set_fp16_storage)(handle option, int enable);
    void (*set_fp16_arithmetic)(handle option, int enable);
    void (*set_bf16_packed)(handle option, int enable);
    void (*set_bf16_storage)(handle option, int enable);
    int (*load_param)(handle net, const char *path);
    int (*load_model)(handle net, const char *path);
    handle (*create_map)(int w, int h, int c, handle allocator);
    void (*destroy_map)(handle map);
    int (*map_w)(handle map), (*map_h)(handle map), (*map_c)(handle map);
    void *(*map_plane)(handle map, int c);
    handle (*create_extractor)(handle net);
    void (*destroy_extractor)(handle extractor);
    int (*input)(handle extractor, const char *name, handle map);
    int (*extract)(handle extractor, const char *name, handle *map);
} ncnn_api;

/* A network that is ready to run. */
typedef struct runtime {
    const timed_run *settings;
    ncnn_api api;
    handle net, pools[2], input, outputs[TIMED_PEER_OUTPUTS];
    timed_outputs wanted;
} runtime;

static void *symbol(const runtime *r, void *library, const char *path, const char *name)
{
    void *found = dlsym(library, name);
    if (!found)
        timed_run_fail(r->settings, "%s: no %s in it: ncnn's shared library, with its C interface?",
                       path, name);
    return found;
}

/* As POSIX has it: ISO C has no conversion from an object's address to a function's. */
#define FIND(member, name) *(void **)&r->api.member = symbol(r, library, path, "ncnn_" name)

static void find_all(void *self, void *library, const char *path)
{
    runtime *r = self;
    FIND(version, "version");
    FIND(create_blob_pool, "allocator_create_unlocked_pool_allocator");
    FIND(create_workspace_pool, "allocator_create_pool_allocator");
    FIND(destroy_allocator, "allocator_destroy");
    FIND(create_net, "net_create");
    FIND(destroy_net, "net_destroy");
    FIND(net_option, "net_get_option");
    FIND(set_threads, "option_set_num_threads");
    FIND(set_blob_pool, "option_set_blob_allocator");
    FIND(set_workspace_pool, "option_set_workspace_allocator");
    FIND(set_fp16_packed, "option_set_use_fp16_packed");
    FIND(set_fp16_storage, "option_set_use_fp16_storage");
    FIND(set_fp16_arithmetic, "option_set_use_fp16_arithmetic");
    FIND(set_bf16_packed, "option_set_use_bf16_packed");
    FIND(set_bf16_storage, "option_set_use_bf16_storage");
    FIND(load_param, "net_load_param");
    FIND(load_model, "net_load_model");
    FIND(create_map, "mat_create_3d");
    FIND(destroy_map, "mat_destroy");
    FIND(map_w, "mat_get_w");
    FIND(map_h, "mat_get_h");
    FIND(map_c, "mat_get_c");
    FIND(map_plane, "mat_get_channel_data");
    FIND(create_extractor, "extractor_create");
    FIND(destroy_extractor, "extractor_destroy");
    FIND(input, "extractor_input");
    FIND(extract, "extractor_extract");
    printf("runtime ncnn %s\n", r->api.version());
}

static void set_options(runtime *r)
{
    const ncnn_api *api = &r->api;
    handle option = api->net_option(r->net);
    api->set_threads(option, r->settings->threads);
    api->set_fp16_packed(option, 0);
    api->set_fp16_storage(option, 0);
    api->set_fp16_arithmetic(option, 0);
    api->set_bf16_packed(option, 0);
    api->set_bf16_storage(option, 0);
    if (r->settings->flag_given)
        return;
    r->pools[0] = api->create_blob_pool();
    r->pools[1] = api->create_workspace_pool();
    api->set_blob_pool(option, r->pools[0]);
    api->set_workspace_pool(option, r->pools[1]);
}

static void open_net(void *self)
{
    runtime *r = self;
    const char *model = r->settings->model, *suffix = strrchr(model, '.');
    char weights[MAX_PATH];
    if (!suffix || strcmp(suffix, ".param") != 0 ||
        snprintf(weights, sizeof weights, "%.*s.bin", (int)(suffix - model), model) >= MAX_PATH)
        timed_run_fail(r->settings, "%s: the model's name must end in .param", model);
    r->net = r->api.create_net();
    set_options(r);
    if (r->api.load_param(r->net, model) != 0)
        timed_run_fail(r->settings, "%s: ncnn cannot read it", model);
    if (r->api.load_model(r->net, weights) != 0)
        timed_run_fail(r->settings, "%s: ncnn cannot read it", weights);
}

static void bind_input(void *self, float *values)
{
    runtime *r = self;
    const size_t plane = (size_t)r->settings->h * (size_t)r->settings->w;
    r->input = r->api.create_map(r->settings->w, r->settings->h, 3, NULL);
    for (int c = 0; c < 3; c++) /* planes start at multiples of 16 bytes */
        memcpy(r->api.map_plane(r->input, c), values + (size_t)c * plane, plane * sizeof *values);
}

static void release_outputs(runtime *r)
{
    for (int i = 0; i < r->wanted.count; i++) {
        if (r->outputs[i])
            r->api.destroy_map(r->outputs[i]);
        r->outputs[i] = NULL;
    }
}

/* The results of a run stay until the next: their memory is part of what a run needs. */
static void run_once(void *self)
{
    runtime *r = self;
    release_outputs(r);
    handle extractor = r->api.create_extractor(r->net);
    if (r->api.input(extractor, "input", r->input) != 0)
        timed_run_fail(r->settings, "%s: has no input \"input\"", r->settings->model);
    for (int i = 0; i < r->wanted.count; i++)
        if (r->api.extract(extractor, r->wanted.names[i], &r->outputs[i]) != 0)
            timed_run_fail(r->settings, "%s: %s cannot be computed", r->settings->model,
                           r->wanted.names[i]);
    r->api.destroy_extractor(extractor);
}

static void save_outputs(void *self)
{
    runtime *r = self;
    for (int i = 0; i < r->wanted.count; i++) {
        handle map = r->outputs[i];
        const size_t plane = (size_t)r->api.map_w(map) * (size_t)r->api.map_h(map);
        for (int c = 0; c < r->api.map_c(map); c++)
            timed_run_save(r->settings, i == 0 && c == 0, r->api.map_plane(map, c), plane);
    }
}

static void close_net(void *self)
{
    runtime *r = self;
    release_outputs(r);
    r->api.destroy_map(r->input);
    r->api.destroy_net(r->net);
    for (int i = 0; i < 2; i++)
        if (r->pools[i])
            r->api.destroy_allocator(r->pools[i]);
}

int main(int argc, char **argv)
{
    timed_run settings = {.program = "ncnn_time",
                          .option = "library",
                          .option_help = "FILE  the runtime (libncnn.so; or $NCNN_LIBRARY)",
                          .flag = "no-pools",
                          .flag_help = "     without ncnn's pools of memory"};
    static const timed_peer peer = {.variable = "NCNN_LIBRARY",
                                    .library = "libncnn.so",
                                    .find = find_all,
                                    .load = open_net,
                                    .bind = bind_input,
                                    .run = run_once,
                                    .save = save_outputs,
                                    .close = close_net};
    timed_run_parse(&settings, argc, argv);
    runtime r = {.settings = &settings, .wanted = timed_peer_outputs(&settings)};
    timed_peer_go(&settings, &peer, &r);
    return 0;
}
