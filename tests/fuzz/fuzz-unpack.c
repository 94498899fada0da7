/* SPDX-License-Identifier: BSD-2-Clause */
/* fuzz-unpack.c - a compressed file that a crash may have cut: the end found lies inside, and what is before it is
 * whole.  Input: a byte that chooses gzip or zstd, then the file. */
#include "fuzz.h"

#include "../../plugins/file/pack.h"

#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct fuzz_host host;
    static int fd = -1;
    uint64_t end = 0, again = 0;
    if (fd < 0) {
        fuzz_host_init(&host);
        fd = memfd_create("fuzz", MFD_CLOEXEC);
    }
    if (size == 0 || !pack_built(*data % 2 ? PACK_ZSTD : PACK_GZIP))
        return 0;
    int64_t kind = *data % 2 ? PACK_ZSTD : PACK_GZIP;
    size--;
    FUZZ_MUST(fd >= 0 && ftruncate(fd, 0) == 0 && pwrite(fd, data + 1, size, 0) == (ssize_t)size);
    (void)pack_begins(kind, fd, size);
    enum pack_end found = pack_examine(&host.ctx, kind, fd, size, &end);
    FUZZ_MUST(found != PACK_UNREAD && end <= size);
    FUZZ_MUST(found != PACK_WHOLE || end == size);
    if (found == PACK_CUT && end > 0)
        FUZZ_MUST(pack_examine(&host.ctx, kind, fd, end, &again) == PACK_WHOLE && again == end);
    return 0;
}
