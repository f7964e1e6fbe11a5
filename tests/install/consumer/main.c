/* Segments a binary PPM picture and prints how many pixels each class has. */
#include <cnx.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    cnx_error err;
    cnx_model *model;
    if (argc != 3 || cnx_open(&model, argv[1], NULL, &err) != CNX_OK) {
        fprintf(stderr, "%s\n", argc == 3 ? err.message : "usage: consumer MODEL PICTURE.ppm");
        return 1;
    }
    int width, height, status = 1;
    FILE *file = fopen(argv[2], "rb");
    if (file && fscanf(file, "P6 %d %d 255%*c", &width, &height) == 2 && width > 0 && height > 0) {
        const size_t pixels = (size_t)width * (size_t)height;
        unsigned char *rgb = malloc(3 * pixels);
        uint16_t *labels = malloc(sizeof *labels * pixels);
        size_t count[65536] = {0};

        if (!rgb || !labels || fread(rgb, 3, pixels, file) != pixels)
            fprintf(stderr, "%s cannot be read\n", argv[2]);
        else if (cnx_segment(model, rgb, width, height, 3 * (size_t)width, NULL, labels, &err) !=
                 CNX_OK)
            fprintf(stderr, "%s\n", err.message);
        else
            status = 0;
        for (size_t i = 0; status == 0 && i < pixels; i++)
            count[labels[i]]++;
        for (int c = 0; status == 0 && c < 65536; c++)
            if (count[c] > 0)
                printf("class %d: %zu pixels\n", c, count[c]);
        free(labels);
        free(rgb);
    }
    if (file)
        fclose(file);
    cnx_close(&model);
    return status;
}
