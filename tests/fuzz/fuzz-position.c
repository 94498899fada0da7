/* SPDX-License-Identifier: BSD-2-Clause */
/* fuzz-position.c - what the file plugin reads back from the state: rows of the source and of the sink, positions.
 *
 * Input: the place (8 bytes), then parts that end at a NUL: the key of a row, the row, the data of a position. */
#include "fuzz.h"

#include "../../plugins/file/recover.c"

#include "../../plugins/file/source.h"

#include <fcntl.h>
#include <sys/mman.h>

static struct fuzz_host host;
static const struct source_conf conf = {.path = "/fuzz/*", .max_line = 1 << 20};
static struct source source;
static int fd = -1;

/* A file that has all lengths below 64 KiB, so that only what the row says decides. */
static void prepare(void)
{
    static char bytes[65536];
    fuzz_host_init(&host);
    fd = memfd_create("fuzz", MFD_CLOEXEC);
    FUZZ_MUST(fd >= 0 && write(fd, bytes, sizeof bytes) == (ssize_t)sizeof bytes);
    source.ctx = &host.ctx;
    source.conf = &conf;
}

static void try_source(void)
{
    struct stat st;
    int status;
    FUZZ_MUST(known_load(&source) == WEIR_OK);
    FUZZ_MUST(fstat(fd, &st) == 0 && source.n_tails <= 1);
    for (uint32_t i = 0; i < source.n_tails; i++) {
        struct tail *t = source.tails[i];
        FUZZ_MUST(strlen(t->id) < TAIL_ID);
        (void)known_match(&source, t->path, fd, &st, true, &status);
        t->shard = NULL;
        FUZZ_MUST(known_lane(&source, t) == WEIR_OK);
        t->shard = NULL;
    }
    while (source.n_tails > 0)
        source_drop(&source, source.tails[0]);
}

static void try_sink(const char *row, size_t len)
{
    struct out_row read, again;
    char text[ROW];
    if (!row_parse(row, len, &read))
        return;
    (void)print_same_before(fd, read.len, read.tail);
    int n = row_print(text, &read);
    FUZZ_MUST(n > 0 && row_parse(text, (size_t)n, &again));
    FUZZ_MUST(read.ino == again.ino && read.len == again.len && read.tail.len == again.tail.len &&
              read.tail.hash == again.tail.hash);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (fd < 0)
        prepare();
    if (size < sizeof host.next)
        return 0;
    memcpy(&host.next, data, sizeof host.next);
    data += sizeof host.next;
    size -= sizeof host.next;
    char *key = fuzz_text(&data, &size), *row = fuzz_text(&data, &size), *rest = fuzz_rest(data, size);
    host.key = (struct weir_slice){key, strlen(key)};
    host.row = (struct weir_slice){row, strlen(row)};
    host.position = (struct weir_slice){rest, size};
    if (host.key.len >= 2 && size <= 1024) /* the host scans for g/ and stores no more than that */
        try_source();
    try_sink(row, host.row.len);
    free(key);
    free(row);
    free(rest);
    return 0;
}
