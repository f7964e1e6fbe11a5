/*
 * Widths, decided by a vote.
 *
 * A width stands in many tensors.  It is decided by a vote among them, so that one damaged tensor
 * does not bend the whole inference: the others agree, and the check that follows names the one
 * that differs.
 */
#ifndef CNX_HEADS_BALLOT_H
#define CNX_HEADS_BALLOT_H

#include "core/checkpoint/weights.h"

#define CNX_MAX_WIDTH 65536

/* Begin with the weights and no votes. */
typedef struct cnx_ballot {
    const cnx_weights *weights;
    int64_t votes[16]; /* the first of them; more are not counted */
    int count;
} cnx_ballot;

/* The size of one axis of a tensor, where it is there; axis -1: all its elements. */
void cnx_vote(cnx_ballot *b, int axis, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* What most say, the first of equals; 0 when nobody voted or the winner is past the limit. */
int cnx_elect(const cnx_ballot *b, int limit);

#endif
