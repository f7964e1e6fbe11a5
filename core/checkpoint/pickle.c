/*
 * The opcodes.  See pickletools in Python's library for what each does; those that carry a class
 * inline (INST, OBJ), name one by number (EXT) or belong to protocols 0 and 1 are refused.
 */
#include "core/checkpoint/pickle.h"

#include <stdlib.h>
#include <string.h>

#include "core/checkpoint/bytes.h"
#include "core/checkpoint/pickle_machine.h"
#include "core/checkpoint/text.h"

enum { NEWEST_PROTOCOL = 5, LONGEST_GLOBAL = 256 };

typedef cnx_status (*handler)(cnx_pickle_machine *m, unsigned char op, cnx_error *err);

/* ---- stack ---- */

static size_t floor_of(const cnx_pickle_machine *m)
{
    return m->mark_count ? m->marks[m->mark_count - 1] : 0;
}

cnx_status cnx_pickle_push(cnx_pickle_machine *m, cnx_pickle_value value, cnx_error *err)
{
    CNX_TRY(cnx_pickle_grow(m->pickle, &m->stack, &m->stack_room, m->depth + 1, err));
    m->stack[m->depth++] = value;
    return CNX_OK;
}

cnx_pickle_value *cnx_pickle_top(cnx_pickle_machine *m)
{
    return m->depth > floor_of(m) ? &m->stack[m->depth - 1] : NULL;
}

cnx_status cnx_pickle_pop(cnx_pickle_machine *m, cnx_pickle_value *value, cnx_error *err)
{
    CNX_FAIL_IF(!cnx_pickle_top(m), CNX_ERR_FORMAT, "the stack is empty where a value is needed");
    *value = m->stack[--m->depth];
    return CNX_OK;
}

cnx_status cnx_pickle_pop_mark(cnx_pickle_machine *m, size_t *first, cnx_error *err)
{
    CNX_FAIL_IF(m->mark_count == 0, CNX_ERR_FORMAT, "a mark is missing");
    *first = m->marks[--m->mark_count];
    return CNX_OK;
}

/* ---- bytes ---- */

static cnx_status take(cnx_pickle_machine *m, const unsigned char **out, uint64_t size,
                       cnx_error *err)
{
    CNX_FAIL_IF(size > m->size - m->at, CNX_ERR_FORMAT,
                "the pickle ends too early: %llu bytes are announced, %zu are left",
                (unsigned long long)size, m->size - m->at);
    *out = m->data + m->at;
    m->at += (size_t)size;
    return CNX_OK;
}

/* An unsigned number of 1, 2, 4 or 8 bytes. */
static cnx_status take_number(cnx_pickle_machine *m, uint64_t *out, size_t width, cnx_error *err)
{
    const unsigned char *p = NULL;
    CNX_TRY(take(m, &p, width, err));
    *out = width == 1 ? p[0] : width == 2 ? cnx_u16(p) : width == 4 ? cnx_u32(p) : cnx_u64(p);
    return CNX_OK;
}

/* Pushes bytes whose length stands before them in `width` bytes. */
static cnx_status push_bytes(cnx_pickle_machine *m, cnx_pickle_kind kind, size_t width,
                             cnx_error *err)
{
    uint64_t size = 0;
    cnx_pickle_value value = {.kind = kind};
    CNX_TRY(take_number(m, &size, width, err));
    CNX_FAIL_IF(size > INT32_MAX, CNX_ERR_FORMAT, "a text or number claims %llu bytes",
                (unsigned long long)size);
    CNX_TRY(take(m, &value.as.bytes, size, err));
    value.size = (uint32_t)size;
    return cnx_pickle_push(m, value, err);
}

/* ---- plain values ---- */

static cnx_status op_proto(cnx_pickle_machine *m, unsigned char op, cnx_error *err)
{
    (void)op;
    uint64_t protocol = 0;
    CNX_TRY(take_number(m, &protocol, 1, err));
    CNX_FAIL_IF(protocol > NEWEST_PROTOCOL, CNX_ERR_UNSUPPORTED,
                "pickle protocol %d is unknown (known: up to %d)", (int)protocol, NEWEST_PROTOCOL);
    return CNX_OK;
}

/* A frame only says how much a reader may fetch at once. */
static cnx_status op_frame(cnx_pickle_machine *m, unsigned char op, cnx_error *err)
{
    (void)op;
    uint64_t size = 0;
    CNX_TRY(take_number(m, &size, 8, err));
    CNX_FAIL_IF(size > m->size - m->at, CNX_ERR_FORMAT,
                "the pickle ends too early: a frame of %llu bytes, %zu are left",
                (unsigned long long)size, m->size - m->at);
    return CNX_OK;
}

static cnx_status op_constant(cnx_pickle_machine *m, unsigned char op, cnx_error *err)
{
    if (op == 'N')
        return cnx_pickle_push(m, (cnx_pickle_value){.kind = CNX_PICKLE_NONE}, err);
    return cnx_pickle_push(m, (cnx_pickle_value){.kind = CNX_PICKLE_BOOL, .as.integer = op == 0x88},
                           err);
}

static cnx_status op_integer(cnx_pickle_machine *m, unsigned char op, cnx_error *err)
{
    uint64_t number = 0;
    CNX_TRY(take_number(m, &number, op == 'K' ? 1 : op == 'M' ? 2 : 4, err));
    const int64_t value = op == 'J' ? (int32_t)(uint32_t)number : (int64_t)number;
    return cnx_pickle_push(m, (cnx_pickle_value){.kind = CNX_PICKLE_INT, .as.integer = value}, err);
}

/* LONG1, LONG4: two's complement of any length. */
static cnx_status op_long(cnx_pickle_machine *m, unsigned char op, cnx_error *err)
{
    CNX_TRY(push_bytes(m, CNX_PICKLE_LONG, op == 0x8a ? 1 : 4, err));
    cnx_pickle_value *value = cnx_pickle_top(m);
    if (value->size > 8)
        return CNX_OK;
    uint64_t number = 0;
    for (uint32_t i = 0; i < value->size; i++)
        number |= (uint64_t)value->as.bytes[i] << (8 * i);
    if (value->size > 0 && value->size < 8 && value->as.bytes[value->size - 1] & 0x80)
        number |= UINT64_MAX << (8 * value->size);
    *value = (cnx_pickle_value){.kind = CNX_PICKLE_INT, .as.integer = (int64_t)number};
    return CNX_OK;
}

static cnx_status op_float(cnx_pickle_machine *m, unsigned char op, cnx_error *err)
{
    (void)op;
    const unsigned char *p = NULL;
    CNX_TRY(take(m, &p, 8, err));
    uint64_t bits = 0; /* big-endian, the only one here */
    for (int i = 0; i < 8; i++)
        bits = bits << 8 | p[i];
    cnx_pickle_value value = {.kind = CNX_PICKLE_FLOAT};
    memcpy(&value.as.real, &bits, sizeof bits);
    return cnx_pickle_push(m, value, err);
}

/* Python 2 wrote its str as BINSTRING, names among them. */
static cnx_status op_text(cnx_pickle_machine *m, unsigned char op, cnx_error *err)
{
    const size_t width = op == 0x8c || op == 'U' ? 1 : op == 0x8d ? 8 : 4;
    return push_bytes(m, CNX_PICKLE_TEXT, width, err);
}

static cnx_status op_bytes(cnx_pickle_machine *m, unsigned char op, cnx_error *err)
{
    const size_t width = op == 'C' ? 1 : op == 'B' ? 4 : 8;
    return push_bytes(m, CNX_PICKLE_BYTES, width, err);
}

/* ---- stack and memo ---- */

static cnx_status op_mark(cnx_pickle_machine *m, unsigned char op, cnx_error *err)
{
    (void)op;
    CNX_FAIL_IF(m->mark_count == CNX_PICKLE_MAX_MARKS, CNX_ERR_FORMAT,
                "the pickle nests deeper than %d", (int)CNX_PICKLE_MAX_MARKS);
    m->marks[m->mark_count++] = m->depth;
    return CNX_OK;
}

static cnx_status op_pop(cnx_pickle_machine *m, unsigned char op, cnx_error *err)
{
    if (op == '1' || (!cnx_pickle_top(m) && m->mark_count))
        return cnx_pickle_pop_mark(m, &m->depth, err);
    cnx_pickle_value dropped = {0};
    return cnx_pickle_pop(m, &dropped, err);
}

static cnx_status op_dup(cnx_pickle_machine *m, unsigned char op, cnx_error *err)
{
    (void)op;
    const cnx_pickle_value *top = cnx_pickle_top(m);
    CNX_FAIL_IF(!top, CNX_ERR_FORMAT, "the stack is empty where a value is needed");
    return cnx_pickle_push(m, *top, err);
}

/* Picklers number their memo from 0 and store each entry with an opcode of its own, so an index is
 * always below the bytes read so far; what a file says beyond that is a claim on memory. */
static cnx_status op_put(cnx_pickle_machine *m, unsigned char op, cnx_error *err)
{
    uint64_t index = m->memo_count;
    if (op != 0x94)
        CNX_TRY(take_number(m, &index, op == 'q' ? 1 : 4, err));
    const cnx_pickle_value *top = cnx_pickle_top(m);
    CNX_FAIL_IF(!top, CNX_ERR_FORMAT, "the stack is empty where a value is to be remembered");
    CNX_FAIL_IF(index >= m->at, CNX_ERR_FORMAT,
                "memo index %llu is impossible in a pickle of this length",
                (unsigned long long)index);
    CNX_TRY(cnx_pickle_grow(m->pickle, &m->memo, &m->memo_room, (size_t)index + 1, err));
    if (m->memo[index].kind == CNX_PICKLE_UNSET)
        m->memo_count++;
    m->memo[index] = *top;
    return CNX_OK;
}

static cnx_status op_get(cnx_pickle_machine *m, unsigned char op, cnx_error *err)
{
    uint64_t index = 0;
    CNX_TRY(take_number(m, &index, op == 'h' ? 1 : 4, err));
    CNX_FAIL_IF(index >= m->memo_room || m->memo[index].kind == CNX_PICKLE_UNSET, CNX_ERR_FORMAT,
                "memo entry %llu is used but was never stored", (unsigned long long)index);
    return cnx_pickle_push(m, m->memo[index], err);
}

/* ---- containers ---- */

static cnx_status push_items(cnx_pickle_machine *m, cnx_pickle_kind kind,
                             const cnx_pickle_value *values, size_t count, cnx_error *err)
{
    cnx_pickle_value value = {.kind = kind};
    CNX_TRY(cnx_pickle_new_items(m->pickle, &value.as.items, values, count, err));
    m->depth -= count; /* they were the top of the stack */
    return cnx_pickle_push(m, value, err);
}

static cnx_status op_empty(cnx_pickle_machine *m, unsigned char op, cnx_error *err)
{
    if (op == 0x8f) /* EMPTY_SET */
        return cnx_pickle_push(m, (cnx_pickle_value){.kind = CNX_PICKLE_OPAQUE}, err);
    const cnx_pickle_kind kind = op == '}'   ? CNX_PICKLE_DICT
                                 : op == ']' ? CNX_PICKLE_LIST
                                             : CNX_PICKLE_TUPLE;
    return push_items(m, kind, NULL, 0, err);
}

/* TUPLE1, TUPLE2, TUPLE3. */
static cnx_status op_short_tuple(cnx_pickle_machine *m, unsigned char op, cnx_error *err)
{
    const size_t count = (size_t)op - 0x84;
    CNX_FAIL_IF(m->depth - floor_of(m) < count, CNX_ERR_FORMAT,
                "the stack is empty where a value is needed");
    return push_items(m, CNX_PICKLE_TUPLE, m->stack + m->depth - count, count, err);
}

/* TUPLE, LIST, DICT, FROZENSET: from all values above the mark. */
static cnx_status op_collect(cnx_pickle_machine *m, unsigned char op, cnx_error *err)
{
    size_t first = 0;
    CNX_TRY(cnx_pickle_pop_mark(m, &first, err));
    if (op == 0x91) {
        m->depth = first;
        return cnx_pickle_push(m, (cnx_pickle_value){.kind = CNX_PICKLE_OPAQUE}, err);
    }
    const size_t count = m->depth - first;
    CNX_FAIL_IF(op == 'd' && count % 2, CNX_ERR_FORMAT, "a dictionary has a key without a value");
    const cnx_pickle_kind kind = op == 't'   ? CNX_PICKLE_TUPLE
                                 : op == 'l' ? CNX_PICKLE_LIST
                                             : CNX_PICKLE_DICT;
    return push_items(m, kind, count ? m->stack + first : NULL, count, err);
}

/* Moves the stack from `first` on into the container below it.  What is put into an opaque value is
 * dropped. */
static cnx_status extend(cnx_pickle_machine *m, size_t first, cnx_pickle_kind kind, cnx_error *err)
{
    CNX_FAIL_IF(first <= floor_of(m), CNX_ERR_FORMAT, "items stand without their container");
    const cnx_pickle_value *target = &m->stack[first - 1];
    CNX_FAIL_IF(target->kind != kind && target->kind != CNX_PICKLE_OPAQUE, CNX_ERR_FORMAT,
                "items are put into %s", cnx_pickle_kind_name(target->kind));
    if (target->kind == kind && kind != CNX_PICKLE_OPAQUE)
        CNX_TRY(cnx_pickle_append(m->pickle, target->as.items, m->stack + first, m->depth - first,
                                  err));
    m->depth = first;
    return CNX_OK;
}

/* APPEND, SETITEM. */
static cnx_status op_add_one(cnx_pickle_machine *m, unsigned char op, cnx_error *err)
{
    const size_t count = op == 's' ? 2 : 1;
    CNX_FAIL_IF(m->depth - floor_of(m) < count, CNX_ERR_FORMAT,
                "the stack is empty where a value is needed");
    return extend(m, m->depth - count, op == 's' ? CNX_PICKLE_DICT : CNX_PICKLE_LIST, err);
}

/* APPENDS, SETITEMS, ADDITEMS. */
static cnx_status op_add_many(cnx_pickle_machine *m, unsigned char op, cnx_error *err)
{
    size_t first = 0;
    CNX_TRY(cnx_pickle_pop_mark(m, &first, err));
    CNX_FAIL_IF(op == 'u' && (m->depth - first) % 2, CNX_ERR_FORMAT,
                "a dictionary has a key without a value");
    const cnx_pickle_kind kind = op == 'u'   ? CNX_PICKLE_DICT
                                 : op == 'e' ? CNX_PICKLE_LIST
                                             : CNX_PICKLE_OPAQUE;
    return extend(m, first, kind, err);
}

/* ---- objects ---- */

/* One line, without its end. */
static cnx_status take_line(cnx_pickle_machine *m, const unsigned char **line, size_t *size,
                            cnx_error *err)
{
    const size_t left = m->size - m->at;
    const size_t limit = left < LONGEST_GLOBAL ? left : LONGEST_GLOBAL;
    const unsigned char *end = limit ? memchr(m->data + m->at, '\n', limit) : NULL;
    CNX_FAIL_IF(!end, CNX_ERR_FORMAT, "a global's name does not end");
    *line = m->data + m->at;
    *size = (size_t)(end - *line);
    m->at += *size + 1;
    return CNX_OK;
}

static cnx_status op_global(cnx_pickle_machine *m, unsigned char op, cnx_error *err)
{
    (void)op;
    const unsigned char *module = NULL, *name = NULL;
    size_t module_size = 0, name_size = 0;
    CNX_TRY(take_line(m, &module, &module_size, err));
    CNX_TRY(take_line(m, &name, &name_size, err));
    return cnx_pickle_global_named(m, module, module_size, name, name_size, err);
}

static cnx_status op_stack_global(cnx_pickle_machine *m, unsigned char op, cnx_error *err)
{
    (void)op;
    cnx_pickle_value module = {0}, name = {0};
    CNX_TRY(cnx_pickle_pop(m, &name, err));
    CNX_TRY(cnx_pickle_pop(m, &module, err));
    CNX_FAIL_IF(module.kind != CNX_PICKLE_TEXT || name.kind != CNX_PICKLE_TEXT, CNX_ERR_FORMAT,
                "a global's name is no text");
    return cnx_pickle_global_named(m, module.as.bytes, module.size, name.as.bytes, name.size, err);
}

/* REDUCE, NEWOBJ, NEWOBJ_EX. */
static cnx_status op_call(cnx_pickle_machine *m, unsigned char op, cnx_error *err)
{
    cnx_pickle_value arguments = {0}, callable = {0};
    if (op == 0x92) /* the keyword arguments; only inert classes have any */
        CNX_TRY(cnx_pickle_pop(m, &arguments, err));
    CNX_TRY(cnx_pickle_pop(m, &arguments, err));
    CNX_TRY(cnx_pickle_pop(m, &callable, err));
    return cnx_pickle_call(m, &callable, &arguments, err);
}

/* The state of an object: attributes beside the items of an OrderedDict, or of something inert. */
static cnx_status op_build(cnx_pickle_machine *m, unsigned char op, cnx_error *err)
{
    (void)op;
    cnx_pickle_value state = {0};
    CNX_TRY(cnx_pickle_pop(m, &state, err));
    const cnx_pickle_value *object = cnx_pickle_top(m);
    CNX_FAIL_IF(!object || (object->kind != CNX_PICKLE_DICT && object->kind != CNX_PICKLE_TENSOR &&
                            object->kind != CNX_PICKLE_OPAQUE),
                CNX_ERR_FORMAT, "a state is given to %s",
                cnx_pickle_kind_name(object ? object->kind : CNX_PICKLE_UNSET));
    return CNX_OK;
}

static cnx_status op_persistent(cnx_pickle_machine *m, unsigned char op, cnx_error *err)
{
    (void)op;
    cnx_pickle_value id = {0};
    CNX_TRY(cnx_pickle_pop(m, &id, err));
    return cnx_pickle_persistent(m, &id, err);
}

static cnx_status op_refused(cnx_pickle_machine *m, unsigned char op, cnx_error *err)
{
    (void)m;
    return cnx_fail(err, CNX_ERR_FORMAT,
                    "refused: opcode %s makes an object of any class (nothing was executed)",
                    op == 'i'   ? "INST"
                    : op == 'o' ? "OBJ"
                                : "EXT");
}

/* ---- the loop ---- */

static const handler handlers[256] = {
    [0x80] = op_proto,       [0x95] = op_frame,        ['N'] = op_constant,
    [0x88] = op_constant,    [0x89] = op_constant,     ['K'] = op_integer,
    ['M'] = op_integer,      ['J'] = op_integer,       [0x8a] = op_long,
    [0x8b] = op_long,        ['G'] = op_float,         ['X'] = op_text,
    [0x8c] = op_text,        [0x8d] = op_text,         ['T'] = op_text,
    ['U'] = op_text,         ['B'] = op_bytes,         ['C'] = op_bytes,
    [0x8e] = op_bytes,       [0x96] = op_bytes,        ['('] = op_mark,
    ['0'] = op_pop,          ['1'] = op_pop,           ['2'] = op_dup,
    ['q'] = op_put,          ['r'] = op_put,           [0x94] = op_put,
    ['h'] = op_get,          ['j'] = op_get,           ['}'] = op_empty,
    [']'] = op_empty,        [')'] = op_empty,         [0x8f] = op_empty,
    [0x85] = op_short_tuple, [0x86] = op_short_tuple,  [0x87] = op_short_tuple,
    ['t'] = op_collect,      ['l'] = op_collect,       ['d'] = op_collect,
    [0x91] = op_collect,     ['a'] = op_add_one,       ['s'] = op_add_one,
    ['e'] = op_add_many,     ['u'] = op_add_many,      [0x90] = op_add_many,
    ['c'] = op_global,       [0x93] = op_stack_global, ['R'] = op_call,
    [0x81] = op_call,        [0x92] = op_call,         ['b'] = op_build,
    ['Q'] = op_persistent,   ['i'] = op_refused,       ['o'] = op_refused,
    [0x82] = op_refused,     [0x83] = op_refused,      [0x84] = op_refused,
};

static cnx_status run(cnx_pickle_machine *m, cnx_error *err)
{
    enum { STOP = '.' };
    for (;;) {
        const unsigned char *op = NULL;
        CNX_TRY(take(m, &op, 1, err));
        if (*op == STOP)
            return cnx_pickle_pop(m, &m->pickle->root, err);
        CNX_FAIL_IF(!handlers[*op], CNX_ERR_FORMAT, "opcode 0x%02x is unknown", *op);
        CNX_TRY(handlers[*op](m, *op, err));
    }
}

cnx_status cnx_pickle_load(cnx_pickle *out, const unsigned char *data, size_t size, cnx_error *err)
{
    *out = (cnx_pickle){0};
    cnx_pickle_machine *m = calloc(1, sizeof *m);
    CNX_FAIL_IF(!m, CNX_ERR_MEMORY, "not enough memory for the pickle");
    m->pickle = out;
    m->data = data;
    m->size = size;
    const cnx_status status = run(m, err);
    out->end = m->at;
    if (status != CNX_OK) {
        cnx_error_prefix(err, "pickle, byte %zu", m->at);
        cnx_pickle_free(out);
    }
    free(m->stack);
    free(m->memo);
    free(m);
    return status;
}
