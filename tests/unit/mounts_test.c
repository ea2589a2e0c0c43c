/* SPDX-License-Identifier: MIT */
/* mounts_test.c - which file a path means, and that none outside of its folder
 * is opened. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "server/net/mounts.h"

#define MAX_BYTES 1000u

static char base[] = "/tmp/godwit-mounts-XXXXXX";
static char folder[64];

static const char *below(const char *name) {
  static char path[512];
  snprintf(path, sizeof path, "%s/%s", base, name);
  return path;
}

/** mtime: seconds, so that packed forms are older or newer as the test says. */
static void put(const char *name, const char *text, long mtime) {
  const struct timespec times[2] = {{.tv_sec = mtime}, {.tv_sec = mtime}};
  FILE *f = fopen(below(name), "w");
  assert_non_null(f);
  fputs(text, f);
  fclose(f);
  assert_int_equal(utimensat(AT_FDCWD, below(name), times, 0), 0);
}

static int make_tree(void **state) {
  (void)state;
  if (mkdtemp(base) == NULL) return -1;
  snprintf(folder, sizeof folder, "%s/www", base);
  (void)mkdir(below("www"), 0700);
  (void)mkdir(below("www/sub"), 0700);
  (void)mkdir(below("www/bare"), 0700);
  put("secret", "outside", 100);
  put("www/index.html", "index", 100);
  put("www/sub/index.html", "sub", 100);
  put("www/app.js", "app", 100);
  put("www/app.js.gz", "zz", 100);
  put("www/app.js.br", "b", 99); /* older than the file: stale */
  put("www/both.css", "both", 100);
  put("www/both.css.gz", "z", 101);
  put("www/both.css.br", "b", 101);
  put("www/.hidden", "hidden", 100);
  (void)symlink("app.js", below("www/inside.js"));
  (void)symlink("../secret", below("www/outside"));
  (void)symlink("/etc/passwd", below("www/absolute"));
  (void)symlink("..", below("www/up"));
  (void)mkfifo(below("www/pipe"), 0600);
  return 0;
}

static int remove_tree(void **state) {
  char command[128];
  (void)state;
  snprintf(command, sizeof command, "rm -rf '%s'", base);
  return system(command);
}

static void add(gw_mounts *m, const char *path, uint32_t symlinks) {
  char its[32], none[] = "", why[GW_MOUNTS_WHY_MAX];
  snprintf(its, sizeof its, "%s", path);
  const gw_config_static o = {
      .path = its, .folder = folder, .symlinks = symlinks, .csp = none};
  if (gw_mounts_add(m, &o, why) < 0) fail_msg("%s", why);
}

/** Its text; NULL: nothing, "/": a folder. */
static const char *text_of(const gw_mounts *m, const char *path,
                           unsigned codings, gw_file *f) {
  static char text[64];
  switch (gw_mounts_open(m, gw_view_of(path), codings, MAX_BYTES, f)) {
  case GW_MOUNTS_NOTHING:
    return NULL;
  case GW_MOUNTS_FOLDER:
    return "/";
  case GW_MOUNTS_LARGE:
    return "large";
  default:
    break;
  }
  ssize_t len = read(f->fd, text, sizeof text - 1);
  assert_true(len >= 0 && (uint64_t)len == f->size);
  text[len] = '\0';
  close(f->fd);
  return text;
}

static void test_which_file(void **state) {
  (void)state;
  static const char *const cases[][2] = {
      {"/", "index"},
      {"/index.html", "index"},
      {"/sub/", "sub"},
      {"/sub", "/"},
      {"/bare", NULL},
      {"/bare/", NULL},
      {"/app.js", "app"},
      {"/app.js/", NULL},
      {"/none", NULL},
      {"/.hidden", NULL},
      {"/pipe", NULL},
      {"/../secret", NULL},
      {"/sub/../../secret", NULL},
      {"//etc/passwd", NULL},
      {"/outside", NULL},
      {"/absolute", NULL},
      {"/up/secret", NULL},
      {"/inside.js", NULL},
      {"", NULL},
  };
  gw_mounts m = {.num = 0};
  add(&m, "/", GW_SYMLINKS_NONE);
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    gw_file f;
    const char *text = text_of(&m, cases[i][0], 0, &f);
    if ((text == NULL) != (cases[i][1] == NULL) ||
        (text != NULL && strcmp(text, cases[i][1]) != 0))
      fail_msg("%s: %s", cases[i][0], text);
  }
  gw_mounts_deinit(&m);
}

static void test_links_that_stay_inside(void **state) {
  (void)state;
  gw_mounts m = {.num = 0};
  gw_file f;
  add(&m, "/", GW_SYMLINKS_INSIDE);
  assert_string_equal(text_of(&m, "/inside.js", 0, &f), "app");
  assert_null(text_of(&m, "/outside", 0, &f));
  assert_null(text_of(&m, "/absolute", 0, &f));
  assert_null(text_of(&m, "/up/secret", 0, &f));
  gw_mounts_deinit(&m);
}

static void test_packed_forms(void **state) {
  (void)state;
  const unsigned both = GW_CODING_BR | GW_CODING_GZIP;
  gw_mounts m = {.num = 0};
  gw_file f;
  add(&m, "/", GW_SYMLINKS_NONE);
  assert_string_equal(text_of(&m, "/both.css", both, &f), "b");
  assert_string_equal(f.encoding, "br");
  assert_string_equal(f.type, "text/css; charset=utf-8");
  assert_string_equal(text_of(&m, "/both.css", GW_CODING_GZIP, &f), "z");
  char tag[sizeof f.etag];
  strcpy(tag, f.etag);
  assert_string_equal(text_of(&m, "/both.css", 0, &f), "both");
  assert_null(f.encoding);
  assert_string_not_equal(f.etag, tag);
  /* The form in br is stale. */
  assert_string_equal(text_of(&m, "/app.js", both, &f), "zz");
  assert_string_equal(text_of(&m, "/index.html", both, &f), "index");
  gw_mounts_deinit(&m);
}

static void test_the_longest_path_counts(void **state) {
  (void)state;
  gw_mounts m = {.num = 0};
  gw_file f;
  add(&m, "/", GW_SYMLINKS_NONE);
  add(&m, "/sub/deep/", GW_SYMLINKS_NONE);
  assert_string_equal(text_of(&m, "/sub/deep/app.js", 0, &f), "app");
  assert_string_equal(text_of(&m, "/sub/deep", 0, &f), "/");
  assert_string_equal(text_of(&m, "/sub/", 0, &f), "sub");
  assert_null(text_of(&m, "/sub/deeper", 0, &f));
  gw_mounts_deinit(&m);
}

static void test_a_large_file(void **state) {
  (void)state;
  gw_mounts m = {.num = 0};
  gw_file f;
  add(&m, "/", GW_SYMLINKS_NONE);
  assert_int_equal(gw_mounts_open(&m, gw_view_of("/app.js"), 0, 2, &f),
                   GW_MOUNTS_LARGE);
  gw_mounts_deinit(&m);
}

static void test_mounts_that_cannot_be(void **state) {
  (void)state;
  static const struct {
    const char *path, *folder, *csp, *why;
  } cases[] = {{"app", NULL, "", "slash"},
               {"/.git", NULL, "", "dot"},
               {"/a//b", NULL, "", "slash"},
               {"/v1", NULL, "", "own"},
               {"/v1/x", NULL, "", "own"},
               {"/a", "/nowhere/at/all", "", "No such"},
               {"/a", "/etc/passwd", "", "Not a directory"},
               {"/a", NULL, "x\r\ny: z", "one line"},
               {"/taken/", NULL, "", "another folder"}};
  gw_mounts m = {.num = 0};
  add(&m, "/taken", GW_SYMLINKS_NONE);
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    char path[32], where[64], csp[16], why[GW_MOUNTS_WHY_MAX] = "";
    snprintf(path, sizeof path, "%s", cases[i].path);
    snprintf(where, sizeof where, "%s",
             cases[i].folder != NULL ? cases[i].folder : folder);
    snprintf(csp, sizeof csp, "%s", cases[i].csp);
    const gw_config_static o = {.path = path, .folder = where, .csp = csp};
    if (gw_mounts_add(&m, &o, why) != GW_ERR_INVALID ||
        strstr(why, cases[i].why) == NULL)
      fail_msg("%s: %s", cases[i].path, why);
  }
  assert_int_equal(m.num, 1);
  gw_mounts_deinit(&m);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_which_file),
      cmocka_unit_test(test_links_that_stay_inside),
      cmocka_unit_test(test_packed_forms),
      cmocka_unit_test(test_the_longest_path_counts),
      cmocka_unit_test(test_a_large_file),
      cmocka_unit_test(test_mounts_that_cannot_be),
  };
  return cmocka_run_group_tests_name("mounts", tests, make_tree, remove_tree);
}
