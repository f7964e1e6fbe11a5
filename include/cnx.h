/*
 * cnx: dense prediction with ConvNeXt in C.
 *
 * Open a checkpoint, ask what it is, run pictures through it, close it:
 *
 *     cnx_error err;
 *     cnx_model *model;
 *     if (cnx_open(&model, "upernet_convnext_tiny.pth", NULL, &err) != CNX_OK)
 *         return fprintf(stderr, "%s\n", err.message), 1;
 *     uint16_t *labels = malloc(sizeof *labels * width * height);
 *     if (cnx_segment(model, rgb, width, height, 3 * width, NULL, labels, &err) != CNX_OK)
 *         fprintf(stderr, "%s\n", err.message);
 *     cnx_close(&model);
 *
 * No function prints, exits or keeps global state.  One model may be used by one thread at a time;
 * it spreads its work over `cnx_options.threads` threads of its own.  The labels, logits and
 * probabilities of one machine do not depend on the number of threads.
 */
#ifndef CNX_H
#define CNX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(CNX_BUILD_SHARED)
#define CNX_API __attribute__((visibility("default")))
#else
#define CNX_API
#endif

#define CNX_VERSION_MAJOR 0
#define CNX_VERSION_MINOR 1
#define CNX_VERSION_PATCH 0
#define CNX_VERSION       "0.1.0"

/* What a call returns.  Zero is success; every other value comes with a message in the cnx_error.
 */
typedef enum cnx_status {
    CNX_OK = 0,
    CNX_ERR_ARGUMENT,    /* the caller asked for something impossible */
    CNX_ERR_IO,          /* the operating system refused to read or write */
    CNX_ERR_FORMAT,      /* a file is damaged, hostile, or not what it says */
    CNX_ERR_UNSUPPORTED, /* a sound file, but of a kind that cnx does not know */
    CNX_ERR_MODEL,  /* tensors missing, of the wrong shape, or in contradiction with the config */
    CNX_ERR_MEMORY, /* memory ran out, or the limit that was set would be passed */
    CNX_ERR_INTERRUPTED, /* the caller's callback asked to stop */
    CNX_ERR_INTERNAL     /* a defect in cnx */
} cnx_status;

/* The reason for a failure, in words for the user: the file and entry, what was found and expected,
 * what to try.  Owned by the caller; any call that fails overwrites it, a call that succeeds leaves
 * it alone.  A NULL pointer is accepted everywhere: only the status is told then. */
typedef struct cnx_error {
    cnx_status status;
    char message[2048];
} cnx_error;

#ifdef __cplusplus
}
#endif
#endif
