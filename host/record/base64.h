/* SPDX-License-Identifier: BSD-2-Clause */
/* base64.h - RFC 4648 section 4, padded, strict.  Pure functions, any thread. */
#ifndef WEIR_HOST_BASE64_H
#define WEIR_HOST_BASE64_H

#include <stdbool.h>
#include <stddef.h>

#define BASE64_SIZE(n) (((n) + 2) / 3 * 4) /* characters for n bytes */

/* Writes BASE64_SIZE(n) characters, no NUL. */
void base64_encode(char *out, const void *p, size_t n);
/* Writes at most n / 4 * 3 bytes.  False when the text is not what base64_encode would have written: another
 * alphabet, white space, missing padding, bits behind the end. */
bool base64_decode(void *out, size_t *ret_len, const char *text, size_t n);

#endif
