/* Kernels about boxes and the masks in them, written over vector_*.h. */

/* A bit for each lane where shared / (a + b - shared) > iou. */
static inline unsigned overlap(const vector box[5], const float *const side[5], int at,
                               lane_mask part, vector iou)
{
    const vector w = v_sub(v_min(box[2], v_load_part(side[2] + at, part)),
                           v_max(box[0], v_load_part(side[0] + at, part)));
    const vector h = v_sub(v_min(box[3], v_load_part(side[3] + at, part)),
                           v_max(box[1], v_load_part(side[1] + at, part)));
    const vector shared = v_mul(v_max(v_zero(), w), v_max(v_zero(), h));
    const vector all = v_sub(v_add(box[4], v_load_part(side[4] + at, part)), shared);
    return v_greater(v_div(shared, all), iou);
}

static void suppress(int n, const float box[5], const float *const side[5], float iou,
                     int32_t *suppressed)
{
    const vector limit = v_set(iou);
    vector wide[5];
    for (int j = 0; j < 5; j++)
        wide[j] = v_set(box[j]);
    for (int i = 0; i < n; i += LANES) {
        const int lanes = n - i < LANES ? n - i : LANES;
        unsigned over = overlap(wide, side, i, v_first(lanes), limit);
        over &= (1u << lanes) - 1u;
        for (; over; over &= over - 1)
            suppressed[i + __builtin_ctz(over)] = 1;
    }
}

static uint64_t paste(int n, const float corner[4], float east, const float *part, float threshold)
{
    const vector one = v_set(1), limit = v_set(threshold), e = v_set(east), w = v_sub(one, e);
    const vector north_west = v_set(corner[0]), north_east = v_set(corner[1]);
    const vector south_west = v_set(corner[2]), south_east = v_set(corner[3]);
    uint64_t set = 0;
    for (int i = 0; i < n; i += LANES) {
        const int lanes = n - i < LANES ? n - i : LANES;
        const vector south = v_load_part(part + i, v_first(lanes)), north = v_sub(one, south);
        vector value = v_mul(north_west, v_mul(north, w));
        value = v_add(value, v_mul(north_east, v_mul(north, e)));
        value = v_add(value, v_mul(south_west, v_mul(south, w)));
        value = v_add(value, v_mul(south_east, v_mul(south, e)));
        set |= (uint64_t)(v_at_least(value, limit) & ((1u << lanes) - 1u)) << i;
    }
    return set;
}
