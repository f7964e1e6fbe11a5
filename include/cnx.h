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
 * No function prints, exits or keeps global state.  One cnx_model may be used by one thread at a
 * time; it spreads its work over `cnx_options.threads` threads of its own.  To run several pictures
 * at once, give each thread a cnx_model of its own that shares the weights (cnx_share): for many
 * pictures, that is faster than all threads on one after the other.  The labels, logits and
 * probabilities of one machine do not depend on the number of threads, nor on what runs beside.
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

typedef struct cnx_model cnx_model;

/* How to open a model.  Zero-initialise; every field may be left at zero. */
typedef struct cnx_options {
    const char *config;      /* path of a model description that overrides what the file tells */
    const char *const *sets; /* "path.to.field=JSON" overrides, applied after config */
    size_t set_count;
    int threads; /* 0: all processors this process may use */
    size_t
        max_memory; /* bytes for weights, feature maps and pictures; 0: no limit.  Slower ways that
                          * need less are taken where a picture of the pipeline's size asks for them */
    const char *kernels; /* "auto" (NULL), "ref", "openblas", "avx2", "avx512", "neon" */
    const char *weights; /* how they are kept: "f32" (NULL), "f16", "bf16"; arithmetic is float32 */
} cnx_options;

/*
 * Opens a checkpoint (.pth of any age, .safetensors; naming dialects of ConvNeXt, OpenMMLab,
 * Hugging Face) and packs its weights.  path NULL: the demo model inside the library, which segments;
 * the name of a built-in model where there is no such file: that model.  options may
 * be NULL. On success the caller owns *model and ends it with cnx_close; on failure *model is NULL.
 */
CNX_API cnx_status cnx_open(cnx_model **model, const char *path, const cnx_options *options,
                            cnx_error *err);
/*
 * Another handle on the same weights, for another thread: both may run pictures at the same time.
 * Only the memory for feature maps and pictures is needed once more.  threads: as in cnx_options,
 * but 0 means as many as `model` has.  max_memory goes for each handle alone, as if the weights were
 * its own.  The handles may be closed in any order, and from any thread; the weights live as long
 * as one of them.  `model` may be running a picture meanwhile, but must not be closed during the
 * call.  On success the caller owns *out and ends it with cnx_close; on failure *out is NULL.
 *
 *     cnx_model *second;
 *     if (cnx_share(&second, model, 1, &err) == CNX_OK)
 *         ... thread A: cnx_segment(model, ...); thread B: cnx_segment(second, ...);
 */
CNX_API cnx_status cnx_share(cnx_model **out, const cnx_model *model, int threads, cnx_error *err);

/* Frees everything that no other handle shares; accepts NULL and a pointer to NULL, leaves NULL. */
CNX_API void cnx_close(cnx_model **model);

/* What a model is.  All pointers belong to the model and live as long as it or a handle that shares
 * its weights does. */
typedef struct cnx_info {
    const char *name; /* "upernet_convnext_tiny" */
    int classes;
    const char *const *class_names; /* [classes], UTF-8 */
    const uint8_t *palette;         /* [classes][3], RGB */
    bool slide;                     /* the test pipeline's mode; otherwise whole */
    int scale_long, scale_short;    /* keep-ratio bound of the resize; 0: the picture's own size */
    const char *task; /* "segmentation" (cnx_segment), "detection" (cnx_detect), "classification"
                         (cnx_classify) */
    const int
        *category_ids; /* [classes], the data set's own numbers of a detector's classes; NULL for
                                other models */
    int input_size;    /* edge of the square that a classifier sees; 0: the picture as it is */
} cnx_info;

CNX_API void cnx_describe(const cnx_model *model, cnx_info *info);

/* Called now and then with the share done, 0..1; false ends the run with CNX_ERR_INTERRUPTED. */
typedef bool (*cnx_progress)(void *user, double done);

/* How to run a picture.  Zero-initialise. */
typedef struct cnx_run_options {
    cnx_progress progress; /* may be NULL */
    void *user;            /* for progress */
} cnx_run_options;

/*
 * Segments a picture under the model's test pipeline.
 * rgb: 8-bit RGB, `height` rows of `width` pixels, `stride` bytes from row to row (at least 3
 * width). labels: the caller's [height][width]; each becomes a class index, 0-based. options may be
 * NULL.
 */
CNX_API cnx_status cnx_segment(cnx_model *model, const uint8_t *rgb, int width, int height,
                               size_t stride, const cnx_run_options *options, uint16_t *labels,
                               cnx_error *err);

typedef enum cnx_scores {
    CNX_LOGITS, /* not with several scales or flips, whose probabilities are averaged */
    CNX_PROBABILITIES
} cnx_scores;

/*
 * The same with a score for each class: scores is the caller's [height][width][classes] float32
 * (channels last).  labels may be NULL.
 */
CNX_API cnx_status cnx_segment_scores(cnx_model *model, const uint8_t *rgb, int width, int height,
                                      size_t stride, const cnx_run_options *options,
                                      cnx_scores kind, float *scores, uint16_t *labels,
                                      cnx_error *err);

/*
 * Classifies a picture: the model is a classifier, and the view of the picture is the official
 * evaluation's (or the description's).  rgb as above; scores: the caller's [classes] float32.  The
 * likeliest class is the one of the largest score.  A model for another task is CNX_ERR_ARGUMENT.
 *
 *     float *prob = malloc(sizeof *prob * info.classes);
 *     if (cnx_classify(model, rgb, width, height, 3 * width, NULL, CNX_PROBABILITIES, prob, &err) == CNX_OK)
 *         ...
 */
CNX_API cnx_status cnx_classify(cnx_model *model, const uint8_t *rgb, int width, int height,
                                size_t stride, const cnx_run_options *options, cnx_scores kind,
                                float *scores, cnx_error *err);

/*
 * Binary masks as runs, with the arithmetic and the text of COCO's mask API.  Runs go down the columns
 * (column-major), beginning with a run of zeros, which has length 0 when pixel (0, 0) is set; their
 * lengths sum to h * w, which is below 2^32.  Zeroed: no mask.
 *
 * What a function makes belongs to the caller, who ends it with cnx_rle_free; on failure it is zeroed.
 * No function changes its inputs, and all may be called from several threads at once.
 */
typedef struct cnx_rle {
    uint32_t *counts; /* owned; [count] */
    size_t count;
    uint32_t h, w;
} cnx_rle;

CNX_API void cnx_rle_free(cnx_rle *rle); /* accepts a zeroed one, leaves it zeroed */

/* mask: h rows of w bytes, `stride` bytes from row to row; what is not 0 is set. */
CNX_API cnx_status cnx_rle_encode(cnx_rle *out, const uint8_t *mask, uint32_t h, uint32_t w,
                                  size_t stride, cnx_error *err);
/* Writes 0 and 1 into the caller's rle->h rows of rle->w bytes. */
CNX_API void cnx_rle_decode(uint8_t *mask, size_t stride, const cnx_rle *rle);

CNX_API uint32_t cnx_rle_area(const cnx_rle *rle);
/* x, y, width and height of the pixels that are set; all 0 when none is. */
CNX_API void cnx_rle_box(double box[4], const cnx_rle *rle);
/* Area shared over area covered; for a crowd, over the area of a.  0 when the boxes do not meet, else -1
 * when the sizes differ. */
CNX_API double cnx_rle_iou(const cnx_rle *a, const cnx_rle *b, bool crowd);
/* The same of boxes (x, y, width, height). */
CNX_API double cnx_box_iou(const double a[4], const double b[4], bool crowd);
/* Union or intersection of `count` masks of one size; of one mask, its copy. */
CNX_API cnx_status cnx_rle_merge(cnx_rle *out, const cnx_rle *masks, size_t count, bool intersect,
                                 cnx_error *err);

/* The compressed text (`counts` in results files), and back.  cnx_rle_to_text writes at most `size`
 * characters and a NUL, and returns the text's length, which needs size > length; text may be NULL when
 * size is 0. */
CNX_API size_t cnx_rle_to_text(char *text, size_t size, const cnx_rle *rle);
CNX_API cnx_status cnx_rle_from_text(cnx_rle *out, const char *text, size_t length, uint32_t h,
                                     uint32_t w, cnx_error *err);
/* Lengths of runs, as uncompressed annotations have them. */
CNX_API cnx_status cnx_rle_from_counts(cnx_rle *out, const uint32_t *counts, size_t count,
                                       uint32_t h, uint32_t w, cnx_error *err);
/* A polygon of `points` corners: x, y, x, y ... in pixels, filled by COCO's rule. */
CNX_API cnx_status cnx_rle_from_polygon(cnx_rle *out, const double *xy, size_t points, uint32_t h,
                                        uint32_t w, cnx_error *err);
/* A box (x, y, width, height) as the polygon of its corners. */
CNX_API cnx_status cnx_rle_from_box(cnx_rle *out, const double box[4], uint32_t h, uint32_t w,
                                    cnx_error *err);

/* One object that a detector found. */
typedef struct cnx_detection {
    float box[4]; /* x1 y1 x2 y2, continuous, in the picture's own pixels; may reach beyond it by
                     rounding */
    float score;  /* probability, 0..1 */
    int label;    /* class index, 0-based */
    cnx_rle mask; /* of the whole picture's size; zeroed when masks were not wanted */
} cnx_detection;

/* What was found in one picture, by descending score. */
typedef struct cnx_detections {
    cnx_detection *items; /* owned, [count], masks included */
    size_t count;
    int width, height; /* the picture's */
} cnx_detections;

CNX_API void cnx_detections_free(cnx_detections *d); /* accepts a zeroed one, leaves it zeroed */

/* How to detect.  Zero-initialise; a number of 0 means the model's own. */
typedef struct cnx_detection_options {
    float score_thr;    /* only boxes with a higher score */
    float nms_iou;      /* boxes that overlap a better one of their class by more are left out */
    float mask_thr;     /* pixels of at least this probability are set */
    int max_detections; /* in a picture */
    bool agnostic_nms;  /* boxes of other classes leave each other out as well */
    bool no_masks;      /* boxes alone */
    const int *only;    /* [only_count] class indices that may be found; NULL for all */
    size_t only_count;
    cnx_progress progress; /* may be NULL */
    void *user;            /* for progress */
} cnx_detection_options;

/*
 * Finds the objects of a picture with a detector: cnx_open of a checkpoint of Mask R-CNN or Cascade Mask
 * R-CNN, or of the built-in "nuclei_cascade_mask_rcnn_convnext_atto".  rgb, width, height, stride: as
 * for cnx_segment.  options may be NULL.  On success the caller ends *found with cnx_detections_free;
 * on failure it is zeroed.
 */
CNX_API cnx_status cnx_detect(cnx_model *model, const uint8_t *rgb, int width, int height,
                              size_t stride, const cnx_detection_options *options,
                              cnx_detections *found, cnx_error *err);

/* The version of the library that is linked, as CNX_VERSION is of the header. */
CNX_API const char *cnx_version(void);

#ifdef __cplusplus
}
#endif
#endif
