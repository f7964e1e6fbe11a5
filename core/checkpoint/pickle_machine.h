/* The stack machine that a pickle drives; shared by the files of the unpickler only. */
#ifndef CNX_CHECKPOINT_PICKLE_MACHINE_H
#define CNX_CHECKPOINT_PICKLE_MACHINE_H

#include "core/checkpoint/pickle.h"

enum { CNX_PICKLE_MAX_MARKS = 1000 };

typedef struct cnx_pickle_machine {
    cnx_pickle *pickle;
    const unsigned char *data;
    size_t size, at;
    cnx_pickle_value *stack;
    size_t depth, stack_room;
    cnx_pickle_value *memo; /* by index; UNSET where nothing was stored */
    size_t memo_room, memo_count;
    size_t marks[CNX_PICKLE_MAX_MARKS]; /* heights of the stack */
    size_t mark_count;
} cnx_pickle_machine;

cnx_status cnx_pickle_push(cnx_pickle_machine *m, cnx_pickle_value value, cnx_error *err);
/* Takes the top value off; fails when there is none above the last mark. */
cnx_status cnx_pickle_pop(cnx_pickle_machine *m, cnx_pickle_value *value, cnx_error *err);
/* The top value, which stays; NULL when there is none above the last mark. */
cnx_pickle_value *cnx_pickle_top(cnx_pickle_machine *m);
/* Takes the last mark off.  The values above it stay on the stack, from index *first; the caller
 * cuts the stack. */
cnx_status cnx_pickle_pop_mark(cnx_pickle_machine *m, size_t *first, cnx_error *err);

/* Zeroed memory that lives as long as the pickle. */
cnx_status cnx_pickle_alloc(cnx_pickle *pickle, void **out, size_t size, cnx_error *err);
/* A new list, tuple or dictionary with a copy of these values. */
cnx_status cnx_pickle_new_items(cnx_pickle *pickle, cnx_pickle_items **out,
                                const cnx_pickle_value *values, size_t count, cnx_error *err);
cnx_status cnx_pickle_append(cnx_pickle *pickle, cnx_pickle_items *items,
                             const cnx_pickle_value *values, size_t count, cnx_error *err);
/* Makes room for `need` items of an array from malloc. */
cnx_status cnx_pickle_grow(cnx_pickle *pickle, cnx_pickle_value **array, size_t *room, size_t need,
                           cnx_error *err);

/* Opcodes that build objects: GLOBAL, REDUCE, BUILD, BINPERSID ...; in pickle_objects.c. */
cnx_status cnx_pickle_global_named(cnx_pickle_machine *m, const void *module, size_t module_size,
                                   const void *name, size_t name_size, cnx_error *err);
cnx_status cnx_pickle_call(cnx_pickle_machine *m, const cnx_pickle_value *callable,
                           const cnx_pickle_value *arguments, cnx_error *err);
cnx_status cnx_pickle_persistent(cnx_pickle_machine *m, const cnx_pickle_value *id, cnx_error *err);

#endif
