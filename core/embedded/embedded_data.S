/* The bytes of the embedded files, read-only and 64-byte aligned.  The paths are relative to the
 * root of the source tree, which the build passes as an include folder. */
#if defined(__APPLE__)
#define SYMBOL(name) _##name
        .const
#else
#define SYMBOL(name) name
        .section .rodata
#endif

/* Hidden: the addresses never leave the library, and need no global offset table. */
#if defined(__APPLE__)
#define HIDDEN .private_extern
#else
#define HIDDEN .hidden
#endif

#define CNX_EMBED(symbol, path)                                                                    \
        .balign 64                                                                               ; \
        .globl SYMBOL(cnx_embedded_##symbol)                                                     ; \
        HIDDEN SYMBOL(cnx_embedded_##symbol)                                                     ; \
SYMBOL(cnx_embedded_##symbol):                                                                   ; \
        .incbin path                                                                             ; \
        .globl SYMBOL(cnx_embedded_##symbol##_end)                                               ; \
        HIDDEN SYMBOL(cnx_embedded_##symbol##_end)                                               ; \
SYMBOL(cnx_embedded_##symbol##_end):                                                             ; \
        .byte 0                                                                                  ;

#include "core/embedded/embedded_files.h"

#if defined(__ELF__)
        .section .note.GNU-stack, "", %progbits
#endif
