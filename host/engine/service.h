/* SPDX-License-Identifier: BSD-2-Clause */
/* service.h - what a plugin may ask the host for: the table (service.c), and its services that look into records
 * (service_record.c), which run on the home thread. */
#ifndef WEIR_HOST_SERVICE_H
#define WEIR_HOST_SERVICE_H

#include <weir/plugin.h>

extern const struct weir_host host_table;

int service_json(struct weir_ctx *, const struct weir_batch *, uint32_t i, const struct weir_path *,
                 struct weir_span *ret, const char **ret_why);
struct weir_slice service_json_string(struct weir_ctx *, const struct weir_span *);
int service_json_check(struct weir_ctx *, const struct weir_batch *, uint32_t i, uint32_t *ret_type,
                       uint32_t *ret_multiline, const char **ret_why);
size_t service_json_minify(struct weir_ctx *, void *out, struct weir_slice json);
size_t service_json_quote(struct weir_ctx *, void *out, struct weir_slice bytes);
int service_json_walk(struct weir_ctx *, struct weir_slice json,
                      int (*each)(void *opaque, struct weir_slice path, const struct weir_span *),
                      void *opaque);
int service_render(struct weir_ctx *, const struct weir_template *, const struct weir_batch *, uint32_t i,
                   struct weir_slice *ret, const char **ret_why);
int service_match(struct weir_ctx *, const struct weir_expr *, const struct weir_batch *, uint32_t first,
                  uint32_t n, uint8_t *ret);
const char *service_match_error(struct weir_ctx *);
int service_record_print(struct weir_ctx *, const struct weir_batch *, uint32_t i, struct weir_slice *ret);
int service_record_parse(struct weir_ctx *, struct weir_slice line, struct weir_record *ret,
                         size_t record_size, const char **ret_why);

#endif
