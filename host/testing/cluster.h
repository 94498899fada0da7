/* SPDX-License-Identifier: BSD-2-Clause */
/* cluster.h - stands in for an Elasticsearch cluster in a test: a server on the loopback that takes bulk requests.
 *
 * It keeps what it accepted, in that order, and says no where the test wants it.  The sink that talks to it is the real
 * one.  Own code, for a library's server does not drop a connection when it is told to.  Owns: a thread, from
 * cluster_start to cluster_stop, which alone touches outputs and faults meanwhile; the rest is main's. */
#ifndef WEIR_HOST_CLUSTER_H
#define WEIR_HOST_CLUSTER_H

#include "faults.h"
#include "outputs.h"

struct cluster;

/* Takes a port; nobody is answered yet.  NULL and a sentence in why. */
struct cluster *cluster_new(struct strbuf *why);
/* "http://127.0.0.1:PORT", borrowed. */
const char *cluster_url(const struct cluster *);
/* Both are borrowed; faults NULL: none. */
void cluster_start(struct cluster *, struct outputs *, struct faults *);
/* Ends the thread, if there is one, and frees. */
void cluster_stop(struct cluster *);

/* cluster_bulk.c: does what a bulk request says and appends the answer. */
void cluster_bulk(struct outputs *, struct faults *, struct weir_slice body, struct strbuf *answer);

#endif
