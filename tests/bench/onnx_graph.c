#include "onnx_graph.h"

#include <stdlib.h>
#include <string.h>

#include "core/file.h"
#include "core/memory.h"

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "raw_data is little endian; so must be the machine that writes it"
#endif

/* ---- Protocol Buffers ---- */

enum { WIRE_VARINT = 0, WIRE_BYTES = 2, WIRE_FLOAT = 5 };

typedef struct bytes {
    unsigned char *data; /* malloc */
    size_t size, capacity;
    bool failed;
} bytes;

static void put(bytes *b, const void *data, size_t size)
{
    if (b->failed || size == 0)
        return;
    if (size > b->capacity - b->size) {
        const size_t capacity = 2 * (b->size + size);
        unsigned char *grown = realloc(b->data, capacity);
        if (!grown) {
            b->failed = true;
            return;
        }
        b->data = grown;
        b->capacity = capacity;
    }
    memcpy(b->data + b->size, data, size);
    b->size += size;
}

static void put_varint(bytes *b, uint64_t v)
{
    unsigned char text[10];
    size_t n = 0;
    do {
        text[n++] = (unsigned char)((v & 127) | (v > 127 ? 128 : 0));
        v >>= 7;
    } while (v);
    put(b, text, n);
}

static void put_tag(bytes *b, int field, int wire)
{
    put_varint(b, (uint64_t)field << 3 | (uint64_t)wire);
}

static void put_int(bytes *b, int field, int64_t v)
{
    put_tag(b, field, WIRE_VARINT);
    put_varint(b, (uint64_t)v);
}

static void put_float(bytes *b, int field, float v)
{
    put_tag(b, field, WIRE_FLOAT);
    put(b, &v, sizeof v);
}

/* The tag and length of a field whose `size` bytes follow. */
static void put_header(bytes *b, int field, size_t size)
{
    put_tag(b, field, WIRE_BYTES);
    put_varint(b, size);
}

static void put_text(bytes *b, int field, const char *text)
{
    put_header(b, field, strlen(text));
    put(b, text, strlen(text));
}

/* Appends `message` as a field and empties it for the next. */
static void put_message(bytes *b, int field, bytes *message)
{
    b->failed |= message->failed;
    put_header(b, field, message->size);
    put(b, message->data, message->size);
    free(message->data);
    *message = (bytes){0};
}

/* ---- the messages of ONNX: numbers are field numbers of onnx.proto ---- */

enum { TENSOR_DIMS = 1, TENSOR_TYPE = 2, TENSOR_NAME = 8, TENSOR_RAW = 9 };
enum { DATA_FLOAT = 1, DATA_INT64 = 7 };
enum { NODE_INPUT = 1, NODE_OUTPUT = 2, NODE_NAME = 3, NODE_OP = 4, NODE_ATTRIBUTE = 5 };
enum { ATTR_NAME = 1, ATTR_F = 2, ATTR_I = 3, ATTR_S = 4, ATTR_INTS = 8, ATTR_TYPE = 20 };
enum { TYPE_FLOAT = 1, TYPE_INT = 2, TYPE_STRING = 3, TYPE_INTS = 7 };
enum { GRAPH_NODE = 1, GRAPH_NAME = 2, GRAPH_INITIALIZER = 5, GRAPH_INPUT = 11, GRAPH_OUTPUT = 12 };
enum { MODEL_IR = 1, MODEL_PRODUCER = 2, MODEL_GRAPH = 7, MODEL_OPSET = 8 };
enum { IR_VERSION = 8 };

/* A constant: its message but for the values, and the values. */
typedef struct initializer {
    bytes head;
    void *values; /* cnx_alloc */
    size_t size;
} initializer;

struct onnx_graph {
    bytes body; /* nodes, inputs, outputs */
    initializer *initializers;
    size_t count, capacity;
    bool failed;
};

cnx_status onnx_graph_open(onnx_graph **out, cnx_error *err)
{
    *out = calloc(1, sizeof **out);
    CNX_FAIL_IF(!*out, CNX_ERR_MEMORY, "not enough memory for a graph");
    put_text(&(*out)->body, GRAPH_NAME, "network");
    return CNX_OK;
}

void onnx_graph_close(onnx_graph **graph)
{
    if (!*graph)
        return;
    for (size_t i = 0; i < (*graph)->count; i++) {
        free((*graph)->initializers[i].head.data);
        cnx_free((*graph)->initializers[i].values);
    }
    free((*graph)->initializers);
    free((*graph)->body.data);
    free(*graph);
    *graph = NULL;
}

/* ValueInfoProto{name, TypeProto{tensor: {element type, shape: {dim: {value}}}}} */
static void put_value_info(onnx_graph *g, int field, const char *name, int rank,
                           const int64_t *shape)
{
    bytes dims = {0}, tensor = {0}, type = {0}, info = {0};
    for (int i = 0; i < rank; i++) {
        bytes dim = {0};
        put_int(&dim, 1, shape[i]);
        put_message(&dims, 1, &dim);
    }
    put_int(&tensor, 1, DATA_FLOAT);
    put_message(&tensor, 2, &dims);
    put_message(&type, 1, &tensor);
    put_text(&info, 1, name);
    put_message(&info, 2, &type);
    put_message(&g->body, field, &info);
}

void onnx_graph_input(onnx_graph *g, const char *name, int rank, const int64_t *shape)
{
    put_value_info(g, GRAPH_INPUT, name, rank, shape);
}

void onnx_graph_output(onnx_graph *g, const char *name, int rank, const int64_t *shape)
{
    put_value_info(g, GRAPH_OUTPUT, name, rank, shape);
}

static void put_attribute(bytes *node, const onnx_attribute *a)
{
    bytes b = {0};
    put_text(&b, ATTR_NAME, a->name);
    switch (a->kind) {
    case ONNX_FLOAT:
        put_float(&b, ATTR_F, a->f);
        put_int(&b, ATTR_TYPE, TYPE_FLOAT);
        break;
    case ONNX_INT:
        put_int(&b, ATTR_I, a->i[0]);
        put_int(&b, ATTR_TYPE, TYPE_INT);
        break;
    case ONNX_INTS:
        for (int i = 0; i < a->count; i++)
            put_int(&b, ATTR_INTS, a->i[i]);
        put_int(&b, ATTR_TYPE, TYPE_INTS);
        break;
    case ONNX_STRING:
        put_text(&b, ATTR_S, a->s);
        put_int(&b, ATTR_TYPE, TYPE_STRING);
        break;
    case ONNX_NO_ATTRIBUTE:
        break;
    }
    put_message(node, NODE_ATTRIBUTE, &b);
}

void onnx_graph_node(onnx_graph *g, const onnx_node *node)
{
    bytes b = {0};
    for (int i = 0; node->inputs[i]; i++)
        put_text(&b, NODE_INPUT, node->inputs[i]);
    for (int i = 0; node->outputs[i]; i++)
        put_text(&b, NODE_OUTPUT, node->outputs[i]);
    put_text(&b, NODE_NAME, node->outputs[0]);
    put_text(&b, NODE_OP, node->op);
    for (int i = 0; node->attributes[i].kind != ONNX_NO_ATTRIBUTE; i++)
        put_attribute(&b, &node->attributes[i]);
    put_message(&g->body, GRAPH_NODE, &b);
}

/* Takes values over. */
static void add_initializer(onnx_graph *g, const char *name, int type, int rank,
                            const int64_t *shape, void *values, size_t element)
{
    if (g->count == g->capacity) {
        const size_t capacity = g->capacity ? 2 * g->capacity : 64;
        initializer *grown = realloc(g->initializers, capacity * sizeof *grown);
        if (grown) {
            g->initializers = grown;
            g->capacity = capacity;
        }
    }
    if (!values || g->count == g->capacity) {
        cnx_free(values);
        g->failed = true;
        return;
    }
    initializer *t = &g->initializers[g->count++];
    *t = (initializer){.values = values, .size = element};
    for (int i = 0; i < rank; i++) {
        put_int(&t->head, TENSOR_DIMS, shape[i]);
        t->size *= (size_t)shape[i]; /* the caller holds that many values */
    }
    put_int(&t->head, TENSOR_TYPE, type);
    put_text(&t->head, TENSOR_NAME, name);
    put_header(&t->head, TENSOR_RAW, t->size);
    g->failed |= t->head.failed;
}

void onnx_graph_floats(onnx_graph *g, const char *name, int rank, const int64_t *shape,
                       float *values)
{
    add_initializer(g, name, DATA_FLOAT, rank, shape, values, sizeof(float));
}

void onnx_graph_float(onnx_graph *g, const char *name, float value)
{
    float *copy = cnx_alloc(sizeof value);
    if (copy)
        *copy = value;
    onnx_graph_floats(g, name, 0, NULL, copy);
}

void onnx_graph_ints(onnx_graph *g, const char *name, int count, const int64_t *values)
{
    const int64_t shape = count;
    const size_t size = (size_t)count * sizeof *values;
    int64_t *copy = cnx_alloc(size);
    if (copy)
        memcpy(copy, values, size);
    add_initializer(g, name, DATA_INT64, 1, &shape, copy, sizeof *values);
}

/* ---- the file ---- */

/* Bytes of the GraphProto. */
static size_t graph_size(const onnx_graph *g)
{
    size_t size = g->body.size;
    for (size_t i = 0; i < g->count; i++) {
        const initializer *t = &g->initializers[i];
        bytes header = {0};
        put_header(&header, GRAPH_INITIALIZER, t->head.size + t->size);
        size += header.size + t->head.size + t->size;
        free(header.data);
    }
    return size;
}

static cnx_status write_bytes(cnx_output *out, bytes *b, cnx_error *err)
{
    const cnx_status status =
        b->failed ? cnx_fail(err, CNX_ERR_MEMORY, "not enough memory to write the graph")
                  : cnx_output_write(out, b->data, b->size, err);
    free(b->data);
    *b = (bytes){0};
    return status;
}

static cnx_status write_model(const onnx_graph *g, size_t size, cnx_output *out, cnx_error *err)
{
    bytes model = {0}, opset = {0};
    put_int(&model, MODEL_IR, IR_VERSION);
    put_text(&model, MODEL_PRODUCER, "cnx export_network");
    put_text(&opset, 1, "");
    put_int(&opset, 2, ONNX_OPSET);
    put_message(&model, MODEL_OPSET, &opset);
    put_header(&model, MODEL_GRAPH, size);
    CNX_TRY(write_bytes(out, &model, err));
    CNX_TRY(cnx_output_write(out, g->body.data, g->body.size, err));
    for (size_t i = 0; i < g->count; i++) {
        const initializer *t = &g->initializers[i];
        bytes header = {0};
        put_header(&header, GRAPH_INITIALIZER, t->head.size + t->size);
        CNX_TRY(write_bytes(out, &header, err));
        CNX_TRY(cnx_output_write(out, t->head.data, t->head.size, err));
        CNX_TRY(cnx_output_write(out, t->values, t->size, err));
    }
    return CNX_OK;
}

cnx_status onnx_graph_write(const onnx_graph *g, const char *path, cnx_error *err)
{
    CNX_FAIL_IF(g->failed || g->body.failed, CNX_ERR_MEMORY, "not enough memory for the graph");
    const size_t size = graph_size(g);
    CNX_FAIL_IF(size > INT32_MAX - 1024, CNX_ERR_ARGUMENT,
                "%s: the network takes %.2f GiB, and a Protocol Buffers message ends at 2 GiB; "
                "take a smaller network",
                path, (double)size / 1073741824);
    cnx_output out;
    CNX_TRY(cnx_output_open(&out, path, err));
    cnx_status status = write_model(g, size, &out, err);
    if (status == CNX_OK)
        status = cnx_output_commit(&out, err);
    else
        cnx_output_abort(&out);
    return status;
}
