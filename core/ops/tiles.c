#include "core/ops/tiles.h"

cnx_tiles cnx_tiles_cut(size_t total, int wanted, int fewest)
{
    enum { GROUP = 4 };
    size_t count = (total + (size_t)wanted - 1) / (size_t)wanted;
    if (count > GROUP)
        count = (count + GROUP / 2) / GROUP * GROUP;
    else if (total >= (size_t)GROUP * (size_t)fewest)
        count = GROUP;
    else if (total >= (size_t)2 * (size_t)fewest)
        count = 2;
    else
        count = 1;
    const size_t size = (total + count - 1) / count;
    return (cnx_tiles){.total = total, .count = (int)count, .size = (int)size};
}
