/* SPDX-License-Identifier: BSD-2-Clause */
/* place.h - where sinks write in a test: a temporary folder in place of the file system, a file in place of standard
 * output, a server in this process in place of Elasticsearch.
 *
 * Owns: the servers; the folder belongs to who made it.  Thread: main. */
#ifndef WEIR_HOST_PLACE_H
#define WEIR_HOST_PLACE_H

#include "cluster.h"
#include "config/conf.h"
#include "config/sections.h"
#include "outputs.h"

struct place_server {
    const char *sink; /* its title, a copy */
    struct cluster *cluster;
};

struct place {
    const char *dir; /* the folder, empty at first */
    bool std_taken;  /* by the first std sink */
    struct place_server *servers;
    size_t n_servers;
    struct strbuf why; /* no server could be had */
};

enum place_kind {
    PLACE_NONE,  /* the sink is not run */
    PLACE_FILES, /* file and std: what they wrote is read back */
    PLACE_CLUSTER
};

/* For conf_load_changed: has every file sink write below the folder, each in a part of its own, and every elasticsearch
 * sink to a server of its own. */
void place_change(struct place *, struct sections *);
/* How the section writes; *ret_cluster: where to, of PLACE_CLUSTER. */
enum place_kind place_kind(struct place *, const struct section_conf *, struct cluster **ret_cluster);
void place_free(struct place *);
/* Standard output goes into the folder from here on. */
bool place_begin(struct place *, struct strbuf *why);
/* What the section wrote, line by line; *ret_files: into so many files, whose order among each other is not known. */
bool place_read(const struct place *, const struct section_conf *, struct outputs *to, size_t *ret_files,
                struct strbuf *why);

#endif
