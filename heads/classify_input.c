#include "heads/classify_input.h"

#include "core/image/resample.h"
#include "core/json.h"

/* Nothing but an index of its pixels exists at this size: only the crop is made. */
#define LONGEST (1 << 28)

/* Python's round: halves go to the even number. */
static int half_of(int rest)
{
    return rest / 2 + (rest % 2 != 0 && rest / 2 % 2 != 0);
}

/* Parity: torchvision computes int(size * long / short) in double. */
static cnx_status long_side(int *out, int size, int longer, int shorter, cnx_error *err)
{
    const double exact = (double)size * longer / shorter;
    CNX_FAIL_IF(exact > LONGEST, CNX_ERR_ARGUMENT,
                "a side of %d pixels beside one of %d would become %.0f, which is too long", longer,
                shorter, exact);
    *out = (int)exact;
    return CNX_OK;
}

cnx_status cnx_classify_size_of(cnx_classify_size *out, int width, int height,
                                const cnx_pipeline *pipeline, cnx_error *err)
{
    const int size = pipeline->crop_h;
    if (!pipeline->resize) {
        *out =
            (cnx_classify_size){.resized_h = height, .resized_w = width, .h = height, .w = width};
        return CNX_OK;
    }
    *out = (cnx_classify_size){.resized_h = size, .resized_w = size, .h = size, .w = size};
    if (pipeline->crop_share <= CNX_CROP_SQUASHED)
        return CNX_OK;
    const double exact = size / pipeline->crop_share;
    CNX_FAIL_IF(exact > LONGEST, CNX_ERR_ARGUMENT,
                "pipeline.crop_share: found %g; the picture would be resized to %.0f pixels",
                pipeline->crop_share, exact);
    out->resized_h = out->resized_w = (int)exact;
    if (height < width)
        CNX_TRY(long_side(&out->resized_w, out->resized_h, width, height, err));
    else
        CNX_TRY(long_side(&out->resized_h, out->resized_w, height, width, err));
    out->top = half_of(out->resized_h - size);
    out->left = half_of(out->resized_w - size);
    return CNX_OK;
}

static cnx_image_box box_of(const cnx_classify_size *size)
{
    return (cnx_image_box){
        .left = size->left, .top = size->top, .width = size->w, .height = size->h};
}

cnx_status cnx_classify_crop(cnx_image *out, const cnx_image *image, const cnx_classify_size *size,
                             cnx_error *err)
{
    const cnx_image_box box = box_of(size);
    return cnx_image_resample(out, image, size->resized_w, size->resized_h, CNX_RESAMPLE_BICUBIC,
                              &box, err);
}

void cnx_classify_normalise(float *out, const cnx_image *crop, const cnx_pipeline *pipeline)
{
    float table[3][256];
    for (int c = 0; c < 3; c++) {
        /* Parity: the float nearest to 0.224, which 57.12 as a float would miss. */
        const float mean = (float)(cnx_json_decimal(pipeline->mean[c]) / 255.0);
        const float deviation = (float)(cnx_json_decimal(pipeline->std[c]) / 255.0);
        for (int v = 0; v < 256; v++)
            table[c][v] = ((float)v / 255.0f - mean) / deviation;
    }
    const size_t values = 3 * (size_t)crop->width * (size_t)crop->height;
    for (size_t i = 0; i < values; i += 3)
        for (size_t c = 0; c < 3; c++)
            out[i + c] = table[c][crop->data[i + c]];
}

size_t cnx_classify_bytes(const cnx_classify_size *size, int width, int height)
{
    const cnx_image_box box = box_of(size);
    return cnx_image_resample_bytes(width, height, size->resized_w, size->resized_h,
                                    CNX_RESAMPLE_BICUBIC, &box) +
           3 * sizeof(float) * (size_t)size->h * (size_t)size->w;
}
