/* SPDX-License-Identifier: BSD-2-Clause */
/* ledger.c - entries, segments and watermarks.
 *
 * A batch's entries of one shard form a segment; a shard queues its segments in the order they were read.  A final
 * segment moves the watermark to its last position and is freed as soon as it is at the head, so that the memory of
 * what is done does not wait for the next commit; the segment at the head may be passed in part, by walking its
 * entries, which is done only when a commit asks.  Everything runs under the ledger's lock, from any thread. */
#include "ledger_private.h"

#include "report/log.h"

#include <stdlib.h>
#include <string.h>

void ledger_init(struct ledger *l)
{
    memset(l, 0, sizeof *l);
    pthread_mutex_init(&l->lock, NULL);
    pthread_mutex_init(&l->list_lock, NULL);
}

static void unbundled_unref(struct weir_batch *done)
{
    for (struct weir_batch *next; done; done = next) { /* gives room in the budget, and that wakes others */
        next = done->next;
        batch_unref(done);
    }
}

static void segment_pop(struct shard *s);
static void shard_pass(struct shard *s);
static void batch_release(struct ledger_batch *b);

/* Nothing of the batch is open any more, or ever will end. */
static void batch_unlist(struct ledger_batch *b)
{
    *b->at = b->next;
    if (b->next)
        b->next->at = b->at;
    b->ledger->batches--;
}

void ledger_list(struct ledger_batch *b)
{
    struct ledger *l = b->ledger;
    b->next = l->open;
    b->at = &l->open;
    if (b->next)
        b->next->at = &b->next;
    l->open = b;
    l->batches++;
}

void ledger_free(struct ledger *l)
{
    struct shard *next;
    while (l->open) { /* undelivered: nobody will end these entries any more */
        struct ledger_batch *b = l->open;
        batch_unlist(b);
        batch_release(b);
    }
    unbundled_unref(l->unbundled);
    for (struct shard *s = l->shards; s; s = s->next)
        s->refs++; /* a batch may hold segments of others: none goes before all queues are empty */
    for (struct shard *s = l->shards; s; s = s->next)
        while (s->head)
            segment_pop(s);
    for (struct shard *s = l->shards; s; s = next) {
        next = s->next;
        free(s);
    }
    pthread_mutex_destroy(&l->lock);
    pthread_mutex_destroy(&l->list_lock);
}

struct ledger_batch *ledger_batch_new(struct ledger *l, uint32_t room)
{
    struct ledger_batch *b = xcalloc(1, sizeof *b);
    b->ledger = l;
    b->room = room ? room : 1;
    b->entries = xmalloc(b->room * sizeof *b->entries);
    return b;
}

static struct segment *segment_new(struct ledger_batch *b, struct shard *shard)
{
    struct segment *s = xcalloc(1, sizeof *s);
    s->shard = shard;
    s->batch = b;
    s->in_batch = b->segments;
    s->number = b->segments ? b->segments->number + 1 : 0;
    b->segments = s;
    return s;
}

uint32_t ledger_add(struct ledger_batch *b, struct shard *shard, uint64_t next)
{
    struct segment *s = shard->building;
    if (b->count == b->room) {
        b->room *= 2;
        b->entries = xrealloc(b->entries, b->room * sizeof *b->entries);
    }
    uint32_t i = b->count++;
    if (!s || s->batch != b) {
        s = shard->building = segment_new(b, shard);
        s->first = i;
    } else {
        b->entries[s->last].following = i;
    }
    b->entries[i] = (struct entry){.next = next, .segment = s->number, .following = NONE, .copies = 1};
    s->last = i;
    s->next = next;
    s->count++;
    return i;
}

static void shard_release(struct ledger *l, struct shard *s)
{
    if (--s->refs)
        return;
    struct shard **at = &l->shards;
    while (*at != s)
        at = &(*at)->next;
    pthread_mutex_lock(&l->list_lock);
    *at = s->next;
    pthread_mutex_unlock(&l->list_lock);
    l->n_shards--;
    free(s);
}

static void batch_release(struct ledger_batch *b)
{
    if (--b->refs)
        return;
    struct segment *next;
    for (struct segment *s = b->segments; s; s = next) {
        next = s->in_batch;
        shard_release(b->ledger, s->shard);
        free(s);
    }
    if (b->bundled) {
        b->bundled->next = b->ledger->unbundled;
        b->ledger->unbundled = b->bundled;
    }
    free(b->ends);
    free(b->numbered);
    free(b->index);
    free(b->entries);
    free(b);
}

static void segment_queue(struct segment *s)
{
    struct shard *shard = s->shard;
    s->after = NULL;
    if (shard->tail)
        shard->tail->after = s;
    else
        shard->head = s;
    shard->tail = s;
}

bool ledger_open(struct ledger_batch *b)
{
    struct ledger *l = b->ledger;
    if (!b->count) {
        free(b->entries);
        free(b);
        return false;
    }
    b->index = xcalloc(b->segments->number + 1, sizeof(struct segment *));
    pthread_mutex_lock(&l->lock);
    b->refs = 1; /* for the open entries together */
    b->open = b->count;
    for (struct segment *s = b->segments; s; s = s->in_batch) {
        b->index[s->number] = s;
        s->open = s->count;
        s->shard->building = NULL;
        s->shard->written = b->entries[s->last].next;
        put(&s->shard->reached, s->next);
        if (!said(&s->shard->has_begin)) {
            put(&s->shard->begin, b->entries[s->first].next);
            say(&s->shard->has_begin);
        }
        if (!said(&s->shard->has_read))
            say(&s->shard->has_read);
        b->refs++;
        s->shard->refs++;
        segment_queue(s);
    }
    count(&l->counts.taken, b->count);
    count(&l->counts.open, b->count);
    ledger_list(b);
    pthread_mutex_unlock(&l->lock);
    return true;
}

/* All entries of a batch are final. */
static bool batch_final(struct ledger *l, struct ledger_batch *b)
{
    batch_unlist(b);
    batch_release(b);
    return l->batches == 0;
}

/* Once for every record and copy: part of the loop of its callers, the rare ways out of it are not. */
static inline __attribute__((always_inline)) bool entry_end(struct ledger *l, struct origin o,
                                                            enum outcome outcome)
{
    struct ledger_batch *b = o.books;
    struct entry *e = &b->entries[o.index];
    if (outcome > e->worst)
        e->worst = outcome;
    if (outcome == DEAD_LETTERED)
        count(&l->letters, 1);
    if (!e->copies)
        die("ledger: a record ended more often than it was copied");
    if (--e->copies)
        return false;
    if (b->bundled) {
        bool idle = ledger_bundle_end(l, o, (enum outcome)e->worst);
        return --b->open ? idle : batch_final(l, b);
    }
    struct segment *s = b->index[e->segment];
    if (!s->returned) {
        _Atomic uint64_t *column[] = {&l->counts.dropped, &l->counts.delivered, &l->counts.dead};
        count(column[e->worst], 1);
        count(&l->counts.open, (uint64_t)-1);
    }
    if (!--s->open && s->shard->head == s)
        shard_pass(s->shard); /* frees the segment, but not yet the batch */
    return --b->open ? false : batch_final(l, b);
}

bool ledger_entry_end(struct ledger *l, struct origin o, enum outcome outcome)
{
    return entry_end(l, o, outcome);
}

void ledger_let_go(struct ledger *l, bool idle)
{
    struct weir_batch *done = l->unbundled;
    l->unbundled = NULL;
    pthread_mutex_unlock(&l->lock);
    unbundled_unref(done);
    if (idle && l->on_idle)
        l->on_idle(l->arg);
}

/* Records know their ledger: a batch of dead letters may hold those of several readers. */
static void ends(const struct weir_batch *batch, const uint8_t *mark, enum outcome outcome)
{
    struct ledger *held = NULL;
    bool idle = false;
    for (uint32_t i = 0; i < batch->count; i++) {
        if (mark && !mark[i])
            continue;
        struct origin o = batch_origin(batch, i);
        if (o.books->ledger != held) {
            if (held)
                ledger_let_go(held, idle);
            held = o.books->ledger;
            idle = false;
            pthread_mutex_lock(&held->lock);
        }
        idle |= entry_end(held, o, outcome);
    }
    if (held)
        ledger_let_go(held, idle);
}

void ledger_end_all(const struct weir_batch *batch, enum outcome outcome)
{
    ends(batch, NULL, outcome);
}

void ledger_end_marked(const struct weir_batch *batch, const uint8_t *mark, enum outcome outcome)
{
    ends(batch, mark, outcome);
}

void ledger_add_copies(struct ledger *l, const struct weir_batch *batch, const uint32_t *extra, uint32_t all)
{
    pthread_mutex_lock(&l->lock);
    for (uint32_t i = 0; i < batch->count; i++) {
        struct origin o = batch_origin(batch, i);
        o.books->entries[o.index].copies += extra ? extra[i] : all;
    }
    pthread_mutex_unlock(&l->lock);
}

struct shard *ledger_shard_new(struct ledger *l, const struct weir_shard *desc)
{
    struct shard *s = xcalloc(1, sizeof *s + desc->id.len + desc->topic.len + 2);
    char *bytes = (char *)(s + 1);
    s->pub = (struct weir_shard){.struct_size = sizeof s->pub, .partition = desc->partition};
    memcpy(bytes, desc->id.ptr, desc->id.len);
    s->pub.id = (struct weir_slice){bytes, desc->id.len};
    bytes += desc->id.len + 1;
    if (desc->topic.len)
        memcpy(bytes, desc->topic.ptr, desc->topic.len);
    s->pub.topic = (struct weir_slice){desc->topic.ptr ? bytes : NULL, desc->topic.len};
    pthread_mutex_lock(&l->lock);
    s->refs = 1;
    s->number = l->numbered++;
    s->next = l->shards;
    pthread_mutex_lock(&l->list_lock);
    l->shards = s;
    pthread_mutex_unlock(&l->list_lock);
    l->n_shards++;
    pthread_mutex_unlock(&l->lock);
    return s;
}

static void segment_pop(struct shard *s)
{
    struct segment *head = s->head;
    s->head = head->after;
    if (!s->head)
        s->tail = NULL;
    if (head->batch)
        batch_release(head->batch);
    else
        free(head);
}

/* The shard is final up to here; never back, whatever a source says. */
static void shard_reach(struct shard *s, uint64_t next)
{
    if (next > peek(&s->watermark) || !said(&s->stored))
        put(&s->watermark, next);
    if (!said(&s->stored))
        say(&s->stored);
}

/* Passes the segments at the head that are final as a whole. */
static void shard_pass(struct shard *s)
{
    while (s->head && s->head->open == 0) {
        shard_reach(s, s->head->next);
        segment_pop(s);
    }
}

/* Passes all that is final at the head of the queue. */
static void shard_advance(struct shard *s)
{
    shard_pass(s);
    if (!s->head || !s->head->batch)
        return;
    const struct entry *entries = s->head->batch->entries;
    /* ends: an open one is left, or the loop above had popped it */
    while (entries[s->head->first].copies == 0) {
        shard_reach(s, entries[s->head->first].next);
        s->head->first = entries[s->head->first].following;
    }
}

void ledger_shard_close(struct ledger *l, struct shard *s)
{
    pthread_mutex_lock(&l->lock);
    shard_advance(s);
    say(&s->closed);
    for (struct segment *g = s->head; g; g = g->after) {
        if (!g->batch)
            continue;
        g->returned = true;
        count(&l->counts.open, (uint64_t)0 - g->open);
        count(&l->counts.returned, g->open);
    }
    while (s->head)
        segment_pop(s);
    pthread_mutex_unlock(&l->lock);
}

void ledger_shard_leave(struct ledger *l, struct shard *s)
{
    pthread_mutex_lock(&l->lock);
    shard_release(l, s);
    pthread_mutex_unlock(&l->lock);
}

static pthread_mutex_t *lock_of(const struct ledger *l)
{
    return (pthread_mutex_t *)(uintptr_t)&l->list_lock; /* who only looks must lock it too */
}

struct shard *ledger_shards(const struct ledger *l)
{
    pthread_mutex_lock(lock_of(l));
    return l->shards;
}

void ledger_shards_done(const struct ledger *l)
{
    pthread_mutex_unlock(lock_of(l));
}

bool ledger_shard_idle(struct ledger *l, const struct shard *s)
{
    bool idle = true;
    pthread_mutex_lock(&l->lock);
    for (const struct segment *g = s->head; g && idle; g = g->after)
        idle = g->open == 0;
    pthread_mutex_unlock(&l->lock);
    return idle;
}

void ledger_shard_skip(struct ledger *l, struct shard *s, uint64_t next)
{
    if (s->building) { /* not open yet: the skip stands behind what is being filled, and opens with it */
        s->building->next = next > s->building->next ? next : s->building->next;
        return;
    }
    pthread_mutex_lock(&l->lock);
    if (!said(&s->closed) && s->tail &&
        !s->tail->batch) { /* one skip after another: the last one says it all */
        s->tail->next = next > s->tail->next ? next : s->tail->next;
    } else if (!said(&s->closed)) {
        struct segment *g = xcalloc(1, sizeof *g);
        g->shard = s;
        g->next = next;
        segment_queue(g);
    }
    if (next > peek(&s->reached))
        put(&s->reached, next);
    pthread_mutex_unlock(&l->lock);
}

void ledger_shard_begin(struct ledger *l, struct shard *s, uint64_t next)
{
    pthread_mutex_lock(&l->lock);
    if (!said(&s->has_begin)) {
        put(&s->begin, next);
        if (next > peek(&s->reached))
            put(&s->reached, next);
        say(&s->has_begin);
    }
    pthread_mutex_unlock(&l->lock);
}

void ledger_shard_end(struct ledger *l, struct shard *s, uint64_t end)
{
    pthread_mutex_lock(&l->lock);
    put(&s->end, end);
    if (!said(&s->has_end))
        say(&s->has_end);
    pthread_mutex_unlock(&l->lock);
}

bool ledger_lag(struct ledger *l, uint64_t *ret_lag, uint64_t *ret_size)
{
    bool known = false;
    *ret_lag = *ret_size = 0;
    pthread_mutex_lock(&l->lock);
    for (const struct shard *s = l->shards; s; s = s->next) {
        if (said(&s->closed) || !said(&s->has_end))
            continue;
        bool begun = said(&s->has_begin);
        uint64_t end = peek(&s->end), begin = peek(&s->begin), at = begun ? peek(&s->reached) : end;
        known = true;
        *ret_lag += end > at ? end - at : 0;
        *ret_size += begun && end > begin ? end - begin : 0;
    }
    pthread_mutex_unlock(&l->lock);
    return known;
}

bool ledger_idle(struct ledger *l)
{
    pthread_mutex_lock(&l->lock);
    bool idle = l->batches == 0;
    pthread_mutex_unlock(&l->lock);
    return idle;
}

struct books ledger_glance(const struct ledger *l)
{
    const struct ledger_counts *c = &l->counts;
    return (struct books){.read = peek(&c->taken),
                          .delivered = peek(&c->delivered),
                          .dead = peek(&c->dead),
                          .dropped = peek(&c->dropped),
                          .returned = peek(&c->returned),
                          .open = peek(&c->open)};
}

static struct books net(const struct ledger *l)
{
    struct books b = ledger_glance(l);
    b.read -= b.returned + l->voided.read;
    b.delivered -= l->voided.delivered;
    b.dead -= l->voided.dead;
    b.dropped -= l->voided.dropped;
    return b;
}

struct books ledger_books(struct ledger *l)
{
    pthread_mutex_lock(&l->lock);
    struct books b = net(l);
    pthread_mutex_unlock(&l->lock);
    return b;
}

void ledger_advance(struct ledger *l)
{
    pthread_mutex_lock(&l->lock);
    for (struct shard *s = l->shards; s; s = s->next)
        if (s->head && !said(&s->closed))
            shard_advance(s);
    pthread_mutex_unlock(&l->lock);
}

void ledger_keep(struct ledger *l)
{
    pthread_mutex_lock(&l->lock);
    l->kept = net(l);
    pthread_mutex_unlock(&l->lock);
}

uint64_t ledger_void(struct ledger *l)
{
    pthread_mutex_lock(&l->lock);
    struct books b = net(l);
    uint64_t n = b.read - l->kept.read;
    l->voided.read += n;
    l->voided.delivered += b.delivered - l->kept.delivered;
    l->voided.dead += b.dead - l->kept.dead;
    l->voided.dropped += b.dropped - l->kept.dropped;
    pthread_mutex_unlock(&l->lock);
    return n;
}

uint32_t ledger_watermarks(struct ledger *l, struct shard **ret, uint64_t *ret_next, uint32_t cap)
{
    uint32_t n = 0;
    pthread_mutex_lock(&l->lock);
    for (struct shard *s = l->shards; s && n < cap; s = s->next) {
        if (!said(&s->closed))
            shard_advance(s);
        if (!said(&s->stored) || (s->committed_any && s->committed == peek(&s->watermark)))
            continue;
        ret[n] = s;
        ret_next[n++] = peek(&s->watermark);
    }
    pthread_mutex_unlock(&l->lock);
    return n;
}

void ledger_committed(struct ledger *l, struct shard *s, uint64_t next)
{
    pthread_mutex_lock(&l->lock);
    s->committed = next;
    s->committed_any = true;
    pthread_mutex_unlock(&l->lock);
}
