/* SPDX-License-Identifier: BSD-2-Clause */
/* t-subst.c - ${env:} and ${file:}, secrets that are lent afresh, and the mask over what they brought in. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "config/subst.h"
#include "report/redact.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[] = "/tmp/t-subst-XXXXXX";
static char why[512];
static bool secret;

static const char *path_of(const char *name)
{
    static char path[200];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void put(const char *name, const char *data, size_t len)
{
    FILE *file = fopen(path_of(name), "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(data, 1, len, file), len);
    fclose(file);
}

/* The result, or NULL with the sentence in why; FOLDER in the text is replaced. */
static const char *expand(const char *text)
{
    static struct strbuf out;
    struct strbuf in = {0};
    const char *at = strstr(text, "FOLDER");
    strbuf_add(&in, text, at ? (size_t)(at - text) : strlen(text));
    if (at)
        strbuf_printf(&in, "%s%s", folder, at + 6);
    out.len = 0;
    strbuf_str(&out, "");
    why[0] = 0;
    bool good = subst_expand(in.data, in.len, &out, &secret, why, sizeof why);
    strbuf_free(&in);
    strbuf_str(&out, "");
    return good ? out.data : NULL;
}

static void references_are_replaced_once(void **state)
{
    (void)state;
    setenv("T_NAME", "val ue", 1);
    setenv("T_NEST", "${env:T_NAME}", 1);
    setenv("T_EMPTY", "", 1);
    put("plain", "from file\n", 10);
    put("two", "a\n\n", 3);
    static const struct {
        const char *text, *result;
        bool secret;
    } table[] = {
        {"", "", false},
        {"plain", "plain", false},
        {"$", "$", false},
        {"a$b$$c", "a$b$$c", false},
        {"{.a}$", "{.a}$", false},
        {"$${env:X}", "${env:X}", false},
        {"$$${env:X}", "$${env:X}", false},
        {"${env:T_NAME}", "val ue", true},
        {"<${env:T_NAME}${env:T_NAME}>", "<val ueval ue>", true},
        {"${env:T_NEST}", "${env:T_NAME}", true}, /* never parsed again */
        {"x${env:T_EMPTY}y", "xy", true},
        {"${file:FOLDER/plain}", "from file", true},
        {"${file:FOLDER/two}!", "a\n!", true}, /* one line feed is dropped */
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        assert_string_equal(expand(table[i].text), table[i].result);
        assert_int_equal(secret, table[i].secret);
    }
}

static void what_leads_nowhere_is_said(void **state)
{
    char big[SUBST_FILE_MAX + 1];
    (void)state;
    memset(big, 'x', sizeof big);
    put("big", big, sizeof big);
    put("most", big, sizeof big - 1);
    put("nul", "a\0b", 3);
    assert_int_equal(mkfifo(path_of("fifo"), 0600), 0);
    unsetenv("T_NONE");
    assert_null(expand("${env:T_NONE}"));
    assert_string_equal(why, "${env:T_NONE}: the environment variable T_NONE is not set");
    assert_null(expand("${file:relative}"));
    assert_string_equal(why, "${file:relative}: the path must begin with /");
    assert_null(expand("${file:/nowhere/x}"));
    assert_string_equal(why, "${file:/nowhere/x}: No such file or directory");
    assert_null(expand("${file:/tmp}"));
    assert_string_equal(why, "${file:/tmp}: it is no regular file");
    assert_null(expand("${vault:x}"));
    assert_string_equal(
        why, "${vault:x} is not known; there are ${env:NAME} and ${file:/path}, and $${ is a literal ${");
    assert_null(expand("${env:}"));
    assert_null(expand("${}"));
    assert_null(expand("a ${env:X"));
    assert_string_equal(why, "\"${\" has no \"}\"; write $${ for a literal ${");
    assert_null(expand("${file:FOLDER/fifo}")); /* must not hang */
    assert_non_null(strstr(why, "it is no regular file"));
    assert_null(expand("${file:FOLDER/big}"));
    assert_non_null(strstr(why, "it is larger than 64 KiB"));
    assert_null(expand("${file:FOLDER/nul}"));
    assert_non_null(strstr(why, "it holds a NUL byte"));
    assert_int_equal(strlen(expand("${file:FOLDER/most}")), SUBST_FILE_MAX);
}

static const char *masked(const char *text)
{
    static struct strbuf out;
    out.len = 0;
    redact_text(text, strlen(text), &out);
    strbuf_str(&out, "");
    return out.data;
}

static void known_values_are_masked(void **state)
{
    (void)state;
    redact_reset();
    assert_string_equal(masked("nothing known"), "nothing known");
    redact_add("abc", 3); /* too short to mask */
    redact_add("hunter2", 7);
    redact_add("hunter2", 7);
    redact_add("er2 extra", 9);
    assert_string_equal(masked(""), "");
    assert_string_equal(masked("abc"), "abc");
    assert_string_equal(masked("hunter2"), "***");
    assert_string_equal(masked("pw=hunter2, again hunter2!"), "pw=***, again ***!");
    assert_string_equal(masked("a hunter2 extra b"), "a *** b"); /* overlap: nothing of either is left */
    assert_string_equal(masked("hunter"), "hunter");
    setenv("T_NAME", "env-secret", 1);
    assert_non_null(expand("${env:T_NAME}"));
    assert_string_equal(masked("it is env-secret."), "it is ***.");
    for (int i = 0; i < 3000; i++) { /* the store is bounded and the newest stay */
        char text[32];
        redact_add(text, (size_t)snprintf(text, sizeof text, "value-%04d", i));
    }
    assert_string_equal(masked("value-2999"), "***");
    redact_reset();
    assert_string_equal(masked("value-2999 hunter2"), "value-2999 hunter2");
}

static char lent[64];

static void use(void *opaque, struct weir_slice bytes)
{
    *(const void **)opaque = bytes.ptr;
    memcpy(lent, bytes.ptr, bytes.len);
    lent[bytes.len] = 0;
}

static void a_secret_is_read_at_each_use(void **state)
{
    char recipe[300];
    const void *where = NULL;
    (void)state;
    redact_reset();
    put("pw", "first-one\n", 10);
    snprintf(recipe, sizeof recipe, "${file:%s}", path_of("pw"));
    struct weir_secret key = {.recipe = recipe, .len = strlen(recipe), .where = "t.ini:3: [sink] password"};
    assert_int_equal(secret_use(&key, use, &where), WEIR_OK);
    assert_string_equal(lent, "first-one");
    put("pw", "second-one\n", 11);
    assert_int_equal(secret_use(&key, use, &where), WEIR_OK);
    assert_string_equal(lent, "second-one");
    assert_string_equal(masked("first-one second-one"), "*** ***");
    unlink(path_of("pw"));
    lent[0] = 0;
    assert_int_equal(secret_use(&key, use, &where), WEIR_RETRY);
    assert_string_equal(lent, "");
    struct weir_secret literal = {.recipe = "literal-pw", .len = 10, .where = "t.ini:3: [sink] password"};
    assert_int_equal(secret_use(&literal, use, &where), WEIR_OK);
    assert_string_equal(masked("literal-pw"), "***");
    redact_reset();
}

static int set_up(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int tear_down(void **state)
{
    static const char *const names[] = {"plain", "two", "big", "most", "nul", "fifo", "pw"};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        unlink(path_of(names[i]));
    return rmdir(folder);
}

static void a_stand_in_is_no_secret(void **state)
{
    struct strbuf out = {0};
    (void)state;
    subst_stand_in("env", "T_STOOD_IN", "for ${env:T_NAME}");
    subst_stand_in("file", "/nowhere/t-subst", "a file");
    subst_stand_in("file", "/nowhere/t-subst", "another");
    assert_string_equal(expand("<${env:T_STOOD_IN}, ${file:/nowhere/t-subst}>"),
                        "<for ${env:T_NAME}, a file>");
    assert_false(secret);
    redact_text("a file", 6, &out);
    assert_string_equal(out.data, "a file");
    setenv("T_NAME", "val ue", 1);
    assert_string_equal(expand("${env:T_NAME}, ${file:/nowhere/t-subst}"), "val ue, a file");
    assert_true(secret);
    strbuf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(references_are_replaced_once), cmocka_unit_test(what_leads_nowhere_is_said),
        cmocka_unit_test(known_values_are_masked),      cmocka_unit_test(a_secret_is_read_at_each_use),
        cmocka_unit_test(a_stand_in_is_no_secret),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
