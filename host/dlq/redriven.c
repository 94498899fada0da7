/* SPDX-License-Identifier: BSD-2-Clause */
/* redriven.c - runs of positions, in memory and as rows of the state (redriven.h).
 *
 * A row's key is the lane's id, a NUL and where the run begins (8 bytes, big endian); its value is where it ends. */
#include "redriven.h"

#include "delivery/state.h"
#include "report/log.h"

#include <stdlib.h>
#include <string.h>

#define OWNER "redriven"

struct run {
    uint64_t first, next;
};

struct place { /* one lane */
    struct place *after;
    char *id;
    size_t len;
    struct run *done; /* in order, none reaching into another */
    size_t n_done, done_room;
    struct run *taken; /* on the way, in order */
    size_t n_taken, taken_room;
    bool broken;   /* the last run is not gone on with */
    uint32_t lane; /* that taken speaks of */
};

struct redriven {
    struct place *places;
};

static struct place *place_of(struct redriven *r, struct weir_slice shard)
{
    struct place *p = r->places;
    while (p && (p->len != shard.len || memcmp(p->id, shard.ptr, shard.len) != 0))
        p = p->after;
    if (p)
        return p;
    p = xcalloc(1, sizeof *p);
    p->id = xmalloc(shard.len + 1);
    memcpy(p->id, shard.ptr, shard.len);
    p->id[shard.len] = 0;
    p->len = shard.len;
    p->after = r->places;
    r->places = p;
    return p;
}

static struct run *add(struct run **runs, size_t *n, size_t *room, struct run run)
{
    if (*n == *room) {
        *room = *room ? *room * 2 : 16;
        *runs = xrealloc(*runs, *room * sizeof **runs);
    }
    (*runs)[*n] = run;
    return &(*runs)[(*n)++];
}

static void put64(unsigned char *to, uint64_t n)
{
    for (int i = 0; i < 8; i++)
        to[i] = (unsigned char)(n >> (56 - 8 * i));
}

static uint64_t get64(const void *from)
{
    const unsigned char *p = from;
    uint64_t n = 0;
    for (int i = 0; i < 8; i++)
        n = n << 8 | p[i];
    return n;
}

/* Rows come in order of their keys, so runs of a lane in order of where they begin. */
static int load_row(void *opaque, struct weir_slice key, struct weir_slice value)
{
    if (key.len < 9 || value.len != 8)
        return WEIR_OK;
    struct place *p = place_of(opaque, (struct weir_slice){key.ptr, key.len - 9});
    (void)add(&p->done, &p->n_done, &p->done_room,
              (struct run){get64((const char *)key.ptr + key.len - 8), get64(value.ptr)});
    return WEIR_OK;
}

struct redriven *redriven_load(struct state *state)
{
    struct redriven *r = xcalloc(1, sizeof *r);
    if (state_scan(state, OWNER, (struct weir_slice){"", 0}, load_row, r) == WEIR_OK)
        return r;
    redriven_free(r);
    return NULL;
}

void redriven_free(struct redriven *r)
{
    if (!r)
        return;
    while (r->places) {
        struct place *p = r->places;
        r->places = p->after;
        free(p->done);
        free(p->taken);
        free(p->id);
        free(p);
    }
    free(r);
}

bool redriven_has(struct redriven *r, struct weir_slice shard, uint64_t seq)
{
    const struct place *p = place_of(r, shard);
    size_t low = 0, high = p->n_done;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (p->done[middle].next <= seq)
            low = middle + 1;
        else
            high = middle;
    }
    return low < p->n_done && p->done[low].first <= seq;
}

void redriven_take(struct redriven *r, uint32_t lane, struct weir_slice shard, uint64_t seq, uint64_t next)
{
    struct place *p = place_of(r, shard);
    if (p->lane != lane)
        p->n_taken = 0;
    p->lane = lane;
    if (p->n_taken && !p->broken)
        p->taken[p->n_taken - 1].next = next;
    else
        (void)add(&p->taken, &p->n_taken, &p->taken_room, (struct run){seq, next});
    p->broken = false;
}

void redriven_leave(struct redriven *r, struct weir_slice shard)
{
    place_of(r, shard)->broken = true;
}

static void put_row(struct state *state, const struct place *p, uint64_t first, uint64_t next)
{
    unsigned char *key = xmalloc(p->len + 9), value[8];
    memcpy(key, p->id, p->len);
    key[p->len] = 0;
    put64(key + p->len + 1, first);
    put64(value, next);
    state_put(state, OWNER, (struct weir_slice){key, p->len + 9},
              (struct weir_slice){next ? value : NULL, next ? sizeof value : 0});
    free(key);
}

/* Enters a run, or the longer form of one that is there. */
static void done_add(struct place *p, struct run run)
{
    size_t i = p->n_done;
    while (i > 0 && p->done[i - 1].first >= run.first)
        i--;
    if (i < p->n_done && p->done[i].first == run.first) {
        p->done[i] = run;
        return;
    }
    (void)add(&p->done, &p->n_done, &p->done_room, run);
    memmove(p->done + i + 1, p->done + i, (p->n_done - 1 - i) * sizeof *p->done);
    p->done[i] = run;
}

void redriven_commit(struct redriven *r, struct state *state, uint32_t lane, struct weir_slice shard,
                     uint64_t next)
{
    struct place *p = place_of(r, shard);
    size_t over = 0;
    if (p->lane != lane)
        return;
    for (size_t i = 0; i < p->n_taken && p->taken[i].first < next; i++) {
        bool all = p->taken[i].next <= next;
        struct run run = {p->taken[i].first, all ? p->taken[i].next : next};
        put_row(state, p, run.first, run.next);
        done_add(p, run); /* a source that reads its lane anew meets it again */
        /* the last run may yet grow: its row is written again then */
        over += all && i + 1 < p->n_taken;
    }
    memmove(p->taken, p->taken + over, (p->n_taken - over) * sizeof *p->taken);
    p->n_taken -= over;
}

bool redriven_check(struct redriven *r, struct state *state, struct weir_slice shard, uint64_t end)
{
    struct place *p = place_of(r, shard);
    if (!p->n_done || p->done[p->n_done - 1].next <= end)
        return false;
    for (size_t i = 0; i < p->n_done; i++)
        put_row(state, p, p->done[i].first, 0);
    p->n_done = 0;
    return true;
}
