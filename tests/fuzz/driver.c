/*
 * Runs a fuzz target over files instead of libFuzzer's inventions: each argument is a file or a
 * folder of files.  Nothing to run is a failure: a corpus that was lost must not pass.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The bytes stand in a block of exactly their size, so that a sanitizer sees a read past them. */
static int run_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    struct stat st;
    if (!file || fstat(fileno(file), &st) != 0) {
        perror(path);
        if (file)
            fclose(file);
        return -1;
    }
    const size_t size = (size_t)st.st_size;
    uint8_t *data = malloc(size ? size : 1);
    const int ok = data && fread(data, 1, size, file) == size;
    fclose(file);
    if (ok)
        LLVMFuzzerTestOneInput(data, size);
    else
        fprintf(stderr, "%s: cannot be read\n", path);
    free(data);
    return ok ? 0 : -1;
}

static int run_folder(const char *path, int *count)
{
    struct dirent **entries;
    const int n = scandir(path, &entries, NULL, alphasort);
    if (n < 0) {
        perror(path);
        return -1;
    }
    int status = 0;
    for (int i = 0; i < n; i++) {
        char name[4096];
        if (entries[i]->d_name[0] != '.') {
            const int length = snprintf(name, sizeof name, "%s/%s", path, entries[i]->d_name);
            if (length < 0 || (size_t)length >= sizeof name || run_file(name) != 0)
                status = -1;
            ++*count;
        }
        free(entries[i]);
    }
    free(entries);
    return status;
}

int main(int argc, char **argv)
{
    int count = 0, status = 0;
    for (int i = 1; i < argc; i++) {
        struct stat st;
        if (stat(argv[i], &st) == 0 && S_ISDIR(st.st_mode)) {
            status |= run_folder(argv[i], &count);
        } else {
            status |= run_file(argv[i]);
            count++;
        }
    }
    if (count == 0)
        fprintf(stderr, "no inputs; usage: %s FILE|FOLDER...\n", argv[0]);
    printf("%d inputs\n", count);
    return status == 0 && count > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
