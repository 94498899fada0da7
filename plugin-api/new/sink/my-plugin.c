/* SPDX-License-Identifier: 0BSD */
/* my-plugin.c - a sink of weir: appends the value of each record to a file, as one line.
 *
 * weir-plugin(7) is the contract.  Batches, retries, order, dead letters and positions are the host's; a sink takes a
 * batch, makes it last, and says which records of it did not succeed.  An instance lives on one thread. */
#define WEIR_API 1 /* loads in every weir of level 1 and later, which is all of them */
#include <weir/helpers.h>

#include <errno.h>
#include <unistd.h>

/* What an operator may set.  weir parses and checks it by these rows, and makes help, manual page, schema and sample
 * of them: weir plugins my-plugin. */
struct conf {
    const char *path;
};
static const struct weir_option rows[] = {
    WEIR_OPT_STRING(struct conf, path, "path", WEIR_F_REQUIRED, NULL, "File that values are appended to",
                    NULL),
};
static const struct weir_options options = WEIR_OPTIONS(struct conf, rows);

struct sink {
    struct weir_ctx *ctx;
    const struct conf *conf;
    FILE *out;
    struct weir_result bad[]; /* room for one result for each record of the largest batch */
};

/* Allocates, and touches nothing outside. */
static int sink_create(struct weir_ctx *ctx, const void *conf, void **self)
{
    size_t most = ctx->host->instance(ctx)->batch_records;
    struct sink *s = ctx->host->mem(ctx, NULL, sizeof *s + most * sizeof s->bad[0]);
    *s = (struct sink){.ctx = ctx, .conf = conf};
    *self = s;
    return WEIR_OK;
}

/* Connects.  RETRY: the host waits, longer each time, and calls again; it says so in the log, once. */
static int sink_open(void *self)
{
    struct sink *s = self;
    s->out = fopen(s->conf->path, "a");
    if (s->out)
        return WEIR_OK;
    return weir_fail(s->ctx, WEIR_RETRY, (uint32_t)errno, "%s: %s", s->conf->path, strerror(errno));
}

/* OK takes the batch: complete() is then owed exactly once, here or later, from any thread.  What is not completed
 * was never delivered, so complete() comes after the data is safe.  What can never be a line goes to the dead letters,
 * alone.  When the file fails, half a line may be in it, so nothing is tried again. */
static int sink_write(void *self, struct weir_batch *batch)
{
    struct sink *s = self;
    struct weir_view view = {.struct_size = sizeof view};
    uint32_t n_bad = 0;
    int r = s->ctx->host->view(s->ctx, batch, &view);
    for (uint32_t i = 0; r == WEIR_OK && i < view.count; i++) {
        struct weir_slice value = weir_record_at(&view, i)->value;
        if (!value.ptr || memchr(value.ptr, '\n', value.len))
            s->bad[n_bad++] = (struct weir_result){.index = i, .status = WEIR_REJECT, .why = "it is no line"};
        else if (fwrite(value.ptr, 1, value.len, s->out) == value.len)
            putc('\n', s->out);
    }
    if (fflush(s->out) != 0 || ferror(s->out) || fdatasync(fileno(s->out)) != 0)
        return weir_fail(s->ctx, WEIR_FATAL, (uint32_t)errno, "%s: %s", s->conf->path, strerror(errno));
    return r == WEIR_OK ? s->ctx->host->complete(s->ctx, batch, s->bad, n_bad, sizeof s->bad[0]) : r;
}

static void sink_close(void *self)
{
    struct sink *s = self;
    fclose(s->out); /* nothing is in its buffer that was promised */
}

static void sink_destroy(void *self)
{
    struct sink *s = self;
    s->ctx->host->mem(s->ctx, s, 0);
}

/* BLOCKS: write waits for the disk, so it wants a thread of its own.  SINGLE: there is one file, so one instance
 * serves all workers. */
static const struct weir_ops sink = {
    .struct_size = sizeof(struct weir_ops),
    .kind = WEIR_SINK,
    .promises = WEIR_BLOCKS | WEIR_SINGLE,
    .options = &options,
    .create = sink_create,
    .open = sink_open,
    .write = sink_write,
    .close = sink_close,
    .destroy = sink_destroy,
};
static const struct weir_ops *const ops[] = {&sink, NULL};
/* Name (that of the file), version, a line about it, license. */
static const struct weir_plugin plugin = {WEIR_PLUGIN_HEAD, "my-plugin", "0.1.0", "Appends values to a file",
                                          "0BSD",           NULL,        ops};
WEIR_PLUGIN(plugin);
