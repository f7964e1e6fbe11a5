/* SHA-256, for naming the exact file that a result came from. */
#ifndef CNX_CORE_SHA256_H
#define CNX_CORE_SHA256_H

#include <stddef.h>

/* hex[65]: 64 lower-case digits and a NUL. */
void cnx_sha256_hex(const void *data, size_t size, char hex[65]);
/* The same without the processor's own instructions for it, which the other takes where it can. */
void cnx_sha256_hex_plain(const void *data, size_t size, char hex[65]);

#endif
