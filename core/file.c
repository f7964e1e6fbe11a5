#include "core/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/memory.h"

static const char *kind_of(mode_t mode)
{
    if (S_ISDIR(mode))
        return "a folder";
    if (S_ISFIFO(mode))
        return "a pipe";
    if (S_ISSOCK(mode))
        return "a socket";
    return "a device";
}

static cnx_status map_descriptor(cnx_mapping *out, int fd, const char *path, cnx_error *err)
{
    struct stat st;
    CNX_FAIL_IF(fstat(fd, &st) != 0, CNX_ERR_IO, "%s: cannot be examined: %s", path,
                strerror(errno));
    CNX_FAIL_IF(!S_ISREG(st.st_mode), CNX_ERR_IO, "%s: is %s, not a file", path,
                kind_of(st.st_mode));
    if (st.st_size == 0)
        return CNX_OK;
    void *data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    CNX_FAIL_IF(data == MAP_FAILED, CNX_ERR_IO, "%s: cannot be mapped: %s", path, strerror(errno));
    *out = (cnx_mapping){.data = data, .size = (size_t)st.st_size};
    return CNX_OK;
}

cnx_status cnx_mapping_open(cnx_mapping *out, const char *path, cnx_error *err)
{
    *out = (cnx_mapping){0};
    /* O_NONBLOCK: opening a pipe that nobody writes to must not hang. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    CNX_FAIL_IF(fd < 0, CNX_ERR_IO, "%s: cannot be opened: %s", path, strerror(errno));
    cnx_status status = map_descriptor(out, fd, path, err);
    close(fd);
    return status;
}

void cnx_mapping_close(cnx_mapping *mapping)
{
    if (mapping->data)
        munmap((void *)(uintptr_t)mapping->data, mapping->size);
    *mapping = (cnx_mapping){0};
}

void cnx_mapping_expect(const void *data, size_t size)
{
#ifdef MADV_POPULATE_READ
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    const uintptr_t begin = (uintptr_t)data / page * page;
    madvise((void *)begin, (uintptr_t)data + size - begin, MADV_POPULATE_READ);
#else
    (void)data;
    (void)size;
#endif
}

void cnx_mapping_release(const void *data, size_t size)
{
    const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
    const uintptr_t begin = ((uintptr_t)data + page - 1) / page * page;
    const uintptr_t end = ((uintptr_t)data + size) / page * page;
    if (end > begin)
        madvise((void *)begin, end - begin, MADV_DONTNEED);
}

cnx_status cnx_read_stream(FILE *stream, const char *name, size_t limit, unsigned char **data,
                           size_t *size, cnx_error *err)
{
    size_t used = 0, room = 64 * 1024;
    unsigned char *bytes = malloc(room + 1); /* one more, so that text can be terminated */
    CNX_FAIL_IF(!bytes, CNX_ERR_MEMORY, "%s: not enough memory to read it", name);
    for (;;) {
        used += fread(bytes + used, 1, room - used, stream);
        if (used < room)
            break;
        if (room >= limit) {
            free(bytes);
            return cnx_fail(err, CNX_ERR_FORMAT, "%s: is larger than the limit of %zu bytes", name,
                            limit);
        }
        room = room > limit / 2 ? limit : room * 2;
        unsigned char *more = realloc(bytes, room + 1);
        if (!more) {
            free(bytes);
            return cnx_fail(err, CNX_ERR_MEMORY, "%s: not enough memory to read it", name);
        }
        bytes = more;
    }
    if (ferror(stream)) {
        free(bytes);
        return cnx_fail(err, CNX_ERR_IO, "%s: cannot be read: %s", name, strerror(errno));
    }
    *data = bytes;
    *size = used;
    return CNX_OK;
}

cnx_status cnx_read_text(const char *path, size_t limit, char **text, size_t *size, cnx_error *err)
{
    cnx_mapping mapping;
    CNX_TRY(cnx_mapping_open(&mapping, path, err));
    cnx_status status = CNX_OK;
    CNX_CHECK_IF(mapping.size > limit, CNX_ERR_FORMAT,
                 "%s: is too large for what it should be (%zu bytes; at most %zu)", path,
                 mapping.size, limit);
    *text = malloc(mapping.size + 1);
    CNX_CHECK_IF(!*text, CNX_ERR_MEMORY, "%s: not enough memory to read it", path);
    if (mapping.size)
        memcpy(*text, mapping.data, mapping.size);
    (*text)[mapping.size] = '\0';
    *size = mapping.size;
cleanup:
    cnx_mapping_close(&mapping);
    return status;
}

/* Makes "dir/.name.PID-N.tmp" beside path, exclusively, with the permissions of an ordinary file.
 * *temp from malloc.  Returns the descriptor, or -1 with errno set and *temp NULL. */
static int open_temporary(const char *path, char **temp)
{
    const char *slash = strrchr(path, '/');
    const size_t dir = slash ? (size_t)(slash - path) + 1 : 0;
    const size_t size = strlen(path) + 48;
    *temp = malloc(size);
    if (!*temp) {
        errno = ENOMEM;
        return -1;
    }
    int fd = -1;
    for (int n = 0; n < 1000; n++) {
        snprintf(*temp, size, "%.*s.%s.%ld-%d.tmp", (int)dir, path, path + dir, (long)getpid(), n);
        fd = open(*temp, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd >= 0 || errno != EEXIST)
            break;
    }
    if (fd < 0) {
        const int why = errno;
        free(*temp);
        *temp = NULL;
        errno = why;
    }
    return fd;
}

cnx_status cnx_output_open(cnx_output *out, const char *path, cnx_error *err)
{
    *out = (cnx_output){0};
    cnx_status status = CNX_OK;
    struct stat st;
    CNX_FAIL_IF(stat(path, &st) == 0 && !S_ISREG(st.st_mode), CNX_ERR_IO,
                "%s: is %s, not a file that could be replaced", path, kind_of(st.st_mode));
    out->path = strdup(path);
    CNX_CHECK_IF(!out->path, CNX_ERR_MEMORY, "%s: not enough memory", path);
    int fd = open_temporary(path, &out->temp);
    CNX_CHECK_IF(fd < 0, CNX_ERR_IO, "%s: cannot be written: %s", path, strerror(errno));
    out->stream = fdopen(fd, "wb");
    if (!out->stream) {
        const int why = errno;
        close(fd);
        CNX_CHECK_IF(true, CNX_ERR_IO, "%s: cannot be written: %s", path, strerror(why));
    }
    return CNX_OK;
cleanup:
    cnx_output_abort(out);
    return status;
}

cnx_status cnx_output_write(cnx_output *out, const void *data, size_t size, cnx_error *err)
{
    CNX_FAIL_IF(fwrite(data, 1, size, out->stream) != size, CNX_ERR_IO, "%s: cannot be written: %s",
                out->path, strerror(errno));
    return CNX_OK;
}

cnx_status cnx_output_write_at(cnx_output *out, const void *data, size_t size, size_t offset,
                               cnx_error *err)
{
    const char *bytes = data;
    while (size > 0) {
        ssize_t n = pwrite(fileno(out->stream), bytes, size, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        CNX_FAIL_IF(n <= 0, CNX_ERR_IO, "%s: cannot be written: %s", out->path,
                    strerror(n < 0 ? errno : ENOSPC));
        bytes += n;
        offset += (size_t)n;
        size -= (size_t)n;
    }
    return CNX_OK;
}

cnx_status cnx_output_commit(cnx_output *out, cnx_error *err)
{
    cnx_status status = CNX_OK;
    FILE *stream = out->stream;
    out->stream = NULL;
    bool bad = ferror(stream) != 0;
    int why = bad ? EIO : 0;
    if (fclose(stream) != 0 && !bad) {
        bad = true;
        why = errno;
    }
    CNX_CHECK_IF(bad, CNX_ERR_IO, "%s: cannot be written: %s", out->path, strerror(why));
    CNX_CHECK_IF(rename(out->temp, out->path) != 0, CNX_ERR_IO, "%s: cannot be put in place: %s",
                 out->path, strerror(errno));
    free(out->temp);
    out->temp = NULL;
cleanup:
    cnx_output_abort(out);
    return status;
}

void cnx_output_abort(cnx_output *out)
{
    if (out->stream)
        fclose(out->stream);
    if (out->temp)
        unlink(out->temp);
    free(out->temp);
    free(out->path);
    *out = (cnx_output){0};
}
