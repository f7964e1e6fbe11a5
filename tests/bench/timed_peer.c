#include "timed_peer.h"

#include <dlfcn.h>
#include <stdlib.h>

#include "core/clock.h"

timed_outputs timed_peer_outputs(const timed_run *run)
{
    static const char *const logits[] = {"logits"};
    static const char *const features[TIMED_PEER_OUTPUTS] = {"feat0", "feat1", "feat2", "feat3"};
    return run->backbone ? (timed_outputs){features, TIMED_PEER_OUTPUTS}
                         : (timed_outputs){logits, 1};
}

static void open_library(const timed_run *run, const timed_peer *peer, void *self)
{
    const char *path = run->value ? run->value : getenv(peer->variable);
    path = path ? path : peer->library;
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library)
        timed_run_fail(run, "%s", dlerror());
    peer->find(self, library, path);
}

void timed_peer_go(const timed_run *run, const timed_peer *peer, void *self)
{
    open_library(run, peer, self);
    float *input = timed_run_input(run);
    const double start = cnx_now();
    peer->load(self);
    timed_run_print_load(cnx_now() - start);
    peer->bind(self, input);
    timed_run_go(run, peer->run, self);
    timed_run_print_peak();
    peer->save(self);
    peer->close(self);
    free(input);
}
