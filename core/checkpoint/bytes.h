/* Little-endian integers at unaligned places. */
#ifndef CNX_CHECKPOINT_BYTES_H
#define CNX_CHECKPOINT_BYTES_H

#include <stdint.h>
#include <string.h>

static inline uint16_t cnx_u16(const unsigned char *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}

static inline uint32_t cnx_u32(const unsigned char *p)
{
    return (uint32_t)cnx_u16(p) | (uint32_t)cnx_u16(p + 2) << 16;
}

static inline uint64_t cnx_u64(const unsigned char *p)
{
    return (uint64_t)cnx_u32(p) | (uint64_t)cnx_u32(p + 4) << 32;
}

#endif
