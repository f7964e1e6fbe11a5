#include "core/ops/boxes.h"

#include <math.h>

#define MAX_LOG_SIZE 4.135166556742356f /* |ln(16 / 1000)| */
#define FINEST_SCALE 56.0f

static float clamp(float x, float low, float high)
{
    return x < low ? low : x > high ? high : x;
}

void cnx_box_decode(const float box[4], const float deltas[4], const float stds[4], float out[4])
{
    const float dx = deltas[0] * stds[0], dy = deltas[1] * stds[1];
    const float dw = clamp(deltas[2] * stds[2], -MAX_LOG_SIZE, MAX_LOG_SIZE);
    const float dh = clamp(deltas[3] * stds[3], -MAX_LOG_SIZE, MAX_LOG_SIZE);
    const float px = (box[0] + box[2]) * 0.5f, py = (box[1] + box[3]) * 0.5f;
    const float pw = box[2] - box[0], ph = box[3] - box[1];
    const float gw = pw * expf(dw), gh = ph * expf(dh);
    const float gx = px + pw * dx, gy = py + ph * dy;
    out[0] = gx - gw * 0.5f;
    out[1] = gy - gh * 0.5f;
    out[2] = gx + gw * 0.5f;
    out[3] = gy + gh * 0.5f;
}

void cnx_box_clip(float box[4], float w, float h)
{
    box[0] = clamp(box[0], 0, w);
    box[1] = clamp(box[1], 0, h);
    box[2] = clamp(box[2], 0, w);
    box[3] = clamp(box[3], 0, h);
}

void cnx_box_flip(const float box[4], float w, float out[4])
{
    const float left = w - box[2], right = w - box[0];
    out[0] = left;
    out[1] = box[1];
    out[2] = right;
    out[3] = box[3];
}

int cnx_roi_level(const float box[4], int levels)
{
    const float scale = sqrtf((box[2] - box[0]) * (box[3] - box[1]));
    const float level = floorf(log2f(scale / FINEST_SCALE + 1e-6f));
    return level >= (float)(levels - 1) ? levels - 1 : level > 0 ? (int)level : 0;
}
