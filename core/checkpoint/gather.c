/* Reading a tensor's elements: through its strides, as float32. */
#include "core/checkpoint/checkpoint_private.h"
#include "core/checkpoint/dtype.h"

/* A dimension of the view: how often, and how many bytes further each time. */
typedef struct axis {
    size_t count, step;
} axis;

/* Dimensions of size 1 vanish, and neighbours that continue each other become one; a contiguous
 * tensor ends as one axis. */
static int merge_axes(axis axes[CNX_MAX_RANK + 1], const cnx_tensor_record *t)
{
    int n = 0;
    for (int i = 0; i < t->info.rank; i++) {
        const axis a = {(size_t)t->info.shape[i], t->stride[i] * t->item_size};
        if (a.count == 1)
            continue;
        if (n > 0 && axes[n - 1].step == a.count * a.step)
            axes[n - 1] = (axis){axes[n - 1].count * a.count, a.step};
        else
            axes[n++] = a;
    }
    if (n == 0)
        axes[n++] = (axis){1, t->item_size};
    return n;
}

/* One axis.  What was read is let go of on the way, so that a large tensor is in memory once, as
 * float32. */
static void gather_run(float *out, const unsigned char *source, axis a, cnx_dtype dtype,
                       bool release)
{
    const size_t piece = (size_t)1 << 20;
    for (size_t at = 0; at < a.count; at += piece) {
        const size_t n = a.count - at < piece ? a.count - at : piece;
        cnx_convert_to_f32(out + at, source + at * a.step, n, a.step, dtype);
        if (release && a.count > piece)
            cnx_mapping_release(source + at * a.step, n * a.step);
    }
}

/* The last axis is the inner loop; the others count like an odometer. */
static void gather(float *out, const unsigned char *source, const axis *axes, int n,
                   cnx_dtype dtype)
{
    size_t at[CNX_MAX_RANK] = {0};
    const axis inner = axes[n - 1];
    for (;;) {
        cnx_convert_to_f32(out, source, inner.count, inner.step, dtype);
        out += inner.count;
        int i = n - 2;
        for (; i >= 0; i--) {
            source += axes[i].step;
            if (++at[i] < axes[i].count)
                break;
            source -= axes[i].step * axes[i].count;
            at[i] = 0;
        }
        if (i < 0)
            return;
    }
}

/* The bytes from the first element to the end of the last. */
static size_t extent(const cnx_tensor_record *t)
{
    size_t last = 0;
    for (int i = 0; i < t->info.rank; i++)
        last += ((size_t)t->info.shape[i] - 1) * t->stride[i];
    return (last + 1) * t->item_size;
}

static bool belongs(const cnx_checkpoint *c, const cnx_tensor_info *tensor)
{
    const uintptr_t first = (uintptr_t)c->tensors, at = (uintptr_t)tensor;
    return at >= first && (at - first) % sizeof *c->tensors == 0 &&
           (at - first) / sizeof *c->tensors < c->count;
}

/* The storage's bytes, once they are verified.  Tensors may share a storage and be read by several
 * threads: at worst each of them verifies it. */
static cnx_status open_storage(const unsigned char **data, const cnx_checkpoint *c,
                               const cnx_tensor_record *t, cnx_error *err)
{
    *data = t->storage->data;
    if (*data)
        return CNX_OK;
    cnx_zip_member member = *t->storage->member;
    const cnx_status status = cnx_zip_read(&c->zip, &member, err);
    if (status != CNX_OK) {
        cnx_error_prefix(err, "%s: tensor %s", c->name, t->info.name);
        return status;
    }
    t->storage->data = member.data;
    *data = member.data;
    return CNX_OK;
}

cnx_status cnx_checkpoint_read_f32(cnx_checkpoint *c, const cnx_tensor_info *tensor, float *out,
                                   cnx_error *err)
{
    CNX_FAIL_IF(!belongs(c, tensor), CNX_ERR_ARGUMENT, "the tensor is not of this checkpoint");
    const cnx_tensor_record *t = (const cnx_tensor_record *)tensor;
    const cnx_dtype dtype = tensor->dtype;
    CNX_FAIL_IF(dtype != CNX_F32 && dtype != CNX_F64 && dtype != CNX_F16 && dtype != CNX_BF16,
                CNX_ERR_MODEL,
                "%s: tensor %s has dtype %s; a weight must be float32, float64, float16 or "
                "bfloat16",
                c->name, tensor->name, cnx_dtype_name(dtype));
    if (tensor->elements == 0)
        return CNX_OK;
    const unsigned char *data;
    CNX_TRY(open_storage(&data, c, t, err));
    const unsigned char *source = data + t->offset;
    const bool mapped = c->mapping.data != NULL;
    axis axes[CNX_MAX_RANK + 1];
    const int n = merge_axes(axes, t);
    if (n == 1)
        gather_run(out, source, axes[0], dtype, mapped);
    else
        gather(out, source, axes, n, dtype);
    if (mapped)
        cnx_mapping_release(source, extent(t));
    return CNX_OK;
}

static bool is_float_boundary(const void *p)
{
    return (uintptr_t)p % _Alignof(float) == 0;
}

const float *cnx_checkpoint_view_f32(cnx_checkpoint *c, const cnx_tensor_info *tensor)
{
    const uint16_t probe = 1;
    const bool little = *(const uint8_t *)&probe == 1; /* as all the containers are */
    const unsigned char *data;
    if (!little || !belongs(c, tensor) || tensor->dtype != CNX_F32 || tensor->elements == 0)
        return NULL;
    const cnx_tensor_record *t = (const cnx_tensor_record *)tensor;
    axis axes[CNX_MAX_RANK + 1];
    if (merge_axes(axes, t) != 1 || (axes[0].count > 1 && axes[0].step != sizeof(float)))
        return NULL;
    cnx_error unsaid = {0}; /* reading it says the same */
    if (open_storage(&data, c, t, &unsaid) != CNX_OK || !is_float_boundary(data + t->offset))
        return NULL;
    if (c->mapping.data)
        cnx_mapping_expect(data + t->offset, tensor->elements * sizeof(float));
    return (const float *)(const void *)(data + t->offset);
}

void cnx_checkpoint_unview(const cnx_checkpoint *c, const float *values, size_t count)
{
    if (c->mapping.data)
        cnx_mapping_release(values, count * sizeof *values);
}
