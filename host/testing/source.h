/* SPDX-License-Identifier: BSD-2-Clause */
/* source.h - stands in for a pipeline's source in a test: gives the records of the test, then ends.
 *
 * What the test does not say of a record is as the real source would have it: from Kafka partition 0, a rising offset
 * and the time of the test's clock; from elsewhere no partition and no time.  Home thread of the source. */
#ifndef WEIR_HOST_TESTING_SOURCE_H
#define WEIR_HOST_TESTING_SOURCE_H

#include "config/conf.h"
#include "script.h"

struct source_conf { /* what the section's conf is while the stand-in is in */
    const struct script_test *test;
    const char *topic; /* of records whose test names none; borrowed from the pipeline */
    bool partitions;   /* of a source that has some */
};

extern const struct weir_ops test_source_ops;

/* Puts the stand-in into the section.  The conf is borrowed. */
void test_source_put(struct section_conf *, const struct script_test *, struct source_conf *);
/* The records of the test are of one lane: so their order is known everywhere. */
bool test_source_one_lane(const struct source_conf *);

#endif
