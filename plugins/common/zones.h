/* SPDX-License-Identifier: BSD-2-Clause */
/* zones.h - time zones: an offset, or the rules of a name of the IANA data base as the system's tzdata has them.
 *
 * Immutable once read, so any thread; neither TZ nor the C library's one zone for a process is involved. */
#ifndef WEIR_PLUGINS_ZONES_H
#define WEIR_PLUGINS_ZONES_H

#include <stddef.h>
#include <stdint.h>

struct zone;

/* UTC, Z, +02:00, -0330, or Europe/Berlin, which is read from /usr/share/zoneinfo.  NULL: why says why not. */
struct zone *zone_open(const char *name, char *why, size_t cap);
/* The same of the bytes of such a file. */
struct zone *zone_read(const void *bytes, size_t n, char *why, size_t cap);
void zone_free(struct zone *);

/* Seconds east of UTC at a moment, and its abbreviation there (NULL: not asked for), which the zone owns. */
int32_t zone_at(const struct zone *, int64_t sec, const char **ret_name);
/* The same for what a clock on the wall says, as seconds since 1970 if it were UTC.  Of what the clock says twice, when
 * it is set back, the first is meant; what it leaves out when it is set forward counts as if it were not yet. */
int32_t zone_of_local(const struct zone *, int64_t local);

#endif
