/* Segments a binary PPM picture and prints how many pixels each class has. */
#include <cnx.h>
#include <stdio.h>
#include <stdlib.h>

/* 8-bit RGB, to be freed; NULL when the file is not such a picture. */
static uint8_t *read_ppm(const char *path, int *width, int *height)
{
    uint8_t *rgb = NULL;
    FILE *file = fopen(path, "rb");
    if (file && fscanf(file, "P6 %d %d 255%*c", width, height) == 2 && *width > 0 && *height > 0) {
        const size_t size = 3 * (size_t)*width * (size_t)*height;
        rgb = malloc(size);
        if (rgb && fread(rgb, 1, size, file) != size) {
            free(rgb);
            rgb = NULL;
        }
    }
    if (file)
        fclose(file);
    return rgb;
}

int main(int argc, char **argv)
{
    int width, height;
    uint8_t *rgb = argc == 3 ? read_ppm(argv[2], &width, &height) : NULL;
    if (!rgb) {
        fprintf(stderr, "usage: %s MODEL PICTURE.ppm\n", argv[0]);
        return 2;
    }
    const size_t pixels = (size_t)width * (size_t)height;
    uint16_t *labels = calloc(pixels, sizeof *labels);
    size_t *count = calloc(65536, sizeof *count);

    cnx_error err;
    cnx_model *model = NULL;
    int status = 1;
    if (!labels || !count) {
        fprintf(stderr, "not enough memory\n");
    } else if (cnx_open(&model, argv[1], NULL, &err) != CNX_OK ||
               cnx_segment(model, rgb, width, height, 3 * (size_t)width, NULL, labels, &err) !=
                   CNX_OK) {
        fprintf(stderr, "%s\n", err.message);
    } else {
        cnx_info info;
        cnx_describe(model, &info);
        for (size_t i = 0; i < pixels; i++)
            count[labels[i]]++;
        for (int c = 0; c < info.classes; c++)
            printf("%s: %zu pixels\n", info.class_names[c], count[c]);
        status = 0;
    }
    cnx_close(&model);
    free(count);
    free(labels);
    free(rgb);
    return status;
}
