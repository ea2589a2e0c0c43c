/* SPDX-License-Identifier: MIT */
/* log_test.c - lines that nothing can break out of, and budgets. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "server/observe/log.h"

static int fds[2];
static char text[1 << 16];

static int make_pipe(void **state) {
  (void)state;
  assert_int_equal(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
  return 0;
}

static int close_pipe(void **state) {
  (void)state;
  close(fds[0]);
  close(fds[1]);
  return 0;
}

/* What was written since the last call. */
static char *written(void) {
  ssize_t n = read(fds[0], text, sizeof text - 1);
  text[n > 0 ? n : 0] = '\0';
  return text;
}

static unsigned num_lines(const char *s) {
  unsigned n = 0;
  for (; *s; s++)
    if (*s == '\n') n++;
  return n;
}

static gw_log *new_log(int level, bool json) {
  gw_log *log =
      gw_log_new(&(gw_log_options){.fd = fds[1], .level = level, .json = json});
  assert_non_null(log);
  return log;
}

static void test_text_line_reads_as_written(void **state) {
  (void)state;
  gw_log *log = new_log(GW_LOG_INFO, false);
  gw_fields f;
  gw_fields_init(&f);
  gw_fields_text(&f, "peer", "127.0.0.1");
  gw_fields_number(&f, "port", 8000);
  gw_fields_text(&f, "why", "two words");
  gw_log_write(log, GW_LOG_WARN, "ws.refused", f.text);
  assert_string_equal(
      strchr(written(), ' '),
      " warn ws.refused peer=127.0.0.1 port=8000 why=\"two words\"\n");
  gw_log_write(log, GW_LOG_DEBUG, "quiet", NULL);
  assert_string_equal(written(), "");
  gw_log_free(log);
}

static void
test_audits_are_written_whatever_the_level_and_the_budget(void **state) {
  (void)state;
  gw_log *log = new_log(GW_LOG_ERROR, false);
  for (unsigned i = 0; i < 3 * GW_LOG_PER_SECOND; i++)
    gw_log_audit(log, "admin.call", "user=ada");
  assert_int_equal(num_lines(written()), 3 * GW_LOG_PER_SECOND);
  assert_non_null(strstr(text, " info admin.call user=ada\n"));
  assert_null(strstr(text, "suppressed"));
  gw_log_free(log);
}

static void test_no_value_breaks_out_of_its_line(void **state) {
  (void)state;
  static const char evil[] =
      "a\"\nerror fake.event x=1\r\\\x1b[31m\xff\xc3\xa9 ";
  gw_log *logs[] = {new_log(GW_LOG_INFO, false), new_log(GW_LOG_INFO, true)};
  for (int i = 0; i < 2; i++) {
    gw_fields f;
    gw_fields_init(&f);
    gw_fields_text(&f, "v", evil);
    gw_fields_number(&f, "n", 7);
    gw_log_write(logs[i], GW_LOG_INFO, "e", f.text);
    char *line = written();
    assert_int_equal(num_lines(line), 1);
    assert_null(strchr(line, '\x1b'));
    assert_null(strchr(line, '\r'));
    assert_true(gw_view_is_text(gw_view_of(line)));
    if (i == 0) {
      assert_non_null(strstr(
          line, "v=\"a\\\"\\u000aerror fake.event x=1\\u000d\\\\\\u001b[31m"));
      continue;
    }
    json_error_t error;
    json_t *root = json_loads(line, 0, &error);
    assert_non_null(root);
    const char *v = json_string_value(json_object_get(root, "v"));
    assert_non_null(v);
    assert_memory_equal(v, evil, strcspn(evil, "\xff"));
    assert_int_equal(json_integer_value(json_object_get(root, "n")), 7);
    json_decref(root);
  }
  gw_log_free(logs[0]);
  gw_log_free(logs[1]);
}

static void test_long_and_broken_fields_stay_one_valid_line(void **state) {
  (void)state;
  gw_log *log = new_log(GW_LOG_INFO, true);
  char fields[GW_LOG_FIELDS_MAX] = "a=\"";
  memset(fields + 3, 1, sizeof fields - 4);
  fields[sizeof fields - 1] = '\0';
  static const char *const cases[] = {"",       "=",      "a",
                                      "a=",     "=b",     "a=\"open",
                                      "a=\"\\", "a==b c", "\n\n x=\"\\u12\""};
  for (size_t i = 0; i <= sizeof cases / sizeof cases[0]; i++) {
    gw_log_write(log, GW_LOG_INFO, "e",
                 i < sizeof cases / sizeof cases[0] ? cases[i] : fields);
    char *line = written();
    assert_int_equal(num_lines(line), 1);
    json_error_t error;
    json_t *root = json_loads(line, 0, &error);
    assert_non_null(root);
    json_decref(root);
  }
  gw_log_free(log);
}

static void
test_flood_of_one_event_is_counted_and_leaves_others_alone(void **state) {
  (void)state;
  gw_log *log = new_log(GW_LOG_INFO, false);
  for (unsigned i = 0; i < 1000; i++)
    gw_log_write(log, GW_LOG_WARN, "flood", NULL);
  gw_log_write(log, GW_LOG_INFO, "other", NULL);
  char *lines = written();
  /* The clock may have passed into a second budget on the way. */
  assert_in_range(num_lines(lines), GW_LOG_PER_SECOND + 1,
                  2 * GW_LOG_PER_SECOND + 1);
  assert_non_null(strstr(lines, " info other\n"));
  assert_true(gw_log_num_suppressed(log) >= 1000 - 2 * GW_LOG_PER_SECOND);
  gw_log_flush(log);
  assert_non_null(strstr(written(), " warn flood suppressed="));
  gw_log_flush(log);
  assert_string_equal(written(), "");
  gw_log_free(log);
}

static void test_full_pipe_loses_lines_and_never_blocks(void **state) {
  (void)state;
  gw_log *log = new_log(GW_LOG_INFO, false);
  int flags = fcntl(fds[1], F_GETFL);
  char fill[4096];
  memset(fill, 'x', sizeof fill);
  while (write(fds[1], fill, sizeof fill) > 0)
    continue;
  fcntl(fds[1], F_SETFL, flags & ~O_NONBLOCK);
  gw_log_write(log, GW_LOG_INFO, "unheard", NULL);
  while (read(fds[0], text, sizeof text) > 0)
    continue;
  gw_log_write(log, GW_LOG_INFO, "heard", NULL);
  assert_non_null(strstr(written(), " info heard lost=1\n"));
  gw_log_free(log);
}

/* How long a file may be; 0: as long as it was allowed to be before. */
static void let_files_have(rlim_t bytes) {
  struct rlimit limit;
  assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
  limit.rlim_cur = bytes != 0 ? bytes : limit.rlim_max;
  assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void test_full_disk_tears_no_line_that_follows(void **state) {
  (void)state;
  FILE *file = tmpfile();
  assert_non_null(file);
  gw_log *log = gw_log_new(&(gw_log_options){
      .fd = fileno(file), .level = GW_LOG_INFO, .json = true});
  signal(SIGXFSZ, SIG_IGN);
  let_files_have(100); /* a line and a half */
  gw_log_write(log, GW_LOG_INFO, "whole", NULL);
  gw_log_write(log, GW_LOG_INFO, "torn", NULL);
  gw_log_write(log, GW_LOG_INFO, "unheard", NULL);
  let_files_have(0);
  gw_log_write(log, GW_LOG_INFO, "heard", NULL);
  gw_log_write(log, GW_LOG_INFO, "next", NULL);
  ssize_t len = pread(fileno(file), text, sizeof text - 1, 0);
  text[len > 0 ? len : 0] = '\0';
  static const char *const events[] = {"whole", NULL, "heard", "next"};
  size_t num = 0;
  for (char *l = strtok(text, "\n"); l; l = strtok(NULL, "\n"), num++) {
    assert_true(num < 4);
    json_t *root = json_loads(l, 0, NULL);
    const char *event = json_string_value(json_object_get(root, "event"));
    if (events[num])
      assert_string_equal(event, events[num]);
    else
      assert_null(root);
    assert_int_equal(json_integer_value(json_object_get(root, "lost")),
                     num == 2 ? 2 : 0);
    json_decref(root);
  }
  assert_int_equal(num, 4);
  gw_log_free(log);
  fclose(file);
}

/* A log in a new file, which has a whole line and a torn one already. */
static gw_log *new_torn_log(FILE **file) {
  *file = tmpfile();
  assert_non_null(*file);
  gw_log *log =
      gw_log_new(&(gw_log_options){.fd = fileno(*file), .level = GW_LOG_INFO});
  assert_non_null(log);
  signal(SIGXFSZ, SIG_IGN);
  gw_log_write(log, GW_LOG_INFO, "whole", NULL);
  let_files_have((rlim_t)lseek(fileno(*file), 0, SEEK_END) + 10);
  gw_log_write(log, GW_LOG_INFO, "torn", NULL);
  let_files_have(0);
  return log;
}

/* What is in a file from its n-th line on. */
static const char *lines_of(FILE *file, unsigned n) {
  ssize_t len = pread(fileno(file), text, sizeof text - 1, 0);
  text[len > 0 ? len : 0] = '\0';
  const char *line = text;
  for (; n > 0; n--) {
    line = strchr(line, '\n');
    assert_non_null(line);
    line++;
  }
  return line;
}

static void test_a_torn_line_stays_in_the_file_that_has_it(void **state) {
  (void)state;
  FILE *old, *new = tmpfile();
  assert_non_null(new);
  gw_log *log = new_torn_log(&old);
  assert_int_equal(gw_log_move(log, fileno(new)), 0);
  gw_log_write(log, GW_LOG_INFO, "heard", NULL);
  gw_log_write(log, GW_LOG_INFO, "next", NULL);
  const char *lines = lines_of(new, 0);
  assert_int_equal(num_lines(lines), 2);
  assert_memory_not_equal(lines, "\n", 1);
  assert_non_null(strstr(lines, " info heard lost=1\n"));
  assert_int_equal(gw_log_move(log, -1), -EBADF);
  gw_log_free(log);
  fclose(old);
  fclose(new);
}

static void test_a_file_that_ends_torn_spoils_no_line(void **state) {
  (void)state;
  FILE *file;
  gw_log *log = new_torn_log(&file);
  int again = dup(fileno(file));
  assert_return_code(again, 0);
  /* Opened again, and it was not moved away. */
  assert_int_equal(gw_log_move(log, again), 0);
  gw_log_write(log, GW_LOG_INFO, "heard", NULL);
  assert_int_equal(num_lines(lines_of(file, 0)), 3);
  assert_string_equal(strchr(lines_of(file, 2), ' '), " info heard lost=1\n");
  gw_log_free(log);
  /* Written by a server that came to its end there. */
  assert_int_equal(write(again, "half a", 6), 6);
  log = gw_log_new(&(gw_log_options){.fd = again, .level = GW_LOG_INFO});
  gw_log_write(log, GW_LOG_INFO, "first", NULL);
  assert_int_equal(strncmp(lines_of(file, 3), "half a\n", 7), 0);
  assert_string_equal(strchr(lines_of(file, 4), ' '), " info first\n");
  gw_log_free(log);
  close(again);
  fclose(file);
}

#define NUM_FILLS 50

static atomic_bool has_ended;

static void *write_lines(void *log) {
  while (!atomic_load(&has_ended))
    gw_log_write(log, GW_LOG_INFO, "line", NULL);
  return NULL;
}

/* A disk that is full and has room again, NUM_FILLS times. */
static void fill_and_clear(gw_log *log, int fd) {
  for (unsigned i = 0; i < NUM_FILLS; i++) {
    uint64_t lost = gw_log_num_suppressed(log);
    let_files_have((rlim_t)lseek(fd, 0, SEEK_END) + 200);
    while (gw_log_num_suppressed(log) < lost + 2)
      sched_yield();
    let_files_have(0);
    off_t len = lseek(fd, 0, SEEK_END);
    while (lseek(fd, 0, SEEK_END) < len + 200)
      sched_yield();
  }
}

/* The first line that goes out again ends the torn one and tells what was lost,
 * however many threads want to write it. */
static void test_full_disk_is_told_by_one_thread_of_many(void **state) {
  (void)state;
  FILE *file = tmpfile();
  assert_non_null(file);
  int fd = fileno(file);
  assert_return_code(fcntl(fd, F_SETFL, O_APPEND), 0);
  gw_log *log = gw_log_new(&(gw_log_options){
      .fd = fd, .level = GW_LOG_INFO, .json = true, .per_second = UINT32_MAX});
  signal(SIGXFSZ, SIG_IGN);
  pthread_t threads[3];
  for (size_t i = 0; i < 3; i++)
    assert_int_equal(pthread_create(&threads[i], NULL, write_lines, log), 0);
  fill_and_clear(log, fd);
  atomic_store(&has_ended, true);
  for (size_t i = 0; i < 3; i++)
    pthread_join(threads[i], NULL);
  rewind(file);
  json_int_t lost = 0;
  unsigned num_torn = 0;
  while (fgets(text, sizeof text, file)) {
    json_t *root = json_loads(text, 0, NULL);
    lost += json_integer_value(json_object_get(root, "lost"));
    num_torn += root == NULL;
    json_decref(root);
  }
  assert_int_equal(lost, gw_log_num_suppressed(log));
  assert_in_range(num_torn, 1, NUM_FILLS);
  gw_log_free(log);
  fclose(file);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(test_text_line_reads_as_written,
                                      make_pipe, close_pipe),
      cmocka_unit_test_setup_teardown(
          test_audits_are_written_whatever_the_level_and_the_budget, make_pipe,
          close_pipe),
      cmocka_unit_test_setup_teardown(test_no_value_breaks_out_of_its_line,
                                      make_pipe, close_pipe),
      cmocka_unit_test_setup_teardown(
          test_long_and_broken_fields_stay_one_valid_line, make_pipe,
          close_pipe),
      cmocka_unit_test_setup_teardown(
          test_flood_of_one_event_is_counted_and_leaves_others_alone, make_pipe,
          close_pipe),
      cmocka_unit_test_setup_teardown(
          test_full_pipe_loses_lines_and_never_blocks, make_pipe, close_pipe),
      cmocka_unit_test(test_full_disk_tears_no_line_that_follows),
      cmocka_unit_test(test_a_torn_line_stays_in_the_file_that_has_it),
      cmocka_unit_test(test_a_file_that_ends_torn_spoils_no_line),
      cmocka_unit_test(test_full_disk_is_told_by_one_thread_of_many),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
