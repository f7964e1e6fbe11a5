/* .npy files: whatever the bytes, they are read as what they are or refused. */
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/npy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* A file without a name: the reader takes paths. */
    const int fd = memfd_create("fuzz_npy", MFD_CLOEXEC);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size)
        abort();
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    cnx_npy npy;
    cnx_error err;
    if (cnx_npy_read(&npy, path, &err) == CNX_OK) {
        size_t elements = 1;
        for (int i = 0; i < npy.rank; i++)
            elements *= npy.shape[i];
        if (elements != npy.elements || elements > size || (elements > 0) != (npy.data != NULL))
            abort();
        cnx_npy_free(&npy);
    } else if (npy.data) {
        abort();
    }
    close(fd);
    return 0;
}
