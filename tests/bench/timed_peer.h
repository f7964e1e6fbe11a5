/* The frame of the programs that time somebody else's runtime, loaded as they run (timed_run.h). */
#ifndef CNX_BENCH_TIMED_PEER_H
#define CNX_BENCH_TIMED_PEER_H

#include "timed_run.h"

enum { TIMED_PEER_OUTPUTS = 4 }; /* at most */

/* What an exported network calls its results. */
typedef struct timed_outputs {
    const char *const *names;
    int count;
} timed_outputs;

timed_outputs timed_peer_outputs(const timed_run *run);

/* How the runtime does each step; `self` is its own. */
typedef struct timed_peer {
    const char *variable,
        *library; /* where --library is missing: from the environment, else this */
    void (*find)(void *self, void *library, const char *path); /* what is used of it */
    void (*load)(void *self);
    void (*bind)(void *self, float *input); /* [3][h][w], valid until close */
    void (*run)(void *self);
    void (*save)(void *self);
    void (*close)(void *self);
} timed_peer;

/* The whole of the program after its command line. */
void timed_peer_go(const timed_run *run, const timed_peer *peer, void *self);

#endif
