/* What a run over one picture would need and do, told without running: for --dry-run and --max-memory. */
#ifndef CNX_HEADS_ESTIMATE_H
#define CNX_HEADS_ESTIMATE_H

#include <stdbool.h>
#include <stddef.h>

typedef struct cnx_estimate {
    size_t weights_bytes, arena_bytes, picture_bytes, total_bytes;
    double macs;      /* multiply-adds of all network runs; of a detector, the most there can be */
    int passes;       /* scales x flips */
    int windows;      /* network runs */
    int net_h, net_w; /* the first one's input size */
    int direct;       /* of a segmentor: convolutions done directly ... */
    bool small_tiles; /* ... and work done in smaller pieces, to need less memory */
} cnx_estimate;

#endif
