#include "heads/ballot.h"

#include <stdio.h>

void cnx_vote(cnx_ballot *b, int axis, const char *fmt, ...)
{
    char name[128];
    va_list args;
    va_start(args, fmt);
    vsnprintf(name, sizeof name, fmt, args);
    va_end(args);
    const cnx_tensor_info *t = cnx_weights_find(b->weights, name);
    if (!t || axis >= t->rank || b->count == (int)(sizeof b->votes / sizeof *b->votes))
        return;
    const int64_t size = axis >= 0                      ? t->shape[axis]
                         : t->elements <= CNX_MAX_WIDTH ? (int64_t)t->elements
                                                        : 0;
    if (size > 0)
        b->votes[b->count++] = size;
}

int cnx_elect(const cnx_ballot *b, int limit)
{
    int64_t winner = 0;
    int most = 0;
    for (int i = 0; i < b->count; i++) {
        int n = 0;
        for (int j = 0; j < b->count; j++)
            n += b->votes[j] == b->votes[i];
        if (n > most) {
            most = n;
            winner = b->votes[i];
        }
    }
    return winner <= limit ? (int)winner : 0;
}
